"""What running a program takes, computed from descriptors alone."""

from dataclasses import dataclass
from math import prod

from worker.tensor.liveness import spent_after
from worker.tensor.program import Op, Opcode, Program
from worker.tensor.tensors import type_of

_PRODUCTS = frozenset({Opcode.MATMUL, Opcode.BMM, Opcode.CONV2D, Opcode.DWCONV})
_ROWS = frozenset({Opcode.NORM, Opcode.ARGMAX, Opcode.ROWSUM, Opcode.ROWSUMSQ})
_WINDOWS = frozenset({Opcode.CONV2D, Opcode.DWCONV, Opcode.MAXPOOL, Opcode.AVGPOOL})


@dataclass(frozen=True)
class Cost:
    """What a run takes."""

    constant_bytes: int
    macs: int
    """Multiplications of weights or activations that are summed up."""

    steps: int
    """`macs`, and one for each element that other operators read or write."""

    peak_bytes: int
    """Inputs and tensors held at one time, with the copies that windows slide over."""


def cost_of(program: Program) -> Cost:
    """Return a program's cost. References to operators must lie before and exist."""
    return Cost(
        constant_bytes=sum(type_of(constant).nbytes for constant in program.constants),
        macs=sum(macs(op) for op in program.ops),
        steps=sum(macs(op) or _elements(op) for op in program.ops),
        peak_bytes=_peak_bytes(program),
    )


def macs(op: Op) -> int:
    """Return an operator's multiplications; 0 if it is not made of sums of products."""
    if op.opcode not in _PRODUCTS:
        return 0
    if op.opcode in (Opcode.MATMUL, Opcode.BMM):
        inner = op.a.type.cols
    else:
        assert op.b is not None  # noqa: S101 - these have weights
        inner = op.b.type.cols
    return op.output.type.rows * op.output.type.cols * inner


def _elements(op: Op) -> int:
    written = op.output.type.rows * op.output.type.cols
    if op.opcode in _ROWS:
        return written + op.a.type.rows * op.a.type.cols
    if op.opcode in _WINDOWS:
        return written * op.window.kernel_height * op.window.kernel_width
    return written


def _scratch_bytes(op: Op) -> int:
    """Return the size of the padded copy of the images that windows slide over."""
    if op.opcode not in _WINDOWS:
        return 0
    g = op.window
    height = (g.out_height - 1) * g.stride_height + g.kernel_height
    width = (g.out_width - 1) * g.stride_width + g.kernel_width
    images = op.a.type.rows // g.height
    return prod((images, height, width, g.channels, op.a.type.dtype.size))


def _peak_bytes(program: Program) -> int:
    sizes = [op.output.type.nbytes for op in program.ops]
    held = peak = sum(type.nbytes for type in program.inputs)
    for index, (op, spent) in enumerate(zip(program.ops, spent_after(program), strict=True)):
        held += sizes[index]
        peak = max(peak, held + _scratch_bytes(op))
        held -= sum(sizes[tensor] for tensor in spent)
    return peak
