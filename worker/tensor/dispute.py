"""From two traces that differ to the proof that one of them is a lie (docs/tensor.md §5, §7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from worker.tensor.commit import CHUNK_BYTES, ZERO, Layout, Tree
from worker.tensor.execute import Runner
from worker.tensor.liveness import reads
from worker.tensor.openings import Held, Whole
from worker.tensor.program import Opcode, Source
from worker.tensor.proof import Claim, Exhibits, prove_element, prove_leaf, prove_line
from worker.tensor.tensors import Array
from worker.tensor.trace import Trace, checkpoints, inner, trace_segment


@dataclass(frozen=True, eq=False)
class Job:
    """What everybody knows: the program, ready to run, and one of the job's tasks."""

    runner: Runner[Any]
    tasks: Tree  # the task inputs' digests
    task: int
    inputs: Sequence[Array]


@dataclass(frozen=True, eq=False)
class Statement:
    """What somebody committed to for a task, as far as it was served."""

    trace: Trace  # its tree may have leaves behind the operators' that should be zero
    inner: Mapping[int, Trace]  # by segment
    tensors: Mapping[int, Held]  # by operator


class Lie(NamedTuple):
    """A proof, and the claim that it refutes."""

    claim: Claim
    proof: bytes
    operator: int


class Missing(NamedTuple):
    """What must be served before the lie can be shown: a segment's trace or a tensor."""

    segment: int | None = None
    operator: int | None = None


def find_lie(job: Job, mine: Trace, theirs: Statement) -> Lie | Missing | None:
    """Return the proof of the first lie in a statement; None if its trace is `mine`.

    `mine` is the trace of a run here, which must be right.
    """
    program = job.runner.program
    exhibits = Exhibits(program, job.tasks, job.task, job.inputs, theirs.trace, {})
    kept = checkpoints(program)
    spurious = _first_spurious(theirs.trace.leaves, kept)
    if spurious is not None:
        proof = prove_leaf(exhibits, Source.CHECKPOINT, spurious)
        return Lie(exhibits.claim, proof, spurious)
    wrong = _first_difference(mine, theirs.trace, kept)
    if wrong is None:
        return None
    operands = program.ops[wrong].operands
    if any(ref.source is Source.INNER for ref in operands):
        return _search_segment(job, exhibits, wrong, theirs)
    return _accuse(job, exhibits, wrong, theirs)


def _search_segment(job: Job, exhibits: Exhibits, wrong: int, theirs: Statement) -> Lie | Missing:
    """Find the lie in a segment whose first wrong checkpoint is `wrong`."""
    segment = exhibits.program.ops[wrong].segment
    answer = theirs.inner.get(segment)
    if answer is None:
        return Missing(segment=segment)
    exhibits = replace(exhibits, inner=answer)
    members = inner(exhibits.program, segment)
    spurious = _first_spurious(answer.leaves, members)
    if spurious is not None:
        return Lie(exhibits.claim, prove_leaf(exhibits, Source.INNER, spurious), spurious)
    mine = trace_segment(job.runner, job.inputs, segment)
    first = _first_difference(mine, answer, [k for k in members if k < wrong])
    return _accuse(job, exhibits, wrong if first is None else first, theirs)


def _accuse(job: Job, exhibits: Exhibits, wrong: int, theirs: Statement) -> Lie | Missing:
    """Show where an operator's tensor is wrong; all that it read is right."""
    held = theirs.tensors.get(wrong)
    if held is None:
        return Missing(operator=wrong)
    op = exhibits.program.ops[wrong]
    mine = dict(job.runner.run(job.inputs, {wrong, *reads(op)}))
    right = mine.pop(wrong)
    read = {k: Whole(tensor) for k, tensor in mine.items()}
    exhibits = replace(exhibits, tensors={**read, wrong: held})
    padding = _first_spurious(held.tree.leaves, range(Layout(held.type).lines))
    if padding is not None:
        return Lie(exhibits.claim, prove_line(exhibits, wrong, padding), wrong)
    row, col = _first_wrong_element(right, held)
    if op.opcode is Opcode.ARGMAX:
        col = int(right[row, 0])  # the witness
    return Lie(exhibits.claim, prove_element(exhibits, wrong, row, col), wrong)


def _first_wrong_element(right: Array, held: Held) -> tuple[int, int]:
    """Return row and column of the first element that differs from the right one."""
    mine, layout = Whole(right), Layout(held.type)
    line = _first_unequal(mine.tree.leaves, held.tree.leaves)
    chunk = _first_unequal(mine.digests(line), held.digests(line))
    own, other = (
        np.frombuffer(side.chunks(line, chunk, chunk + 1), np.uint8) for side in (mine, held)
    )
    byte = chunk * CHUNK_BYTES + int(np.argmax(own != other))
    slot, offset = divmod(byte, layout.row_bytes)
    return line * layout.group + slot, offset // held.type.dtype.size


def _first_unequal(own: Sequence[bytes], other: Sequence[bytes]) -> int:
    pairs = enumerate(zip(own, other, strict=True))
    return next(index for index, (left, right) in pairs if left != right)


def _first_spurious(leaves: Sequence[bytes], due: Sequence[int]) -> int | None:
    """Return the first leaf that must be zero and is not."""
    expected = set(due)
    nonzero = (k for k, leaf in enumerate(leaves) if leaf != ZERO)
    return next((k for k in nonzero if k not in expected), None)


def _first_difference(mine: Trace, theirs: Trace, of: Sequence[int]) -> int | None:
    """Return the first of some operators whose leaves differ."""
    return next((k for k in of if mine.leaves[k] != theirs.leaves[k]), None)
