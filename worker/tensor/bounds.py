"""Static bounds: what each tensor can hold, and the proof that nothing leaves int64 (§6)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from worker.tensor.numbers import fin, isqrt, rq
from worker.tensor.program import Op, Opcode
from worker.tensor.rules import RULES, require
from worker.tensor.tensors import Constant, DType, Weights

_MIN, _MAX = DType.I64.min, DType.I64.max


class Interval(NamedTuple):
    """All integers from lo to hi."""

    lo: int
    hi: int

    @property
    def reach(self) -> int:
        """The largest magnitude."""
        return max(abs(self.lo), abs(self.hi))

    def times(self, other: "Interval") -> "Interval":
        """Return where products lie."""
        corners = [x * y for x in self for y in other]
        return Interval(min(corners), max(corners))

    def plus(self, other: "Interval") -> "Interval":
        """Return where sums lie."""
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def hull(self, *numbers: int) -> "Interval":
        """Return the interval that holds these numbers too."""
        return Interval(min(self.lo, *numbers), max(self.hi, *numbers))


def point(number: int) -> Interval:
    """Return the interval of one number."""
    return Interval(number, number)


def of_type(dtype: DType) -> Interval:
    """Return all that a type can hold."""
    return Interval(dtype.min, dtype.max)


def of_constant(constant: Constant) -> Interval:
    """Return what a constant holds; of weights, without their tails."""
    elements = constant.w if isinstance(constant, Weights) else constant
    return Interval(int(elements.min()), int(elements.max()))


def result(op: Op, operands: Sequence[Interval], tail: tuple[int, int, int]) -> Interval:
    """Return what an operator's tensor can hold, from what its operands can.

    `tail` is the largest |b|, m and s of its weights, if it has any. Raises Refused when an
    intermediate value could leave int64.
    """
    interval = _RESULT[op.opcode](op, list(operands), tail)
    if not RULES[op.opcode].has_fin:
        return interval
    _within(interval.plus(point(op.zp)), "zp")
    return Interval(*(fin(end, op.zp, op.lo, op.hi) for end in interval))


def _within(interval: Interval, field: str) -> Interval:
    fits = interval.lo >= _MIN and interval.hi <= _MAX
    require(fits, field, f"values from {interval.lo} to {interval.hi} leave i64")
    return interval


def _rq(v: Interval, m: int, s: int) -> Interval:
    require(v.reach * m + (1 << s) <= _MAX, "m", f"values up to {v.reach} times {m} leave i64")
    return Interval(rq(v.lo, m, s), rq(v.hi, m, s))


def _products(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    """MATMUL, CONV2D, DWCONV."""
    bias, m, s = tail
    assert op.b is not None  # noqa: S101 - weights are operand b
    x = operands[0] if op.opcode is Opcode.MATMUL else operands[0].hull(op.za)
    total = x.times(operands[1]).times(point(op.b.type.cols))
    return _rq(_within(total.plus(Interval(-bias, bias)), "b"), m, s)


def _bmm(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    x, y = operands
    return _rq(_within(x.times(y).times(point(op.a.type.cols)), "a"), op.m, op.s)


def _add(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    x = _within(operands[0].times(point(op.ma)), "ma")
    y = _within(operands[1].times(point(op.mb)), "mb")
    total = _within(x.plus(y).plus(point(op.c)), "c")
    rounded = _within(total.plus(point((1 << op.s) >> 1)), "s")
    return Interval(rounded.lo >> op.s, rounded.hi >> op.s)


def _mul(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    x = _within(operands[0].plus(point(-op.za)), "za")
    y = _within(operands[1].plus(point(-op.zb)), "zb")
    return _rq(_within(x.times(y), "b"), op.m, op.s)


def _requant(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return _rq(_within(operands[0].plus(point(op.c)), "c"), op.m, op.s)


def _scale(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    x, gamma, beta = operands
    product = _within(x.times(gamma), "b")
    return _rq(_within(product.plus(beta), "d"), op.m, op.s)


def _norm(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    """(N·x - S)·R stays below 2^47 because |N·x - S| ≤ √N·√V; see docs/tensor.md §4."""
    cols = op.a.type.cols
    squares = Interval(0, cols * cols * operands[0].reach ** 2)
    _within(squares.plus(point(op.c)), "c")
    return Interval(-(1 << 15), 1 << 15)


def _argmax(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return Interval(0, op.a.type.cols - 1)


def _pick(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return operands[0].hull(0)


def _rowsum(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return _rq(_within(operands[0].times(point(op.a.type.cols)), "a"), op.m, op.s)


def _rowsumsq(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    squares = Interval(0, operands[0].reach ** 2 * op.a.type.cols)
    return _rq(_within(squares, "a"), op.m, op.s)


def _isqrt(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return Interval(isqrt(operands[0].lo), isqrt(operands[0].hi))


def _div(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return _within(operands[0].times(point(op.c)), "c").hull(0)


def _avgpool(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    taps = op.window.kernel_height * op.window.kernel_width
    return _rq(_within(operands[0].hull(0).times(point(taps)), "a"), op.m, op.s)


def _first(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return operands[0]


def _table(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return operands[1]


def _concat(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return operands[0].hull(*operands[1])


def _pad(op: Op, operands: list[Interval], tail: tuple[int, int, int]) -> Interval:
    return operands[0].hull(op.c)


_RESULT: dict[Opcode, Callable[[Op, list[Interval], tuple[int, int, int]], Interval]] = {
    Opcode.MATMUL: _products,
    Opcode.BMM: _bmm,
    Opcode.ADD: _add,
    Opcode.MUL: _mul,
    Opcode.REQUANT: _requant,
    Opcode.SCALE: _scale,
    Opcode.LUT8: _table,
    Opcode.NORM: _norm,
    Opcode.ARGMAX: _argmax,
    Opcode.PICK: _pick,
    Opcode.ROWSUM: _rowsum,
    Opcode.ROWSUMSQ: _rowsumsq,
    Opcode.ISQRT: _isqrt,
    Opcode.DIV: _div,
    Opcode.GATHER: _table,
    Opcode.CONV2D: _products,
    Opcode.DWCONV: _products,
    Opcode.MAXPOOL: _first,
    Opcode.AVGPOOL: _avgpool,
    Opcode.PERMUTE: _first,
    Opcode.SLICE: _first,
    Opcode.CONCAT: _concat,
    Opcode.PAD: _pad,
}
