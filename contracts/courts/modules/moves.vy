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
    g: uint256[16] = descriptors._geometry(op)
    ref: descriptors.Ref = op.a
    row: uint256 = r
    col: uint256 = c
    if op.opcode == descriptors.PERMUTE:
        place: uint256 = self._permuted(g, r * op.y.cols + c)
        row = place // ref.cols
        col = place % ref.cols
    elif op.opcode == descriptors.SLICE:
        row += g[0]
        col += g[1]
    elif op.opcode == descriptors.PAD:
        if r < g[0] or r >= g[0] + ref.rows or c < g[1] or c >= g[1] + ref.cols:
            return op.c, at
        row -= g[0]
        col -= g[1]
    elif g[0] == 0 and r >= ref.rows:
        row -= ref.rows
        ref = op.b
    elif g[0] == 1 and c >= ref.cols:
        col -= ref.cols
        ref = op.b
    return tensors._read(case, ref, row, col, at)


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
