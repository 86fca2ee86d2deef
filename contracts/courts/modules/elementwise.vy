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
def _pair(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """@notice ADD, MUL and DIV."""
    x: int256 = 0
    y: int256 = 0
    next: uint256 = at
    x, next = self._broadcast(case, op.a, r, c, next)
    y, next = self._broadcast(case, op.b, r, c, next)
    v: int256 = 0
    if op.opcode == descriptors.ADD:
        v = fixed_point._i64(x * op.ma + y * op.mb + op.c + fixed_point._half(op.s)) >> op.s
    elif op.opcode == descriptors.MUL:
        v = fixed_point._rq((x - op.za) * (y - op.zb), op.m, op.s)
    elif y > 0:
        v = fixed_point._floor_div(fixed_point._i64(x * op.c), y)
    return descriptors._fin(op, v), next


@internal
@view
def _single(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """@notice REQUANT and ISQRT."""
    x: int256 = 0
    next: uint256 = 0
    x, next = tensors._read(case, op.a, r, c, at)
    if op.opcode == descriptors.REQUANT:
        x = fixed_point._rq(x + op.c, op.m, op.s)
    else:
        x = convert(isqrt(convert(max(x, 0), uint256)), int256)
    return descriptors._fin(op, x), next


@internal
@view
def _scale(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    x: int256 = 0
    y: int256 = 0
    z: int256 = 0
    next: uint256 = at
    x, next = tensors._read(case, op.a, r, c, next)
    y, next = tensors._read(case, op.b, 0, c, next)
    z, next = tensors._read(case, op.d, 0, c, next)
    return descriptors._fin(op, fixed_point._rq(x * y + z, op.m, op.s)), next


@internal
@view
def _broadcast(
    case: cases.Case, ref: descriptors.Ref, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """@notice Read the element of an operand that an output's element [r, c] is made of."""
    row: uint256 = r // max(ref.div, 1) % ref.rows
    col: uint256 = c if ref.cols > 1 else 0
    return tensors._read(case, ref, row, col, at)
