"""The builder: the one way to make tensor programs.

    build = Builder()
    x = build.input(DType.I8, 1, 64)
    h = build.matmul(x, build.weights(w, b, m, s), Fin(DType.I8, lo=0))
    build.output(h)
    program = build.build()

Methods are the operators of docs/tensor.md §4 and return the value that they write. References,
checkpoints and segments are filled in at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from worker.tensor.numbers import IDENTITY, Multiplier
from worker.tensor.program import (
    GEOMETRY,
    Constant,
    DType,
    Op,
    Opcode,
    Program,
    Ref,
    Source,
    TensorType,
    Weights,
    Window,
)
from worker.tensor.tensors import Array, type_of


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor while a program is being built."""

    source: Source  # INPUT, CONSTANT or OUTPUT
    index: int
    type: TensorType

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.type.rows

    @property
    def cols(self) -> int:
        """The number of columns."""
        return self.type.cols


@dataclass(frozen=True)
class Fin:
    """How an operator ends: add zp, clamp to [lo, hi] (the type's whole range when None)."""

    dtype: DType
    zp: int = 0
    lo: int | None = None
    hi: int | None = None

    @property
    def fields(self) -> dict[str, int]:
        """The descriptor's fields."""
        lo = self.dtype.min if self.lo is None else self.lo
        hi = self.dtype.max if self.hi is None else self.hi
        return {"zp": self.zp, "lo": lo, "hi": hi}


class Keep(Enum):
    """What a trace commits to: the outputs, what is marked or crosses segments, or every tensor."""

    OUTPUTS = "outputs"
    LAYERS = "layers"
    ALL = "all"


@dataclass
class _Draft:
    """An operator whose references are still values."""

    opcode: Opcode
    type: TensorType
    operands: Sequence[Value]
    divs: Sequence[int]
    segment: int
    fields: dict[str, Any] = field(default_factory=dict)


class Builder:
    """Collects inputs, constants and operators; see the module."""

    def __init__(self) -> None:
        """Begin with nothing, in segment 0."""
        self._inputs: list[TensorType] = []
        self._constants: list[Constant] = []
        self._ops: list[_Draft] = []
        self._outputs: set[int] = set()
        self._segment = 0

    def input(self, dtype: DType, rows: int, cols: int) -> Value:
        """Declare the next input."""
        self._inputs.append(TensorType(dtype, rows, cols))
        return Value(Source.INPUT, len(self._inputs) - 1, self._inputs[-1])

    def constant(self, array: Array) -> Value:
        """Add a matrix of int8 … int64."""
        self._constants.append(array)
        return Value(Source.CONSTANT, len(self._constants) - 1, type_of(array))

    def weights(self, w: ArrayLike, b: ArrayLike, m: ArrayLike, s: ArrayLike) -> Value:
        """Add int8 weights, a row for each output, with a bias and a multiplier for each row.

        Raises ValueError when a value does not fit its type.
        """
        weights = Weights(
            _exactly(w, np.int8),
            _exactly(b, np.int32),
            _exactly(m, np.uint32),
            _exactly(s, np.uint8),
        )
        self._constants.append(weights)
        return Value(Source.CONSTANT, len(self._constants) - 1, type_of(weights))

    def output(self, value: Value) -> None:
        """Make an operator's tensor an output of the program. Outputs come in operator order."""
        self._outputs.add(self._operator(value))

    def segment(self) -> None:
        """Begin a new segment, unless nothing was added since the last began."""
        if self._ops and self._ops[-1].segment == self._segment:
            self._segment += 1

    def matmul(self, x: Value, w: Value, fin: Fin) -> Value:
        """Rows of x times rows of w, each with its bias and multiplier."""
        return self._add(Opcode.MATMUL, fin, x.rows, w.rows, [x, w])

    def bmm(self, x: Value, y: Value, groups: int, by: Multiplier, fin: Fin) -> Value:
        """In each of `groups` equal groups of rows: rows of x times rows of y."""
        geometry = _geometry(groups)
        cols = y.rows // groups
        return self._add(Opcode.BMM, fin, x.rows, cols, [x, y], by, geometry=geometry)

    def add(
        self,
        x: Value,
        y: Value,
        fin: Fin,
        *,
        ma: int = 1,
        mb: int = 1,
        c: int = 0,
        s: int = 0,
        divs: tuple[int, int] = (0, 0),
    ) -> Value:
        """(x·ma + y·mb + c) / 2^s, rounded; see `_elementwise` for shapes."""
        fields = {"ma": ma, "mb": mb, "c": c, "s": s}
        return self._elementwise(Opcode.ADD, x, y, fin, divs, **fields)

    def mul(
        self,
        x: Value,
        y: Value,
        by: Multiplier,
        fin: Fin,
        *,
        za: int = 0,
        zb: int = 0,
        divs: tuple[int, int] = (0, 0),
    ) -> Value:
        """(x - za)·(y - zb)·by; see `_elementwise` for shapes."""
        fields = {"za": za, "zb": zb, "m": by.m, "s": by.s}
        return self._elementwise(Opcode.MUL, x, y, fin, divs, **fields)

    def div(self, x: Value, y: Value, c: int, fin: Fin, *, divs: tuple[int, int] = (0, 0)) -> Value:
        """⌊x·c / y⌋, 0 where y ≤ 0; see `_elementwise` for shapes."""
        return self._elementwise(Opcode.DIV, x, y, fin, divs, c=c)

    def requant(self, x: Value, by: Multiplier, fin: Fin, c: int = 0) -> Value:
        """(x + c)·by."""
        return self._add(Opcode.REQUANT, fin, x.rows, x.cols, [x], by, c=c)

    def scale(self, x: Value, gamma: Value, beta: Value, by: Multiplier, fin: Fin) -> Value:
        """(x·gamma + beta)·by, with a row of gamma and beta for the columns."""
        return self._add(Opcode.SCALE, fin, x.rows, x.cols, [x, gamma, beta], by)

    def lut(self, x: Value, table: Value) -> Value:
        """table[x + 128], of the table's type."""
        return self._add(Opcode.LUT8, table.type.dtype, x.rows, x.cols, [x, table])

    def norm(self, x: Value, fin: Fin, c: int = 0) -> Value:
        """Rows less their mean, by their standard deviation, in units of 2^-8; c = N²·epsilon."""
        return self._add(Opcode.NORM, fin, x.rows, x.cols, [x], c=c)

    def argmax(self, x: Value) -> Value:
        """The lowest index of each row's maximum."""
        return self._add(Opcode.ARGMAX, DType.I32, x.rows, 1, [x])

    def pick(self, x: Value, index: Value) -> Value:
        """One element of each row."""
        return self._add(Opcode.PICK, x.type.dtype, x.rows, 1, [x, index])

    def row_sum(self, x: Value, fin: Fin, by: Multiplier = IDENTITY) -> Value:
        """The sum of each row."""
        return self._add(Opcode.ROWSUM, fin, x.rows, 1, [x], by)

    def row_sum_squares(self, x: Value, fin: Fin, by: Multiplier = IDENTITY) -> Value:
        """The sum of each row's squares."""
        return self._add(Opcode.ROWSUMSQ, fin, x.rows, 1, [x], by)

    def isqrt(self, x: Value, fin: Fin) -> Value:
        """⌊√x⌋."""
        return self._add(Opcode.ISQRT, fin, x.rows, x.cols, [x])

    def gather(self, index: Value, table: Value) -> Value:
        """The table's rows at the indices of a column."""
        return self._add(Opcode.GATHER, table.type.dtype, index.rows, table.cols, [index, table])

    def conv(self, x: Value, w: Value, window: Window, fin: Fin, za: int = 0) -> Value:
        """A convolution of NHWC images; `za` stands outside of them."""
        return self._slide(Opcode.CONV2D, [x, w], window, w.rows, fin, za=za)

    def depthwise(self, x: Value, w: Value, window: Window, fin: Fin, za: int = 0) -> Value:
        """A convolution of each channel by itself."""
        return self._slide(Opcode.DWCONV, [x, w], window, window.channels, fin, za=za)

    def max_pool(self, x: Value, window: Window) -> Value:
        """The maximum in each window."""
        return self._slide(Opcode.MAXPOOL, [x], window, window.channels, x.type.dtype)

    def average_pool(self, x: Value, window: Window, by: Multiplier, fin: Fin) -> Value:
        """The sum in each window times `by`."""
        return self._slide(Opcode.AVGPOOL, [x], window, window.channels, fin, m=by.m, s=by.s)

    def permute(
        self, x: Value, dims: Sequence[int], order: Sequence[int], rows: int, cols: int
    ) -> Value:
        """x, read as up to 4 dimensions, with dimension order[i] in place i, as rows x cols."""
        spare = 4 - len(dims)
        geometry = _geometry(*[1] * spare, *dims, *range(spare), *(spare + axis for axis in order))
        return self._add(Opcode.PERMUTE, x.type.dtype, rows, cols, [x], geometry=geometry)

    def reshape(self, x: Value, rows: int, cols: int) -> Value:
        """x as rows x cols, in the same row-major order."""
        return self.permute(x, [x.rows, x.cols], [0, 1], rows, cols)

    def slice(self, x: Value, row: int, col: int, rows: int, cols: int) -> Value:
        """A rectangle out of x."""
        geometry = _geometry(row, col)
        return self._add(Opcode.SLICE, x.type.dtype, rows, cols, [x], geometry=geometry)

    def concat_rows(self, x: Value, y: Value) -> Value:
        """x above y."""
        return self._add(Opcode.CONCAT, x.type.dtype, x.rows + y.rows, x.cols, [x, y])

    def concat_cols(self, x: Value, y: Value) -> Value:
        """x left of y."""
        geometry = _geometry(1)
        return self._add(
            Opcode.CONCAT, x.type.dtype, x.rows, x.cols + y.cols, [x, y], geometry=geometry
        )

    def pad(self, x: Value, row: int, col: int, rows: int, cols: int, c: int = 0) -> Value:
        """A rows x cols matrix of `c` with x laid at [row, col]."""
        geometry = _geometry(row, col)
        return self._add(Opcode.PAD, x.type.dtype, rows, cols, [x], geometry=geometry, c=c)

    def build(self, keep: Keep = Keep.LAYERS) -> Program:
        """Return the program; it is not validated here."""
        split = keep is not Keep.OUTPUTS
        kept = self._kept(keep)
        ops = [
            Op(
                draft.opcode,
                Ref(Source.OUTPUT, index, draft.type),
                is_checkpoint=index in kept,
                is_output=index in self._outputs,
                segment=draft.segment if split else 0,
                **_refs(draft, kept),
                **draft.fields,
            )
            for index, draft in enumerate(self._ops)
        ]
        return Program(tuple(self._inputs), tuple(self._constants), tuple(ops))

    def _kept(self, keep: Keep) -> set[int]:
        if keep is Keep.ALL:
            return set(range(len(self._ops)))
        if keep is Keep.OUTPUTS:
            return self._outputs
        crossing = {
            value.index
            for draft in self._ops
            for value in draft.operands
            if value.source is Source.OUTPUT and self._ops[value.index].segment != draft.segment
        }
        return self._outputs | crossing

    def _operator(self, value: Value) -> int:
        if value.source is not Source.OUTPUT:
            raise ValueError("only an operator's tensor can be an output or a checkpoint")
        return value.index

    def _elementwise(
        self,
        opcode: Opcode,
        x: Value,
        y: Value,
        fin: Fin,
        divs: tuple[int, int],
        **fields: Any,
    ) -> Value:
        """Row r of the output reads row r // div (mod its rows) of each operand.

        The output has the rows of the larger operand, repeats by div counted, and its columns.
        """
        sizes = zip((x.rows, y.rows), divs, strict=True)
        rows = max(count * max(div, 1) for count, div in sizes)
        cols = max(x.cols, y.cols)
        return self._add(opcode, fin, rows, cols, [x, y], divs=divs, **fields)

    def _slide(
        self,
        opcode: Opcode,
        operands: Sequence[Value],
        window: Window,
        channels: int,
        end: Fin | DType,
        **fields: Any,
    ) -> Value:
        images = operands[0].rows // window.height
        rows, cols = images * window.out_height, window.out_width * channels
        geometry = _geometry(*window)
        return self._add(opcode, end, rows, cols, operands, geometry=geometry, **fields)

    def _add(
        self,
        opcode: Opcode,
        end: Fin | DType,
        rows: int,
        cols: int,
        operands: Sequence[Value],
        by: Multiplier | None = None,
        divs: Sequence[int] = (),
        **fields: Any,
    ) -> Value:
        if isinstance(end, Fin):
            fields |= end.fields
        if by is not None:
            fields |= {"m": by.m, "s": by.s}
        type = TensorType(end.dtype if isinstance(end, Fin) else end, rows, cols)
        divs = divs or [0] * len(operands)
        self._ops.append(_Draft(opcode, type, operands, divs, self._segment, fields))
        return Value(Source.OUTPUT, len(self._ops) - 1, type)


def window(
    image: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Window:
    """Return the window of a (height, width, channels) image; pads are top, left, bottom, right."""
    top, left, bottom, right = pads
    out_height = (image[0] + top + bottom - kernel[0]) // stride[0] + 1
    out_width = (image[1] + left + right - kernel[1]) // stride[1] + 1
    return Window(*image, *kernel, *stride, top, left, out_height, out_width)


def _refs(draft: _Draft, kept: set[int]) -> dict[str, Any]:
    refs = {}
    for name, value, div in zip("abd", draft.operands, draft.divs, strict=False):
        source = value.source
        if source is Source.OUTPUT:
            source = Source.CHECKPOINT if value.index in kept else Source.INNER
        refs[name] = Ref(source, value.index, value.type, div)
    return refs


def _geometry(*values: int) -> tuple[int, ...]:
    return values + (0,) * (GEOMETRY - len(values))


def _exactly(values: ArrayLike, dtype: type[np.integer[Any]]) -> NDArray[Any]:
    wide = np.asarray(values, np.int64)
    narrow = wide.astype(dtype)
    if not np.array_equal(wide, narrow):
        raise ValueError(f"a value does not fit {np.dtype(dtype)}")
    return narrow
