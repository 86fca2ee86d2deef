"""Traces: what a run commits to, and where two of them part (docs/tensor.md §5)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from worker.tensor.commit import ZERO, Commitment, Tree, tagged
from worker.tensor.execute import Runner
from worker.tensor.program import Program
from worker.tensor.tensors import Array


class Trace:
    """A leaf for each operator, under one root; of a whole run, or of one segment's inside."""

    def __init__(self, leaves: Sequence[bytes], segment: int | None = None) -> None:
        """Take a program's leaves, a segment's if one is named."""
        self.segment = segment
        self.tree = Tree(leaves)

    @classmethod
    def of(
        cls, program: Program, digests: Mapping[int, bytes], segment: int | None = None
    ) -> "Trace":
        """Return the trace with the tensors' digests, by operator, and zeros elsewhere."""
        return cls([digests.get(k, ZERO) for k in range(len(program.ops))], segment)

    @property
    def leaves(self) -> Sequence[bytes]:
        """A digest or zeros for each operator."""
        return self.tree.leaves

    @property
    def root(self) -> bytes:
        """What an operator seals, or answers when a segment is demanded."""
        return trace_root(self.tree.root, self.segment)


def trace_root(leaves: bytes, segment: int | None) -> bytes:
    """Return what a trace is committed to as, from the root of its leaves; a segment's if named."""
    if segment is None:
        return tagged(0x07, leaves)
    return tagged(0x08, segment.to_bytes(2, "big"), leaves)


def task_input(inputs: Iterable[Array]) -> bytes:
    """Return what a task's inputs are committed to as."""
    return task_input_of(Commitment(tensor).digest for tensor in inputs)


def task_input_of(digests: Iterable[bytes]) -> bytes:
    """Return the same from the input tensors' digests."""
    return tagged(0x06, *digests)


def checkpoints(program: Program) -> list[int]:
    """Return the operators whose tensors a trace commits to."""
    return [k for k, op in enumerate(program.ops) if op.is_checkpoint]


def inner(program: Program, segment: int) -> list[int]:
    """Return the operators whose tensors a segment's trace commits to."""
    return [k for k, op in enumerate(program.ops) if op.segment == segment and not op.is_checkpoint]


def run_traced(runner: Runner[Any], inputs: Sequence[Array]) -> tuple[list[Array], Trace]:
    """Return the outputs and the trace of a run. Raises InvalidBlobError as Runner.run does."""
    program = runner.program
    outputs, digests = [], {}
    for k, tensor in runner.run(inputs, checkpoints(program)):
        digests[k] = Commitment(tensor).digest
        if program.ops[k].is_output:
            outputs.append(tensor)
    return outputs, Trace.of(program, digests)


def trace_segment(runner: Runner[Any], inputs: Sequence[Array], segment: int) -> Trace:
    """Return a segment's trace, from a run up to its end."""
    tensors = runner.run(inputs, inner(runner.program, segment))
    digests = {k: Commitment(tensor).digest for k, tensor in tensors}
    return Trace.of(runner.program, digests, segment)


def first_element(ours: Array, theirs: Array) -> tuple[int, int] | None:
    """Return the row and column of the first element that differs; None if all are equal.

    Raises ValueError when the tensors differ in shape.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"tensors of shapes {ours.shape} and {theirs.shape}")
    differs = ours != theirs
    row, col = np.unravel_index(int(differs.argmax()), ours.shape)
    return (int(row), int(col)) if differs[row, col] else None
