# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Convictions
@author Proofmesh
@license AGPL-3.0-only
@notice What somebody accuses a seat of, put to the court out of the service's own records.
@dev Whoever accuses brings the job's parts back, and each is checked against a hash that was fixed
     before: nothing of what the court is asked comes from the accuser alone (rule P1).
"""

from ..interfaces import ICourt
from ..interfaces import IDemands
from . import job_words as words
from . import provable_words as packed
from . import reverts
from . import seals

uses: seals


# What is said about which seat.
struct Charge:
    batch: uint256
    round: uint256
    operator: uint256
    task: uint256  # counted over the whole job
    segment: uint256  # of the answered demand that the proof needs, if it needs one


# The payer and the rest of what makes a job's origin.
struct Source:
    payer: address
    origin: words.Origin


@internal
@view
def _claim_of(
    terms: words.Terms,
    source: Source,
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
    if terms.origin != words._origin(source.payer, source.origin):
        reverts._fail("provable: wrong origin")
    if seals.records[seat] != seals._opened(seals._hash(values)):
        reverts._fail("provable: not what it opened")
    first: uint256 = charge.batch << words._log_batch(terms.a)
    if charge.task < first or charge.task - first >= len(values):
        reverts._fail("provable: task not in the batch")
    inner: bytes32 = empty(bytes32)
    if demands != empty(address):
        inner = staticcall IDemands(demands).inner_of(seat, charge.task, charge.segment)
    return ICourt.Claim(
        program=source.origin.program,
        inputs=source.origin.inputs,
        tasks=words._tasks(terms.a),
        task=charge.task,
        trace=values[charge.task - first],
        segment=charge.segment,
        inner=inner,
    )
