"""The torch backend: every operator on a CPU, or on a GPU from where only what is asked returns."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from worker.tensor.backends import torch_windows as windows
from worker.tensor.backends.blocks import blocks
from worker.tensor.backends.lookup import looked_up
from worker.tensor.backends.torch_ending import clamped
from worker.tensor.backends.torch_place import Place, place_on
from worker.tensor.backends.torch_products import Int8Products
from worker.tensor.program import Op, Opcode, Ref
from worker.tensor.tensors import Array, Constant, Weights

_MAX_ROOT = 3_037_000_499  # ⌊√(2^63 - 1)⌋

Loaded = Any
"""A torch.Tensor, or a Layer for weights."""


class TorchBackend:
    """See worker.tensor.backends.base.Backend."""

    def __init__(self, place: Place | None = None) -> None:
        """Compute at a place: by default on a GPU if there is one, else on the CPU."""
        self._place = place or place_on("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def name(self) -> str:
        """See Backend."""
        device = self._place.device
        return f"torch on {torch.cuda.get_device_name(device) if device.type == 'cuda' else device}"

    @property
    def uses_gpu(self) -> bool:
        """See Backend."""
        return bool(self._place.device.type == "cuda")

    @property
    def has_int8_units(self) -> bool:
        """Whether products run on int8 units; without them NumPy is at least as fast."""
        return isinstance(self._place.products, Int8Products)

    def load(self, tensor: Constant) -> Loaded:
        """See Backend."""
        if isinstance(tensor, Weights):
            return windows.load_weights(self._place, tensor)
        return torch.tensor(np.ascontiguousarray(tensor), device=self._place.device)

    def compute(self, op: Op, operands: Sequence[Loaded]) -> Loaded:
        """See Backend."""
        return _COMPUTE[op.opcode](self._place, op, *operands)

    def fetch(self, tensor: Loaded) -> Array:
        """See Backend."""
        assert isinstance(tensor, torch.Tensor)  # noqa: S101 - operators write no weights
        array: Array = tensor.cpu().numpy()
        return array


def _operand(ref: Ref | None, tensor: torch.Tensor, rows: slice) -> torch.Tensor:
    """Return the rows of an elementwise operand that belong to rows of the output."""
    assert ref is not None  # noqa: S101 - a valid program's operator has its operands
    if ref.type.rows == 1:
        return tensor
    if ref.div <= 1 and rows.stop <= ref.type.rows:
        return tensor[rows]
    index = torch.arange(rows.start, rows.stop, device=tensor.device)
    return tensor[index // max(ref.div, 1) % ref.type.rows]


def _bound(tensor: torch.Tensor, offset: int = 0) -> int:
    """Return a bound on the magnitude of elements less an offset."""
    return abs(offset) - int(torch.iinfo(tensor.dtype).min)


def _add(place: Place, op: Op, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    bound = _bound(x) * abs(op.ma) + _bound(y) * abs(op.mb) + abs(op.c)
    end = place.ending(op, 1, op.s, bound)

    def compute(rows: slice) -> torch.Tensor:
        left, right = (_operand(*v, rows).to(end.dtype) for v in ((op.a, x), (op.b, y)))
        return end((left * op.ma + right * op.mb).add_(op.c))

    return place.by_blocks(op, compute)


def _mul(place: Place, op: Op, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    end = place.ending(op, op.m, op.s, _bound(x, op.za) * _bound(y, op.zb))

    def compute(rows: slice) -> torch.Tensor:
        left, right = (_operand(*v, rows).to(end.dtype) for v in ((op.a, x), (op.b, y)))
        return end((left - op.za) * (right - op.zb))

    return place.by_blocks(op, compute)


def _div(place: Place, op: Op, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    def compute(rows: slice) -> torch.Tensor:
        divisor = _operand(op.b, y, rows).to(torch.int64)
        product = _operand(op.a, x, rows).to(torch.int64) * op.c
        dividend = torch.where(divisor > 0, product, 0)
        quotient = torch.div(dividend, divisor.clamp(min=1), rounding_mode="floor")
        return clamped(op, quotient)

    return place.by_blocks(op, compute)


def _requant(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    end = place.ending(op, op.m, op.s, _bound(x, op.c))
    return place.by_blocks(op, lambda rows: end(x[rows].to(end.dtype) + op.c))


def _scale(
    place: Place, op: Op, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor
) -> torch.Tensor:
    end = place.ending(op, op.m, op.s, _bound(x) * _bound(gamma) + _bound(beta))
    by, plus = gamma.to(end.dtype), beta.to(end.dtype)
    return place.by_blocks(op, lambda rows: end(x[rows].to(end.dtype) * by + plus))


def _lut8(place: Place, op: Op, x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    if not x.is_cuda:  # torch would turn every byte into an index of four
        return torch.from_numpy(looked_up(x.numpy(), table[0].numpy()))
    return place.by_blocks(op, lambda rows: table[0, x[rows].to(torch.int32) + 128])


def _isqrt_of(v: torch.Tensor) -> torch.Tensor:
    v = v.clamp(min=0)
    root = v.double().sqrt_().to(torch.int64).clamp_(max=_MAX_ROOT)
    root -= (root * root > v).to(torch.int64)  # a float's root is off by one at most
    root += (v - root * root > 2 * root).to(torch.int64)
    return root


def _isqrt(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    return place.by_blocks(op, lambda rows: clamped(op, _isqrt_of(x[rows].to(torch.int64))))


def _norm(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    """Floats here are exact: |N·x - S|·R < 2^47, and a power of two divides without error."""
    cols = x.shape[1]

    def compute(rows: slice) -> torch.Tensor:
        v = x[rows].double()
        total, squares = v.sum(1, keepdim=True), _square_sums(v)
        variance = cols * squares - total.to(torch.int64).square() + op.c
        reciprocal = (1 << 40) // _isqrt_of(variance).clamp(min=8)
        v.mul_(cols).sub_(total).mul_(reciprocal.double() * 2.0**-32)
        return clamped(op, v.floor_().to(torch.int64))

    return place.by_blocks(op, compute)


def _square_sums(v: torch.Tensor) -> torch.Tensor:
    """Return a column of the sums of rows' squares; floats are exact below 2^53."""
    return (v * v).sum(1, keepdim=True).to(torch.int64)


def _rowsum(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    sums = x.sum(1, keepdim=True, dtype=torch.int64)
    return _column(place, op, sums, x.shape[1] * _bound(x))


def _rowsumsq(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    parts = blocks(len(x), x.shape[1], place.block)
    sums = torch.cat([_square_sums(x[rows].double()) for rows in parts])
    return _column(place, op, sums, x.shape[1] * _bound(x) ** 2)


def _column(place: Place, op: Op, sums: torch.Tensor, bound: int) -> torch.Tensor:
    end = place.ending(op, op.m, op.s, bound)
    return place.by_blocks(op, lambda rows: end(sums[rows].to(end.dtype, copy=True)))


def _argmax(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    return x.argmax(1, keepdim=True).to(torch.int32)


def _pick(place: Place, op: Op, x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    inside = (index >= 0) & (index < x.shape[1])
    picked = x.gather(1, torch.where(inside, index, 0).to(torch.int64))
    return torch.where(inside, picked, 0)


def _gather(place: Place, op: Op, index: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    rows = index[:, 0].to(torch.int64)
    inside = (rows >= 0) & (rows < len(table))
    return table[torch.where(inside, rows, 0)]


def _permute(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    dims, order = op.geometry[:4], op.geometry[4:8]
    shape = op.output.type.rows, op.output.type.cols
    return x.view(dims).permute(order).reshape(shape).contiguous()


def _slice(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    row, col = op.geometry[:2]
    return x[row : row + op.output.type.rows, col : col + op.output.type.cols].clone(
        memory_format=torch.contiguous_format
    )


def _concat(place: Place, op: Op, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, y], dim=op.geometry[0])


def _pad(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    row, col = op.geometry[:2]
    out = place.new(op).fill_(op.c)
    out[row : row + x.shape[0], col : col + x.shape[1]] = x
    return out


_COMPUTE: dict[Opcode, Callable[..., Any]] = {
    Opcode.MATMUL: windows.matmul,
    Opcode.BMM: windows.bmm,
    Opcode.ADD: _add,
    Opcode.MUL: _mul,
    Opcode.REQUANT: _requant,
    Opcode.SCALE: _scale,
    Opcode.LUT8: _lut8,
    Opcode.NORM: _norm,
    Opcode.ARGMAX: _argmax,
    Opcode.PICK: _pick,
    Opcode.ROWSUM: _rowsum,
    Opcode.ROWSUMSQ: _rowsumsq,
    Opcode.ISQRT: _isqrt,
    Opcode.DIV: _div,
    Opcode.GATHER: _gather,
    Opcode.CONV2D: windows.conv2d,
    Opcode.DWCONV: windows.dwconv,
    Opcode.MAXPOOL: windows.maxpool,
    Opcode.AVGPOOL: windows.avgpool,
    Opcode.PERMUTE: _permute,
    Opcode.SLICE: _slice,
    Opcode.CONCAT: _concat,
    Opcode.PAD: _pad,
}
