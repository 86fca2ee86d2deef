"""Which bytes of its operands one element of an operator is made of, in the order of a proof.

A court (contracts/courts/) walks through the same spans: docs/tensor.md §8 lists them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from worker.tensor.program import Op, Opcode, Ref
from worker.tensor.reference import Reader


class Span(NamedTuple):
    """A run of bytes within one row of an operand."""

    operand: str  # "a", "b" or "d"
    row: int
    start: int
    stop: int


Spans = Iterator[Span]


def spans(op: Op, r: int, c: int, read: Reader) -> Spans:
    """Yield what element [r, c] of the operator's tensor is made of.

    Of `read` only indices are asked. ARGMAX has no spans here: see `worker.tensor.proof`.
    """
    return _SPANS[op.opcode](op, r, c, read)


def elements(op: Op, operand: str, row: int, col: int, count: int = 1) -> Span:
    """Return the span of elements of an operand."""
    size = _ref(op, operand).type.dtype.size
    return Span(operand, row, col * size, (col + count) * size)


def _ref(op: Op, operand: str) -> Ref:
    ref: Ref = getattr(op, operand)
    return ref


def _whole(op: Op, operand: str, row: int) -> Span:
    """A row with its tail, if it has one."""
    return Span(operand, row, 0, _ref(op, operand).type.row_bytes)


def _matmul(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield _whole(op, "b", c)
    yield _whole(op, "a", r)


def _bmm(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield _whole(op, "a", r)
    group = r // (op.a.type.rows // op.geometry[0])
    yield _whole(op, "b", group * op.output.type.cols + c)


def _elementwise(op: Op, r: int, c: int, read: Reader) -> Spans:
    for operand in "ab":
        ref = _ref(op, operand)
        row = r // max(ref.div, 1) % ref.type.rows
        yield elements(op, operand, row, 0 if ref.type.cols == 1 else c)


def _same_place(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "a", r, c)


def _scale(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "a", r, c)
    yield elements(op, "b", 0, c)
    yield elements(op, "d", 0, c)


def _lut8(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "a", r, c)
    yield elements(op, "b", 0, read.at("a", r, c) + 128)


def _pick(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "b", r, 0)
    index = read.at("b", r, 0)
    if 0 <= index < op.a.type.cols:
        yield elements(op, "a", r, index)


def _gather(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "a", r, 0)
    index = read.at("a", r, 0)
    yield elements(op, "b", index if 0 <= index < _ref(op, "b").type.rows else 0, c)


def _row(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield _whole(op, "a", r)


def _conv2d(op: Op, r: int, c: int, read: Reader) -> Spans:
    place, channel = divmod(c, op.output.type.cols // op.window.out_width)
    yield _whole(op, "b", channel)
    left, right = _columns(op, place)
    channels = op.window.channels
    for row in _rows(op, r):
        yield elements(op, "a", row, left * channels, (right - left) * channels)


def _dwconv(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield _whole(op, "b", c % op.window.channels)
    yield from _pool(op, r, c, read)


def _pool(op: Op, r: int, c: int, read: Reader) -> Spans:
    place, channel = divmod(c, op.window.channels)
    left, right = _columns(op, place)
    channels = op.window.channels
    for row in _rows(op, r):
        count = (right - left - 1) * channels + 1
        yield elements(op, "a", row, left * channels + channel, count)


def _rows(op: Op, r: int) -> Iterator[int]:
    """The rows of the image that the window of output row r meets."""
    g = op.window
    image, place = divmod(r, g.out_height)
    first = place * g.stride_height - g.pad_top
    for row in range(max(first, 0), min(first + g.kernel_height, g.height)):
        yield image * g.height + row


def _columns(op: Op, place: int) -> tuple[int, int]:
    """The image's columns, from and to, that the window in column `place` of the output meets."""
    g = op.window
    first = place * g.stride_width - g.pad_left
    return max(first, 0), min(first + g.kernel_width, g.width)


def _permute(op: Op, r: int, c: int, read: Reader) -> Spans:
    dims, order = op.geometry[:4], op.geometry[4:8]
    place, index = r * op.output.type.cols + c, [0] * 4
    for axis in reversed(order):
        place, index[axis] = divmod(place, dims[axis])
    for size, at in zip(dims, index, strict=True):
        place = place * size + at
    yield elements(op, "a", *divmod(place, op.a.type.cols))


def _slice(op: Op, r: int, c: int, read: Reader) -> Spans:
    yield elements(op, "a", r + op.geometry[0], c + op.geometry[1])


def _concat(op: Op, r: int, c: int, read: Reader) -> Spans:
    first = op.a.type
    if op.geometry[0] == 0 and r >= first.rows:
        yield elements(op, "b", r - first.rows, c)
    elif op.geometry[0] == 1 and c >= first.cols:
        yield elements(op, "b", r, c - first.cols)
    else:
        yield elements(op, "a", r, c)


def _pad(op: Op, r: int, c: int, read: Reader) -> Spans:
    row, col = r - op.geometry[0], c - op.geometry[1]
    if 0 <= row < op.a.type.rows and 0 <= col < op.a.type.cols:
        yield elements(op, "a", row, col)


_SPANS: dict[Opcode, Callable[[Op, int, int, Reader], Spans]] = {
    Opcode.MATMUL: _matmul,
    Opcode.BMM: _bmm,
    Opcode.ADD: _elementwise,
    Opcode.MUL: _elementwise,
    Opcode.REQUANT: _same_place,
    Opcode.SCALE: _scale,
    Opcode.LUT8: _lut8,
    Opcode.NORM: _row,
    Opcode.PICK: _pick,
    Opcode.ROWSUM: _row,
    Opcode.ROWSUMSQ: _row,
    Opcode.ISQRT: _same_place,
    Opcode.DIV: _elementwise,
    Opcode.GATHER: _gather,
    Opcode.CONV2D: _conv2d,
    Opcode.DWCONV: _dwconv,
    Opcode.MAXPOOL: _pool,
    Opcode.AVGPOOL: _pool,
    Opcode.PERMUTE: _permute,
    Opcode.SLICE: _slice,
    Opcode.CONCAT: _concat,
    Opcode.PAD: _pad,
}
