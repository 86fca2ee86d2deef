# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Fixed point
@author Proofmesh
@license AGPL-3.0-only
@notice The arithmetic of docs/tensor.md §1. What leaves i64 reverts: it cannot convict anybody.
"""

from ...modules import reverts

MAX_SHIFT: constant(uint256) = 62


@internal
@pure
def _i64(v: int256) -> int256:
    """@return `v`; reverts if it does not fit 64 bits."""
    if v < -(2**63) or v >= 2**63:
        reverts._fail("fixed_point: beyond 64 bits")
    return v


@internal
@pure
def _half(s: uint256) -> int256:
    """@return What rounds ties up when added before a shift by `s` ≤ 62."""
    if s > MAX_SHIFT:
        reverts._fail("fixed_point: no such shift")
    return convert((1 << s) >> 1, int256)


@internal
@pure
def _rq(v: int256, m: uint256, s: uint256) -> int256:
    """@return v·m / 2^s, rounded once, ties up."""
    if m > 1 and (m < 2**30 or m >= 2**31):
        reverts._fail("fixed_point: no such multiplier")
    return self._i64(self._i64(v) * convert(m, int256) + self._half(s)) >> s


@internal
@pure
def _floor_div(a: int256, b: int256) -> int256:
    """@return a / b for b > 0, rounded to minus infinity."""
    return a // b if a >= 0 else -((b - 1 - a) // b)


@internal
@pure
def _clamped(v: int256, lo: int256, hi: int256) -> int256:
    """@return The nearest to `v` of what lies within lo and hi."""
    if lo > hi:
        reverts._fail("fixed_point: empty range")
    return min(max(self._i64(v), lo), hi)
