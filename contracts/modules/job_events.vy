# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Job events
@author Proofmesh
@license AGPL-3.0-only
@notice What the services of jobs log: enough to rebuild the state of every batch.
"""

EXPIRED: constant(uint256) = 1
CANCELLED: constant(uint256) = 2


event JobPosted:
    job: indexed(bytes32)
    payer: indexed(address)
    program: indexed(bytes32)
    a: uint256
    b: uint256
    named: bytes32
    nonce: uint256
    inputs: bytes32
    manifest: bytes32
    locators: Bytes[2048]


# A batch's seats are numbered in the order of these.
event SeatClaimed:
    job: indexed(bytes32)
    operator: indexed(uint256)
    batch: uint256
    round: uint256


event ResultSealed:
    job: indexed(bytes32)
    operator: indexed(uint256)
    batch: uint256
    round: uint256
    digest: bytes32


# `values` as they were opened: v in a base round, s in growth.
event ResultRevealed:
    job: indexed(bytes32)
    operator: indexed(uint256)
    batch: uint256
    round: uint256
    values: DynArray[bytes32, 32]


# A round after the first began: a raised price, or growth over the contested tasks in `mask`.
event RoundOpened:
    job: indexed(bytes32)
    batch: indexed(uint256)
    round: uint256
    price: uint256
    mask: uint256
    seed_height: uint256
    opened_at: uint256


# `values` are those that stand, for the tasks in `paid_mask`; each of `seats` is
# id 24 | paid 96 | burnt, gwei 64 | released, gwei 64. `servers`, 24 bits each, were paid for every
# task in `paid_mask`.
event BatchSettled:
    job: indexed(bytes32)
    batch: indexed(uint256)
    round: uint256
    paid_mask: uint256
    failed_mask: uint256
    tied_mask: uint256
    contested_mask: uint256
    values: DynArray[bytes32, 32]
    seats: DynArray[uint256, 7]
    servers: uint256
    settled_at: uint256


event BatchClosed:
    job: indexed(bytes32)
    batch: indexed(uint256)
    reason: uint256  # EXPIRED or CANCELLED
    refund: uint256
