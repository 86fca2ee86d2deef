# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Convictions
@author Proofmesh
@license AGPL-3.0-only
@notice What somebody accuses a seat of, put to the court out of the service's own records, and what
        follows when the court convicts.
@dev Whoever accuses brings the job's parts back, and each is checked against a hash that was fixed
     before: nothing of what the court is asked comes from the accuser alone (rule P1).
"""

from ..interfaces import ICourt
from ..interfaces import IDemands
from . import bounties
from . import job_vaults as vaults
from . import job_words as words
from . import provable_batches as batches
from . import provable_events as events
from . import provable_openings as openings
from . import provable_words as packed
from . import seals

uses: batches
uses: bounties
uses: seals
uses: vaults


# What is said about which seat.
struct Charge:
    batch: uint256
    round: uint256
    operator: uint256
    task: uint256  # counted over the whole job
    segment: uint256  # of the answered demand that the proof needs, if it needs one


@internal
@view
def _claim_of(
    terms: words.Terms,
    source: openings.Source,
    charge: Charge,
    values: DynArray[bytes32, 32],
    seat: bytes32,
    demands: address,
) -> ICourt.Claim:
    """
    @param values What the seat opened.
    @param seat Where its seal is kept.
    @return What the court is asked; reverts where something is not as it was recorded.
    """
    trace: bytes32 = openings._trace_of(
        terms, source, charge.batch, charge.task, values, seals.records[seat]
    )
    inner: bytes32 = empty(bytes32)
    if demands != empty(address):
        inner = staticcall IDemands(demands).inner_of(seat, charge.task, charge.segment)
    return ICourt.Claim(
        program=source.origin.program,
        inputs=source.origin.inputs,
        tasks=words._tasks(terms.a),
        task=charge.task,
        trace=trace,
        segment=charge.segment,
        inner=inner,
    )


@internal
def _convict(terms: words.Terms, charge: Charge, seat: uint256, slot: bytes32, is_ripe: bool):
    """
    @notice Take the bond of a convicted seat, whose seal is kept at `slot`.
    @param is_ripe Whether the caller had announced its proof; else the bounty waits.
    """
    b: batches.Batch = batches._load(terms, charge.batch)
    bond: uint256 = batches._bond(terms, b)
    log events.OperatorConvicted(
        job=b.key,
        operator=charge.operator,
        prover=msg.sender,
        batch=b.number,
        round=b.round,
        task=charge.task,
        bond=bond,
        announced=is_ripe,
    )
    word: uint256 = packed._with_fate(b.word, seat, packed.CONVICTED)
    refund: uint256 = batches._progress(terms, b, word)
    payer: address = vaults._payer(terms, b.key)
    if is_ripe:
        vaults._convict(charge.operator, bond, msg.sender, payer)
    else:
        bounty: uint256 = vaults._convict(charge.operator, bond, empty(address), payer)
        bounties._wait(slot, msg.sender, bounty)
    vaults._pay(terms, b.key, [], refund, 0)
