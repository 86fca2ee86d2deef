# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Moves
@author Proofmesh
@license AGPL-3.0-only
@notice PERMUTE, SLICE, CONCAT and PAD: an element of an operand, elsewhere.
"""

from . import cases
from . import descriptors
from . import tensors


@internal
@view
def _move(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    rows: uint256 = op.a.rows
    cols: uint256 = op.a.cols
    g: uint256[16] = descriptors._geometry(op)
    if op.opcode == descriptors.PERMUTE:
        place: uint256 = self._permuted(g, r * op.y.cols + c)
        return tensors._read(case, op.a, place // cols, place % cols, at)
    if op.opcode == descriptors.SLICE:
        return tensors._read(case, op.a, r + g[0], c + g[1], at)
    if op.opcode == descriptors.CONCAT:
        if g[0] == 0 and r >= rows:
            return tensors._read(case, op.b, r - rows, c, at)
        if g[0] == 1 and c >= cols:
            return tensors._read(case, op.b, r, c - cols, at)
        return tensors._read(case, op.a, r, c, at)
    if r < g[0] or r >= g[0] + rows or c < g[1] or c >= g[1] + cols:
        return op.c, at
    return tensors._read(case, op.a, r - g[0], c - g[1], at)


@internal
@pure
def _permuted(g: uint256[16], place: uint256) -> uint256:
    """@return Where in the operand, row-major, the output's element `place` comes from."""
    strides: uint256[4] = [1, 1, 1, 1]
    for i: uint256 in range(3):
        strides[2 - i] = strides[3 - i] * g[3 - i]
    rest: uint256 = place
    source: uint256 = 0
    for i: uint256 in range(4):
        dimension: uint256 = g[7 - i]
        size: uint256 = g[dimension]
        source += rest % size * strides[dimension]
        rest //= size
    return source
