# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Products
@author Proofmesh
@license AGPL-3.0-only
@notice MATMUL and BMM: one dot product, requantised.
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
def _matmul(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    size: uint256 = op.a.cols
    w: tensors.Tensor = self._weights(case, op, c, at)
    x: tensors.Tensor = tensors._reach(case, tensors._tensor(op.a, w.at), r, 0, size)
    return self._finished(op, w, dot_product._dot(x.here, w.here, size)), x.at


@internal
@view
def _bmm(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    groups: uint256 = op.g[0] >> 224
    group: uint256 = r // (op.a.rows // groups)
    row: uint256 = group * (op.b.rows // groups) + c
    size: uint256 = op.a.cols
    x: tensors.Tensor = tensors._reach(case, tensors._tensor(op.a, at), r, 0, size)
    y: tensors.Tensor = tensors._reach(case, tensors._tensor(op.b, x.at), row, 0, size)
    total: int256 = dot_product._dot(x.here, y.here, size)
    return descriptors._fin(op, fixed_point._rq(total, op.m, op.s)), y.at


@internal
@view
def _weights(
    case: cases.Case, op: descriptors.Operator, row: uint256, at: uint256
) -> tensors.Tensor:
    """@return The weights of `op` with a row and its tail open at `here`."""
    w: tensors.Tensor = tensors._tensor(op.b, at)
    return tensors._reach(case, w, row, 0, op.b.cols + tensors.TAIL)


@internal
@view
def _finished(op: descriptors.Operator, w: tensors.Tensor, total: int256) -> int256:
    """@return The element for the sum of products with the row of weights that lies open."""
    tail: uint256 = w.here + op.b.cols
    bias: int256 = calldata._signed(tail, 4)
    rest: uint256 = calldata._unsigned(tail + 4, 12)  # m u32, s u8, 7 zero bytes
    if abs(bias) >= 2**30 or rest & (2**56 - 1) != 0:
        reverts._fail("products: malformed tail")
    return descriptors._fin(op, fixed_point._rq(total + bias, rest >> 64, rest >> 56 & 255))
