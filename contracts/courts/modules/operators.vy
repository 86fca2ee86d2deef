# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Operators
@author Proofmesh
@license AGPL-3.0-only
@notice Recomputes any element of any operator of docs/tensor.md §4 but ARGMAX.
"""

from ...modules import reverts
from . import cases
from . import descriptors
from . import elementwise
from . import lookups
from . import moves
from . import products
from . import reductions
from . import windows


@internal
@view
def _element(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """
    @param at Where the openings of the operands lie.
    @return The element [r, c] of the output, and where the proof goes on behind the openings.
    """
    code: uint256 = op.opcode
    if code == descriptors.MATMUL:
        return products._matmul(case, op, r, c, at)
    if code == descriptors.BMM:
        return products._bmm(case, op, r, c, at)
    if code == descriptors.LUT8 or code == descriptors.PICK or code == descriptors.GATHER:
        return lookups._lookup(case, op, r, c, at)
    if code == descriptors.NORM or code == descriptors.ROWSUM or code == descriptors.ROWSUMSQ:
        return reductions._sums(case, op, r, c, at)
    if code == descriptors.CONV2D:
        return windows._conv2d(case, op, r, c, at)
    if code == descriptors.DWCONV:
        return windows._dwconv(case, op, r, c, at)
    if code == descriptors.MAXPOOL or code == descriptors.AVGPOOL:
        return windows._pool(case, op, r, c, at)
    if code >= descriptors.PERMUTE and code <= descriptors.PAD:
        return moves._move(case, op, r, c, at)
    if code < descriptors.ADD or code > descriptors.PAD:
        reverts._fail("operators: no such operator")
    return elementwise._elementwise(case, op, r, c, at)
