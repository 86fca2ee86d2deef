"""From a right run and what somebody told of a wrong one to a proof (docs/tensor.md §5, §7).

It may be told whole, as a worker serves it, or as answers to demands: some nodes after the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from worker.protocol.demands import Kind, Place
from worker.tensor.commit import Layout, Tree
from worker.tensor.execute import Runner
from worker.tensor.liveness import reads
from worker.tensor.openings import Whole
from worker.tensor.program import Opcode, Program, Source
from worker.tensor.proof import Claim, Exhibits, prove_element, prove_leaf, prove_line
from worker.tensor.tensors import Array, TensorType
from worker.tensor.told import Grafted, Nodes, Position, ToldTree
from worker.tensor.trace import Trace, trace_root, trace_segment


@dataclass(frozen=True, eq=False)
class Job:
    """What everybody knows: the program, ready to run, and one of the job's tasks."""

    runner: Runner[Any]
    tasks: Tree  # the task inputs' digests
    task: int
    inputs: Sequence[Array]


class SaidTrace(Protocol):
    """A trace as far as it was told."""

    @property
    def tree(self) -> Nodes:
        """Its leaves; behind the operators' there may be some that should be zero."""


class SaidTensor(Protocol):
    """A tensor as far as it was told."""

    @property
    def tree(self) -> Nodes:
        """The tree of its lines; behind them it may have leaves that should be zero."""

    def line(self, number: int) -> bytes | None:
        """Return the bytes of a line; None if they were not told."""


@dataclass(frozen=True, eq=False)
class Statement:
    """What somebody told of a task's run. All of it must be what was committed to."""

    trace: SaidTrace
    inner: Mapping[int, SaidTrace]  # by segment
    tensors: Mapping[int, SaidTensor]  # by operator


@dataclass(frozen=True, eq=False)
class ToldTrace:
    """A trace that is told node by node."""

    tree: ToldTree = field(default_factory=ToldTree)


@dataclass(frozen=True, eq=False)
class ToldTensor:
    """A tensor that is told node by node, and some of its lines."""

    tree: ToldTree = field(default_factory=ToldTree)
    lines: dict[int, bytes] = field(default_factory=dict)

    def line(self, number: int) -> bytes | None:
        """See SaidTensor."""
        return self.lines.get(number)


class Lie(NamedTuple):
    """A proof, and the claim that it refutes."""

    claim: Claim
    proof: bytes
    operator: int
    element: tuple[int, int] | None = None  # row and column, where one is wrong


class Missing(NamedTuple):
    """What must be told before the lie can be shown: what lies below a node, or a line's bytes.

    `digest` is what stands at the place, `path` leads from it to the root of its tree, and
    `tensor_path` from a tensor on to the trace that has it. The top of a trace has none of them.
    """

    place: Place
    digest: bytes = b""
    path: Sequence[bytes] = ()
    tensor_path: Sequence[bytes] = ()


def find_lie(job: Job, mine: Trace, theirs: Statement) -> Lie | Missing | None:
    """Return the proof of the first lie in a statement; None if its trace is `mine`.

    `mine` is the trace of a run here, which must be right.
    """
    tree = Grafted(mine.tree, theirs.trace.tree)
    at = tree.first_difference()
    if at is None:
        return None
    if not tree.is_leaf(at):
        return _missing_node(Kind.TRACE, 0, tree, at)
    program, wrong = job.runner.program, at.index
    exhibits = Exhibits(program, job.tasks, job.task, job.inputs, _Committed(tree), {})
    if wrong >= len(program.ops) or not program.ops[wrong].is_checkpoint:
        return Lie(exhibits.claim, prove_leaf(exhibits, Source.CHECKPOINT, wrong), wrong)
    if any(ref.source is Source.INNER for ref in program.ops[wrong].operands):
        return _search_segment(job, exhibits, wrong, theirs)
    return _accuse(job, exhibits, wrong, theirs)


@dataclass(frozen=True, eq=False)
class _Committed:
    """A trace out of which leaves are opened."""

    tree: Grafted
    segment: int | None = None

    @property
    def root(self) -> bytes:
        return trace_root(self.tree.root, self.segment)


@dataclass(frozen=True, eq=False)
class _Shown:
    """A tensor of which one line is at hand."""

    type: TensorType
    tree: Grafted
    lines: Mapping[int, bytes]

    def line(self, number: int) -> bytes:
        return self.lines[number]


def _search_segment(job: Job, exhibits: Exhibits, wrong: int, theirs: Statement) -> Lie | Missing:
    """Find the lie in a segment whose first wrong checkpoint is `wrong`."""
    segment = exhibits.program.ops[wrong].segment
    mine = trace_segment(job.runner, job.inputs, segment)
    tree = Grafted(mine.tree, theirs.inner.get(segment, ToldTrace()).tree)
    at = tree.first_difference()
    exhibits = replace(exhibits, inner=_Committed(tree, segment))
    if at is None or tree.first_leaf(at) > wrong:
        return _accuse(job, exhibits, wrong, theirs)
    if not tree.is_leaf(at):
        return _missing_node(Kind.SEGMENT, segment, tree, at)
    if _is_within(exhibits.program, at.index, segment):
        return _accuse(job, exhibits, at.index, theirs)
    return Lie(exhibits.claim, prove_leaf(exhibits, Source.INNER, at.index), at.index)


def _is_within(program: Program, leaf: int, segment: int) -> bool:
    """Whether a segment's trace has a tensor's digest as this leaf."""
    ops = program.ops
    return leaf < len(ops) and ops[leaf].segment == segment and not ops[leaf].is_checkpoint


def _accuse(job: Job, exhibits: Exhibits, wrong: int, theirs: Statement) -> Lie | Missing:
    """Show where an operator's tensor is wrong; all that it read is right."""
    op = exhibits.program.ops[wrong]
    mine = dict(job.runner.run(job.inputs, {wrong, *reads(op)}))
    right = mine.pop(wrong)
    own, said = Whole(right), theirs.tensors.get(wrong, ToldTensor())
    tree = Grafted(own.tree, said.tree)
    at = tree.first_difference()
    if at is None:
        raise ValueError(f"tensor {wrong} is not what was committed to")
    if not tree.is_leaf(at):
        return _missing_in_tensor(exhibits, Kind.TENSOR, wrong, tree, at)
    line = b"" if at.index >= own.layout.lines else said.line(at.index)
    if line is None:
        return _missing_in_tensor(exhibits, Kind.LINE, wrong, tree, at)
    read = {k: Whole(tensor) for k, tensor in mine.items()}
    shown = _Shown(own.type, tree, {at.index: line})
    exhibits = replace(exhibits, tensors={**read, wrong: shown})
    if not line:  # padding
        return Lie(exhibits.claim, prove_line(exhibits, wrong, at.index), wrong)
    row, col = element = _first_wrong_element(own, at.index, line)
    if op.opcode is Opcode.ARGMAX:
        col = int(right[row, 0])  # the witness
    return Lie(exhibits.claim, prove_element(exhibits, wrong, row, col), wrong, element)


def _missing_node(kind: Kind, number: int, tree: Grafted, at: Position) -> Missing:
    """Ask for what lies below a node of a trace."""
    place = Place(kind, number, at.level, at.index)
    if at.level == 0:
        return Missing(place)
    return Missing(place, tree.node(at.level, at.index), tree.path_of(at))


def _missing_in_tensor(
    exhibits: Exhibits, kind: Kind, operator: int, tree: Grafted, at: Position
) -> Missing:
    """Ask for what lies below a node of a tensor's tree, or for the bytes of its line."""
    op = exhibits.program.ops[operator]
    trace = exhibits.tree_of(Source.CHECKPOINT if op.is_checkpoint else Source.INNER)
    is_top = kind is Kind.TENSOR and at.level == 0
    digest = trace.leaf(operator) if is_top else tree.node(at.level, at.index)
    place = Place(kind, operator, at.level, at.index)
    return Missing(place, digest, tree.path_of(at), trace.path(operator))


def _first_wrong_element(own: Whole, number: int, line: bytes) -> tuple[int, int]:
    """Return row and column of the first element of a line that differs from the right one."""
    right, layout = own.line(number), Layout(own.type)
    differs = np.frombuffer(right, np.uint8) != np.frombuffer(line, np.uint8)
    slot, offset = divmod(int(np.argmax(differs)), layout.row_bytes)
    return number * layout.group + slot, offset // own.type.dtype.size
