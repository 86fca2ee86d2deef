"""What each operator asks of its descriptor: operands, fields in use, types and shapes (§4)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from worker.tensor.program import Op, Opcode, Ref, TensorType
from worker.tensor.tensors import DType

_WIDE = (DType.I8, DType.I16, DType.I32, DType.I64)
_MAX_SQUARED = 4096
"""Columns up to which the squares of a row of int16 are summed."""

_MAX_KERNEL_HEIGHT = 16
_MAX_TAPS = 512
"""Places in a window that a court visits one by one: of all but CONV2D."""

_MAX_PRODUCTS = 14_848
"""Of a CONV2D's element: what a court multiplies and opens for 1.5 million gas."""


class Refused(ValueError):
    """A field of a descriptor is wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True)
class Rule:
    """What an operator may have beside a, its output, flags and segment."""

    check: Callable[[Op], None]
    operands: int = 1
    fields: frozenset[str] = frozenset()
    geometry: int = 0
    """How many of g0 … g15 are in use."""

    weights: bool = False
    """Whether operand b is weights."""

    @property
    def has_fin(self) -> bool:
        """Whether results are clamped to lo and hi."""
        return "lo" in self.fields


def require(holds: bool, field: str, message: str) -> None:
    """Raises Refused unless something holds."""
    if not holds:
        raise Refused(field, message)


def require_type(ref: Ref, field: str, *dtypes: DType) -> None:
    """Raises Refused unless a reference has one of the types."""
    names = ", ".join(dtype.name.lower() for dtype in dtypes)
    require(ref.type.dtype in dtypes, field, f"{ref.type}, not one of {names}")


def require_shape(ref: Ref, field: str, rows: int, cols: int) -> None:
    """Raises Refused unless a reference has a shape."""
    same = (ref.type.rows, ref.type.cols) == (rows, cols)
    require(same, field, f"{ref.type}, not {rows}x{cols}")


def _second(op: Op) -> Ref:
    assert op.b is not None  # noqa: S101 - the number of operands is checked first
    return op.b


def _matmul(op: Op) -> None:
    b = _second(op)
    require_type(op.a, "a", DType.I8)
    require_shape(b, "b", op.output.type.cols, op.a.type.cols)
    require_shape(op.output, "output", op.a.type.rows, b.type.rows)


def _bmm(op: Op) -> None:
    a, b, groups = op.a.type, _second(op).type, op.geometry[0]
    require_type(op.a, "a", DType.I8)
    require_type(_second(op), "b", DType.I8)
    require(groups >= 1, "g0", "no groups")
    require(a.rows % groups == 0, "g0", f"{groups} groups do not divide the {a.rows} rows of a")
    require(b.rows % groups == 0, "g0", f"{groups} groups do not divide the {b.rows} rows of b")
    require(a.cols == b.cols, "b", f"{b.cols} columns, a has {a.cols}")
    require_shape(op.output, "output", a.rows, b.rows // groups)


def _elementwise(op: Op) -> None:
    cols = op.output.type.cols
    for name, ref in (("a", op.a), ("b", _second(op))):
        require(ref.type.cols in (1, cols), name, f"{ref.type.cols} columns, not 1 or {cols}")


def _same_shape(op: Op) -> None:
    require_shape(op.output, "output", op.a.type.rows, op.a.type.cols)


def _scale(op: Op) -> None:
    _same_shape(op)
    assert op.d is not None  # noqa: S101 - the number of operands is checked first
    require_shape(_second(op), "b", 1, op.output.type.cols)
    require_shape(op.d, "d", 1, op.output.type.cols)


def _lut8(op: Op) -> None:
    require_type(op.a, "a", DType.I8)
    _same_shape(op)
    require_shape(_second(op), "b", 1, 256)
    require_type(op.output, "output", _second(op).type.dtype)


def _norm(op: Op) -> None:
    require_type(op.a, "a", DType.I8, DType.I16)
    _same_shape(op)
    cols = op.a.type.cols
    require(cols <= _MAX_SQUARED, "a", f"{cols} columns, at most {_MAX_SQUARED}")
    require(op.c >= 0, "c", "is negative")


def _column(op: Op) -> None:
    require_shape(op.output, "output", op.a.type.rows, 1)


def _argmax(op: Op) -> None:
    _column(op)
    require_type(op.output, "output", DType.I32)


def _pick(op: Op) -> None:
    _column(op)
    require_type(_second(op), "b", DType.I32)
    require_shape(_second(op), "b", op.a.type.rows, 1)
    require_type(op.output, "output", op.a.type.dtype)


def _rowsum(op: Op) -> None:
    _column(op)
    require_type(op.a, "a", DType.I8, DType.I16, DType.I32)


def _rowsumsq(op: Op) -> None:
    _column(op)
    require_type(op.a, "a", DType.I8, DType.I16)
    cols = op.a.type.cols
    fits = op.a.type.dtype is DType.I8 or cols <= _MAX_SQUARED
    require(fits, "a", f"{cols} columns of i16, at most {_MAX_SQUARED}")


def _gather(op: Op) -> None:
    table = _second(op).type
    require(op.a.type.cols == 1, "a", f"{op.a.type.cols} columns, not 1")
    require_shape(op.output, "output", op.a.type.rows, table.cols)
    require_type(op.output, "output", table.dtype)


def _slide(op: Op, channels: int) -> None:
    """Check a window and the shapes of images; `channels` is the output's."""
    g, a = op.window, op.a.type
    require(min(g.height, g.width, g.channels) >= 1, "g0-g2", "an image has no pixels")
    tall = g.kernel_height
    require(tall <= _MAX_KERNEL_HEIGHT, "g3", f"{tall} rows, at most {_MAX_KERNEL_HEIGHT}")
    _axis(g.height, g.kernel_height, g.stride_height, g.pad_top, g.out_height, "height")
    _axis(g.width, g.kernel_width, g.stride_width, g.pad_left, g.out_width, "width")
    require(a.cols == g.width * g.channels, "a", f"{a.cols} columns, not {g.width * g.channels}")
    require(a.rows % g.height == 0, "a", f"{a.rows} rows, not images of {g.height}")
    images = a.rows // g.height
    require_shape(op.output, "output", images * g.out_height, g.out_width * channels)


def _axis(extent: int, kernel: int, stride: int, before: int, out: int, name: str) -> None:
    require(min(kernel, stride, out) >= 1, "geometry", f"{name}: kernel, stride or output is zero")
    require(before < kernel, "geometry", f"{name}: padding {before} is not below {kernel}")
    spare = extent + before - kernel - (out - 1) * stride  # what the windows leave of the image
    after = max(0, -spare)  # the least padding that makes room for them all
    fits = after < kernel and spare + after < stride
    require(fits, "geometry", f"{name}: no padding gives {out} windows")


def _conv2d(op: Op) -> None:
    g, weights = op.window, _second(op).type
    _slide(op, weights.rows)
    products = g.kernel_height * g.kernel_width * g.channels
    require(products <= _MAX_PRODUCTS, "g2-g4", f"{products} products, at most {_MAX_PRODUCTS}")
    _convolved(op, weights, weights.rows, products)


def _dwconv(op: Op) -> None:
    _by_channel(op)
    g = op.window
    _convolved(op, _second(op).type, g.channels, g.kernel_height * g.kernel_width)


def _convolved(op: Op, weights: TensorType, rows: int, cols: int) -> None:
    require_type(op.a, "a", DType.I8)
    require((weights.rows, weights.cols) == (rows, cols), "b", f"{weights}, not {rows}x{cols}")
    require(DType.I8.min <= op.za <= DType.I8.max, "za", f"{op.za} is no i8")


def _maxpool(op: Op) -> None:
    require_type(op.output, "output", op.a.type.dtype)
    _by_channel(op)


def _by_channel(op: Op) -> None:
    """Check a window that takes each channel by itself."""
    g = op.window
    taps = g.kernel_height * g.kernel_width
    require(taps <= _MAX_TAPS, "g3-g4", f"a window of {taps}, at most {_MAX_TAPS}")
    _slide(op, g.channels)


def _permute(op: Op) -> None:
    dims, order = op.geometry[:4], op.geometry[4:8]
    a, out = op.a.type, op.output.type
    require_type(op.output, "output", a.dtype)
    require(sorted(order) == [0, 1, 2, 3], "g4-g7", f"{order} is no permutation")
    require(prod(dims) == a.rows * a.cols, "g0-g3", f"{dims} are not the elements of {a}")
    require(out.rows * out.cols == a.rows * a.cols, "output", f"{out} out of {a}")


def _slice(op: Op) -> None:
    _inside(op.output.type, op.a.type, op)


def _pad(op: Op) -> None:
    _inside(op.a.type, op.output.type, op)
    dtype = op.output.type.dtype
    require(dtype.min <= op.c <= dtype.max, "c", f"{op.c} is no {dtype.name.lower()}")


def _inside(part: TensorType, whole: TensorType, op: Op) -> None:
    row, col = op.geometry[:2]
    require_type(op.output, "output", op.a.type.dtype)
    require(row + part.rows <= whole.rows, "g0", f"{part} at row {row} leaves {whole}")
    require(col + part.cols <= whole.cols, "g1", f"{part} at column {col} leaves {whole}")


def _concat(op: Op) -> None:
    a, b, axis = op.a.type, _second(op).type, op.geometry[0]
    require(axis in (0, 1), "g0", f"{axis} is neither 0 nor 1")
    require_type(_second(op), "b", a.dtype)
    require_type(op.output, "output", a.dtype)
    if axis == 0:
        require(a.cols == b.cols, "b", f"{b.cols} columns, a has {a.cols}")
        require_shape(op.output, "output", a.rows + b.rows, a.cols)
    else:
        require(a.rows == b.rows, "b", f"{b.rows} rows, a has {a.rows}")
        require_shape(op.output, "output", a.rows, a.cols + b.cols)


_FIN = frozenset({"zp", "lo", "hi"})
_RQ = _FIN | {"m", "s"}
_GEOMETRY = 11  # of a window

RULES = {
    Opcode.MATMUL: Rule(_matmul, 2, _FIN, weights=True),
    Opcode.BMM: Rule(_bmm, 2, _RQ, geometry=1),
    Opcode.ADD: Rule(_elementwise, 2, _FIN | {"s", "c", "ma", "mb"}),
    Opcode.MUL: Rule(_elementwise, 2, _RQ | {"za", "zb"}),
    Opcode.REQUANT: Rule(_same_shape, 1, _RQ | {"c"}),
    Opcode.SCALE: Rule(_scale, 3, _RQ),
    Opcode.LUT8: Rule(_lut8, 2),
    Opcode.NORM: Rule(_norm, 1, _FIN | {"c"}),
    Opcode.ARGMAX: Rule(_argmax),
    Opcode.PICK: Rule(_pick, 2),
    Opcode.ROWSUM: Rule(_rowsum, 1, _RQ),
    Opcode.ROWSUMSQ: Rule(_rowsumsq, 1, _RQ),
    Opcode.ISQRT: Rule(_same_shape, 1, _FIN),
    Opcode.DIV: Rule(_elementwise, 2, _FIN | {"c"}),
    Opcode.GATHER: Rule(_gather, 2),
    Opcode.CONV2D: Rule(_conv2d, 2, _FIN | {"za"}, _GEOMETRY, weights=True),
    Opcode.DWCONV: Rule(_dwconv, 2, _FIN | {"za"}, _GEOMETRY, weights=True),
    Opcode.MAXPOOL: Rule(_maxpool, geometry=_GEOMETRY),
    Opcode.AVGPOOL: Rule(_by_channel, 1, _RQ, _GEOMETRY),
    Opcode.PERMUTE: Rule(_permute, geometry=8),
    Opcode.SLICE: Rule(_slice, geometry=2),
    Opcode.CONCAT: Rule(_concat, 2, geometry=1),
    Opcode.PAD: Rule(_pad, 1, frozenset({"c"}), geometry=2),
}

ELEMENTWISE = frozenset({Opcode.ADD, Opcode.MUL, Opcode.DIV})
"""Operators whose operands broadcast."""
