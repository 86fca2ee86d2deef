# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title TensorCourt
@author Proofmesh
@license AGPL-3.0-only
@notice Judges results of tensor programs: recomputes the one element that is said to be wrong.
@dev Holds nothing, calls nobody, belongs to nobody. docs/tensor.md specifies programs (§1–§6),
     verdicts (§7) and the bytes of a proof (§8).
"""

from ..interfaces import ICourt
from ..modules import reverts
from .modules import cases
from .modules import verdicts

implements: ICourt


@external
@view
def judge(claim: ICourt.Claim, proof: Bytes[40_960]):
    """
    @notice Revert unless the proof shows a lie in the claim.
    @param claim The roots that the proof must fit, as the service that asks has recorded them.
    @param proof Laid out as docs/tensor.md §8 says. It is read where it lies in the call's data.
    """
    self._judge(claim)


@external
@pure
def version() -> uint256:
    """@return The version of programs that this court judges."""
    return 1


@internal
@view
def _judge(claim: ICourt.Claim):
    case: cases.Case = cases._open(claim)
    end: uint256 = 0
    if case.verdict == cases.TRACE_LEAF or case.verdict == cases.SEGMENT_LEAF:
        end = verdicts._judge_leaf(case)
    elif cases._is_beyond(case):
        reverts._fail("court: no such operator")
    elif case.verdict == cases.ELEMENT:
        end = verdicts._judge_element(case)
    elif case.verdict == cases.LINE:
        end = verdicts._judge_line(case)
    else:
        reverts._fail("court: no such verdict")
    cases._close(end)
