"""Pieces of outputs that a payer demands on chain, cut out of what a run left, with their paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.errors import JobError
from worker.protocol.deliveries import Debt, Part
from worker.protocol.merkle import CHUNK_BYTES, CHUNKS, chunks_of, proof
from worker.protocol.results import TaskResult
from worker.tensor.commit import Tree
from worker.tensor.openings import Whole
from worker.tensor.program import Op
from worker.tensor.tensors import from_bytes

BUNDLE, RECORD = 0, 1
"""What the number of a debt in ReplicatedJobs asks for: the bundle, or the execution record."""

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Piece:
    """The bytes that were demanded, and the siblings from them up."""

    data: bytes
    path: list[bytes]


def cut_bundle(document: bytes, bundle: Path, debt: Debt, part: Part) -> Piece:
    """Return a piece of a WebAssembly task: its record, or a chunk of its outputs.

    Raises VerificationError when this run's record is not the one that settled, OSError.
    """
    if debt.number == RECORD:
        return Piece(TaskResult.decode(document, part.root).record.encode(), [])
    with bundle.open("rb") as file:
        path = proof(CHUNKS, chunks_of(file), debt.position)
        file.seek(debt.position * CHUNK_BYTES)
        return Piece(file.read(CHUNK_BYTES), path)


def cut_tensor(blob: Path, ops: Sequence[Op], debt: Debt) -> Piece:
    """Return a line of a tensor task's output, out of the blob of its leaves and outputs.

    Raises JobError when the program has no such output, OSError.
    """
    if debt.number >= len(ops) or not ops[debt.number].is_output:
        raise JobError(f"operator {debt.number} writes no output")
    before = (op.output.type.nbytes for op in ops[: debt.number] if op.is_output)
    type = ops[debt.number].output.type
    with blob.open("rb") as file:
        leaves = file.read(_DIGEST_BYTES * len(ops))
        file.seek(sum(before), 1)
        tensor = Whole(from_bytes(type, file.read(type.nbytes)))
    starts = range(0, len(leaves), _DIGEST_BYTES)
    trace = Tree([leaves[start : start + _DIGEST_BYTES] for start in starts])
    path = [*tensor.tree.path(debt.position), *trace.path(debt.number)]
    return Piece(tensor.line(debt.position), path)
