"""How long the proof of an element can be (docs/tensor.md §8), from a descriptor alone."""

from typing import NamedTuple

from worker.tensor.commit import CHUNK_BYTES, Layout
from worker.tensor.program import DType, Op, Opcode, Ref, Source

MAX_PROOF_BYTES = 40_960

_HEAD = 75 + 192 + 8
_DIGEST = 32
_TASKS_DEPTH = 32  # more tasks than a job can have
_ROW = frozenset({Opcode.MATMUL, Opcode.BMM, Opcode.NORM, Opcode.ROWSUM, Opcode.ROWSUMSQ})
_WINDOWS = frozenset({Opcode.CONV2D, Opcode.DWCONV, Opcode.MAXPOOL, Opcode.AVGPOOL})


class Extent(NamedTuple):
    """Bounds on a proof: how many openings it has, the bytes that lie open in them, and its
    digests."""

    openings: int
    opened: int
    digests: int

    @property
    def nbytes(self) -> int:
        """The bytes of the whole proof."""
        return _HEAD + self.opened + _DIGEST * self.digests


def longest_proof(op: Op, inputs: int, constants: int, operators: int) -> int:
    """Return a bound on the bytes of the proof that any one element of the operator is wrong.

    The counts are those of its program.
    """
    return extent_of(op, inputs, constants, operators).nbytes


def extent_of(op: Op, inputs: int, constants: int, operators: int) -> Extent:
    """Return the same as an extent."""
    places = {
        Source.INPUT: inputs - 1 + _TASKS_DEPTH,
        Source.CONSTANT: _depth(constants),
        Source.CHECKPOINT: _depth(operators),
        Source.INNER: _depth(operators),
        Source.OUTPUT: _depth(operators),
    }
    parts = [_openings(op, ref, places[ref.source]) for ref in (op.output, *op.operands)]
    if op.opcode is Opcode.CONCAT:  # one of the two has the element
        parts = [parts[0], max(parts[1:], key=lambda part: part.nbytes)]
    return Extent(
        openings=sum(part.openings for part in parts),
        opened=sum(part.opened for part in parts),
        digests=sum(part.digests for part in parts) + _depth(operators),
    )


def _openings(op: Op, ref: Ref, place: int) -> Extent:
    """Bound all openings of a tensor; `place` is the length of the path to it."""
    elements, rows = _read(op, ref)
    layout, per_chunk = Layout(ref.type), CHUNK_BYTES // ref.type.dtype.size
    line = layout.line_bytes(0)
    opened = min(line, CHUNK_BYTES * ((elements + per_chunk - 2) // per_chunk + 1))
    digests = layout.chunks(0) + layout.depth
    lines = (rows + layout.group - 2) // layout.group + 1
    return Extent(lines, lines * opened, lines * digests + place)


def _read(op: Op, ref: Ref) -> tuple[int, int]:
    """Return how many neighbours in a row of a tensor are opened, and in how many rows."""
    if ref is op.output:
        return 1, 1
    if op.opcode in _ROW or ref.type.dtype is DType.W8:
        return ref.type.row_bytes, 1
    if op.opcode is Opcode.ARGMAX:
        return 1, 2
    if op.opcode not in _WINDOWS:
        return 1, 1
    g = op.window
    columns = min(g.kernel_width, g.width)
    is_conv = op.opcode is Opcode.CONV2D
    taps = columns * g.channels if is_conv else (columns - 1) * g.channels + 1
    return taps, min(g.kernel_height, g.height)


def _depth(leaves: int) -> int:
    return max(leaves - 1, 0).bit_length()
