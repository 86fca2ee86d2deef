# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable events
@author Proofmesh
@license AGPL-3.0-only
@notice What ProvableJobs logs beside the events of all jobs (`job_events`).
"""

EXHAUSTED: constant(uint256) = 3  # BatchClosed: no round or no time was left


# The draw after a seal, or a window that closed, moved the batch on.
event BatchAdvanced:
    job: indexed(bytes32)
    batch: indexed(uint256)
    word: uint256  # the batch's new one


# A seat was late or silent.
event SeatForfeited:
    job: indexed(bytes32)
    operator: indexed(uint256)
    batch: uint256
    round: uint256
    burnt: uint256  # gwei
    released: uint256  # gwei


event OperatorConvicted:
    job: indexed(bytes32)
    operator: indexed(uint256)
    prover: indexed(address)
    batch: uint256
    round: uint256
    task: uint256
    bond: uint256  # gwei, all of it taken
    announced: bool  # whether the prover was paid at once


event ProofAnnounced:
    announcement: indexed(bytes32)


event BountyAwarded:
    seat: indexed(bytes32)
    prover: indexed(address)
    amount: uint256  # gwei
