"""Workers that lie anywhere in what they commit to, and who asks them node by node."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.contracts.court.disputes import Dispute, other_value
from worker.protocol.demands import Kind
from worker.tensor.commit import ZERO, Tree
from worker.tensor.dispute import (
    Lie,
    Missing,
    Statement,
    ToldTensor,
    ToldTrace,
    find_lie,
)
from worker.tensor.openings import Whole
from worker.tensor.told import Position, descend
from worker.tensor.trace import Trace

MARK = b"\x01" * 32
MOST_ROUNDS = 7

Lying = Callable[[Dispute, Random], Statement]


class Padded(Whole):
    """A tensor that commits to something behind its last line."""

    def __init__(self, tensor, leaf: int) -> None:
        super().__init__(tensor)
        self.tree = Tree(_set(self.tree.leaves, self.tree.depth, leaf, MARK))


def element(about: Dispute, rng: Random) -> Statement:
    """One element is wrong, and all that follows from it."""
    operator = rng.choice(about.visible)
    tensor = about.tensors[operator]
    row, col = (rng.randrange(size) for size in tensor.shape)
    kind = about.program.ops[operator].output.type
    return about.corrupted(operator, row, col, other_value(kind, int(tensor[row, col]), rng))


def trace_leaf(about: Dispute, rng: Random) -> Statement:
    """A leaf of the trace that must be zero is not: no checkpoint, or behind the last operator."""
    said = element(about, rng) if rng.random() < 0.5 else about.statement
    empty = [k for k, leaf in enumerate(_padded(said.trace)) if leaf == ZERO]
    return replace(said, trace=_with_leaf(said.trace, rng.choice(empty))) if empty else said


def inner_leaf(about: Dispute, rng: Random) -> Statement:
    """A leaf of a segment's trace that must be zero is not."""
    said = element(about, rng)
    inner = dict(said.inner)
    for segment, trace in inner.items():
        empty = [k for k, leaf in enumerate(_padded(trace)) if leaf == ZERO]
        if empty:
            inner[segment] = _with_leaf(trace, rng.choice(empty))
    return replace(said, inner=inner)


def line(about: Dispute, rng: Random) -> Statement:
    """A tensor's tree has something where it is filled up."""
    said, tensors = about.statement, dict(about.statement.tensors)
    for k, tensor in enumerate(about.tensors):
        lines = Whole(tensor).tree
        if 1 << lines.depth > len(lines.leaves):
            tensors[k] = Padded(tensor, rng.randrange(len(lines.leaves), 1 << lines.depth))
    return Statement(
        _recommitted(said.trace, tensors),
        {segment: _recommitted(trace, tensors) for segment, trace in said.inner.items()},
        tensors,
    )


LIES: list[Lying] = [element, trace_leaf, inner_leaf, line]


def ask_for_lie(about: Dispute, said: Statement) -> tuple[Lie | None, int]:
    """Return the lie as it is found by demands alone, and how many were made."""
    told = Statement(ToldTrace(), {}, {})
    for rounds in range(MOST_ROUNDS + 1):
        found = find_lie(about.job, about.statement.trace, told)
        if not isinstance(found, Missing):
            return found, rounds
        told = tell(told, found, said)
    raise AssertionError(f"more than {MOST_ROUNDS} rounds")


def tell(told: Statement, asked: Missing, said: Statement) -> Statement:
    """Return the statement with what an answering liar tells."""
    kind, number, level, index = asked.place
    at = Position(level, index)
    if kind is Kind.TRACE:
        told.trace.tree.tell(level, index, descend(said.trace.tree, at))
        return told
    if kind is Kind.SEGMENT:
        trace = told.inner.get(number, ToldTrace())
        trace.tree.tell(level, index, descend(said.inner[number].tree, at))
        return replace(told, inner={**told.inner, number: trace})
    tensor = told.tensors.get(number, ToldTensor())
    if kind is Kind.LINE:
        tensor.lines[index] = said.tensors[number].line(index)
    else:
        tensor.tree.tell(level, index, descend(said.tensors[number].tree, at))
    return replace(told, tensors={**told.tensors, number: tensor})


def _padded(trace: Trace) -> list[bytes]:
    return _set(trace.leaves, trace.tree.depth)


def _set(leaves, depth: int, leaf: int = 0, value: bytes | None = None) -> list[bytes]:
    """Return all leaves of a tree, one of them changed."""
    all_leaves = [*leaves, *[ZERO] * ((1 << depth) - len(leaves))]
    if value is not None:
        all_leaves[leaf] = value
    return all_leaves


def _with_leaf(trace: Trace, leaf: int) -> Trace:
    return Trace(_set(trace.leaves, trace.tree.depth, leaf, MARK), trace.segment)


def _recommitted(trace: Trace, tensors) -> Trace:
    """Return the trace with the digests of other tensors."""
    leaves = [tensors[k].digest if leaf != ZERO else leaf for k, leaf in enumerate(trace.leaves)]
    return Trace(leaves, trace.segment)
