# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Reductions
@author Proofmesh
@license AGPL-3.0-only
@notice NORM, ROWSUM and ROWSUMSQ, which sum a row, and ARGMAX, which a counter-example refutes.
"""

from ...modules import reverts
from . import calldata
from . import cases
from . import descriptors
from . import dot_product
from . import fixed_point
from . import tensors


@internal
@view
def _sums(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """@notice NORM, ROWSUM and ROWSUMSQ."""
    cols: uint256 = op.a.cols
    width: uint256 = op.a.code
    row: tensors.Tensor = tensors._tensor(op.a, at)
    row = tensors._reach_elements(case, row, r, 0, cols)
    total: int256 = 0
    squares: int256 = 0
    total, squares = dot_product._sums(row.here, cols, width)
    v: int256 = 0
    if op.opcode == descriptors.ROWSUM:
        v = fixed_point._rq(total, op.m, op.s)
    elif op.opcode == descriptors.ROWSUMSQ:
        v = fixed_point._rq(squares, op.m, op.s)
    else:
        x: int256 = calldata._signed(row.here + c * width, width)
        v = self._normed(x, total, squares, convert(cols, int256), op.c)
    return descriptors._fin(op, v), row.at


@internal
@pure
def _normed(x: int256, total: int256, squares: int256, n: int256, c: int256) -> int256:
    """@return The element `x` of a row of `n` elements with these sums, normed."""
    variance: int256 = max(0, fixed_point._i64(n * squares - total * total + c))
    root: int256 = max(8, convert(isqrt(convert(variance, uint256)), int256))
    return fixed_point._i64((n * x - total) * (2**40 // root)) >> 32


@internal
@view
def _is_refuted(
    case: cases.Case,
    op: descriptors.Operator,
    r: uint256,
    claimed: int256,
    witness: uint256,
    at: uint256,
) -> (bool, uint256):
    """
    @notice ARGMAX: show that column `claimed` does not hold the first of the row's largest.
    @param witness A column that holds a larger element, or an equal one further left.
    """
    if claimed < 0 or claimed >= convert(op.a.cols, int256):
        return True, at
    col: uint256 = convert(claimed, uint256)
    width: uint256 = op.a.code
    t: tensors.Tensor = tensors._reach_elements(case, tensors._tensor(op.a, at), r, col, 1)
    x: int256 = calldata._signed(t.here, width)
    t = tensors._reach_elements(case, t, r, witness, 1)
    y: int256 = calldata._signed(t.here, width)
    return y > x or (y == x and witness < col), t.at
