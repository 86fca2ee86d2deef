# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Elementwise
@author Proofmesh
@license AGPL-3.0-only
@notice ADD, MUL, REQUANT, SCALE, ISQRT and DIV: one element out of one of each operand.
"""

from . import cases
from . import descriptors
from . import fixed_point
from . import tensors


@internal
@view
def _elementwise(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    x: int256 = 0
    y: int256 = 0
    z: int256 = 0
    next: uint256 = at
    x, next = self._broadcast(case, op.a, r, c, next)
    if op.opcode == descriptors.REQUANT:
        return descriptors._fin(op, fixed_point._rq(x + op.c, op.m, op.s)), next
    if op.opcode == descriptors.ISQRT:
        root: uint256 = isqrt(convert(max(x, 0), uint256))
        return descriptors._fin(op, convert(root, int256)), next
    y, next = self._broadcast(case, op.b, r, c, next)
    if op.opcode == descriptors.ADD:
        z = fixed_point._i64(x * op.ma + y * op.mb + op.c + fixed_point._half(op.s)) >> op.s
    elif op.opcode == descriptors.MUL:
        z = fixed_point._rq((x - op.za) * (y - op.zb), op.m, op.s)
    elif op.opcode == descriptors.SCALE:
        z, next = self._broadcast(case, op.d, r, c, next)
        z = fixed_point._rq(x * y + z, op.m, op.s)
    elif y > 0:
        z = fixed_point._floor_div(fixed_point._i64(x * op.c), y)
    return descriptors._fin(op, z), next


@internal
@view
def _broadcast(
    case: cases.Case, ref: descriptors.Ref, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """
    @notice Read the element of an operand that the output's element [r, c] is made of.
    @dev An operand of the output's shape is read at [r, c], one of a single row at [0, c].
    """
    row: uint256 = r // max(ref.div, 1) % ref.rows
    col: uint256 = c if ref.cols > 1 else 0
    return tensors._read(case, ref, row, col, at)
