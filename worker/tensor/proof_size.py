"""How long the proof of an element can be (docs/tensor.md §8), from a descriptor alone."""

from worker.tensor.commit import CHUNK_BYTES, Layout
from worker.tensor.program import DType, Op, Opcode, Ref, Source

MAX_PROOF_BYTES = 40_960

_HEAD = 75 + 192 + 8
_DIGEST = 32
_TASKS_DEPTH = 32  # more tasks than a job can have
_ROW = frozenset({Opcode.MATMUL, Opcode.BMM, Opcode.NORM, Opcode.ROWSUM, Opcode.ROWSUMSQ})
_WINDOWS = frozenset({Opcode.CONV2D, Opcode.DWCONV, Opcode.MAXPOOL, Opcode.AVGPOOL})


def longest_proof(op: Op, inputs: int, constants: int, operators: int) -> int:
    """Return a bound on the bytes of the proof that any one element of the operator is wrong.

    The counts are those of its program.
    """
    places = {
        Source.INPUT: inputs - 1 + _TASKS_DEPTH,
        Source.CONSTANT: _depth(constants),
        Source.CHECKPOINT: _depth(operators),
        Source.INNER: _depth(operators),
        Source.OUTPUT: _depth(operators),
    }
    size = _HEAD + _DIGEST * _depth(operators)
    for ref in (op.output, *op.operands):
        size += _openings(op, ref) + _DIGEST * places[ref.source]
    return size


def _openings(op: Op, ref: Ref) -> int:
    """Bound the bytes of all openings of a tensor, without its place."""
    elements, rows = _read(op, ref)
    layout, per_chunk = Layout(ref.type), CHUNK_BYTES // ref.type.dtype.size
    line = layout.line_bytes(0)
    opened = min(line, CHUNK_BYTES * ((elements + per_chunk - 2) // per_chunk + 1))
    digests = layout.chunks(0) + layout.depth
    lines = (rows + layout.group - 2) // layout.group + 1
    return lines * (opened + _DIGEST * digests)


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
