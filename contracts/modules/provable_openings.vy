# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable openings
@author Proofmesh
@license AGPL-3.0-only
@notice What a seat opened for a task, out of the service's own record.
@dev Whoever asks brings the job's parts back, and each is checked against a hash that was fixed
     before (rule P1).
"""

from . import job_words as words
from . import reverts
from . import seals


# The payer and the rest of what makes a job's origin.
struct Source:
    payer: address
    origin: words.Origin


@internal
@pure
def _trace_of(
    terms: words.Terms,
    source: Source,
    batch: uint256,
    task: uint256,
    values: DynArray[bytes32, 32],
    record: uint256,
) -> bytes32:
    """
    @param task Counted over the whole job.
    @param values What the seat opened.
    @param record The seat's seal.
    @return The task's trace root; reverts where something is not as it was recorded.
    """
    if terms.origin != words._origin(source.payer, source.origin):
        reverts._fail("provable: wrong origin")
    if record != seals._opened(seals._hash(values)):
        reverts._fail("provable: not what it opened")
    first: uint256 = batch << words._log_batch(terms.a)
    if task < first or task - first >= len(values):
        reverts._fail("provable: task not in the batch")
    return values[task - first]
