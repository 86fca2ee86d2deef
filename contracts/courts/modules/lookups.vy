# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Lookups
@author Proofmesh
@license AGPL-3.0-only
@notice LUT8, PICK and GATHER: an element that another element points to.
"""

from . import cases
from . import descriptors
from . import tensors


@internal
@view
def _lookup(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    index: int256 = 0
    next: uint256 = 0
    if op.opcode == descriptors.PICK:
        index, next = tensors._read(case, op.b, r, 0, at)
        if index < 0 or index >= convert(op.a.cols, int256):
            return 0, next
        return tensors._read(case, op.a, r, convert(index, uint256), next)
    is_table: bool = op.opcode == descriptors.LUT8
    index, next = tensors._read(case, op.a, r, c if is_table else 0, at)
    if is_table:
        return tensors._read(case, op.b, 0, convert(index + 128, uint256), next)
    if index < 0 or index >= convert(op.b.rows, int256):
        index = 0
    return tensors._read(case, op.b, convert(index, uint256), c, next)
