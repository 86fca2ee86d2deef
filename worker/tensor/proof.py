"""Proofs of lies: the bytes that a court takes (docs/tensor.md §7 and §8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple, Protocol

from worker.tensor.commit import ZERO, Layout, Tree
from worker.tensor.openings import Held, Opening, Paths, Whole
from worker.tensor.program import Op, Opcode, Program, Ref, Source
from worker.tensor.reference import Operands
from worker.tensor.spans import Span, elements, spans
from worker.tensor.tensors import Array, Constant

MIN_BYTES = 768
"""A shorter proof is filled with zero bytes."""


class Verdict(IntEnum):
    """What a proof shows."""

    ELEMENT = 1  # an element differs from what its operands make it
    TRACE_LEAF = 2  # a leaf of the trace that must be zero is not
    SEGMENT_LEAF = 3  # a leaf of the segment trace that must be zero is not
    LINE = 4  # a leaf that fills up a tensor's tree is not zero


class Claim(NamedTuple):
    """What a court is asked about, in the order of ICourt's struct."""

    program: bytes
    inputs: bytes
    tasks: int
    task: int
    trace: bytes
    segment: int
    inner: bytes


class Traced(Protocol):
    """A trace of a run, or of a segment's inside, out of which leaves are opened."""

    @property
    def segment(self) -> int | None:
        """The segment, if it is one's."""

    @property
    def tree(self) -> Paths:
        """The tree of its leaves."""

    @property
    def root(self) -> bytes:
        """What it is committed to as."""


@dataclass(frozen=True, eq=False)
class Exhibits:
    """All that a proof is cut from: the job's side, and what the accused committed to."""

    program: Program
    tasks: Tree  # the task inputs' digests
    task: int
    inputs: Sequence[Array]
    trace: Traced
    tensors: Mapping[int, Held]  # the operators' tensors that are at hand
    inner: Traced | None = None  # a segment's trace, where it was opened

    @property
    def claim(self) -> Claim:
        """The roots."""
        segment, inner = 0, ZERO
        if self.inner is not None:
            segment, inner = self.inner.segment or 0, self.inner.root
        return Claim(
            program=self.program.root,
            inputs=self.tasks.root,
            tasks=len(self.tasks.leaves),
            task=self.task,
            trace=self.trace.root,
            segment=segment,
            inner=inner,
        )

    def opening(self, ref: Ref) -> Opening:
        """Return the openings of an operand, or of an output by its place in a trace."""
        if ref.source is Source.INPUT:
            return Opening(self._inputs[ref.index], self._input_place(ref.index))
        if ref.source is Source.CONSTANT:
            tree = self.program.constants_tree
            assert tree is not None  # noqa: S101 - the operator refers to one
            return Opening(Whole(self.program.constants[ref.index]), _joined(tree, ref.index))
        return Opening(self.tensors[ref.index], _joined(self.tree_of(ref.source), ref.index))

    def tree_of(self, source: Source) -> Paths:
        """Return the trace that holds tensors of this source."""
        if source is Source.CHECKPOINT:
            return self.trace.tree
        if self.inner is None:
            raise ValueError("the segment's trace is not at hand")
        return self.inner.tree

    def tensor(self, ref: Ref) -> Constant:
        """Return an operand, all of which must be at hand."""
        if ref.source is Source.INPUT:
            return self.inputs[ref.index]
        if ref.source is Source.CONSTANT:
            return self.program.constants[ref.index]
        held = self.tensors[ref.index]
        if not isinstance(held, Whole):
            raise ValueError(f"tensor {ref.index} is not at hand whole")
        return held.tensor

    @cached_property
    def _inputs(self) -> list[Whole]:
        return [Whole(tensor) for tensor in self.inputs]

    def _input_place(self, index: int) -> bytes:
        digests = [held.digest for held in self._inputs]
        others = digests[:index] + digests[index + 1 :]
        return b"".join(others) + _joined(self.tasks, self.task)


def prove_element(exhibits: Exhibits, operator: int, row: int, col: int) -> bytes:
    """Show that element [row, col] of an operator's tensor is wrong.

    Of ARGMAX, `col` is the witness: a column with a larger element, or an equal one further left.
    """
    op = exhibits.program.ops[operator]
    is_argmax = op.opcode is Opcode.ARGMAX
    output = exhibits.opening(_output(op, operator))
    size = op.output.type.dtype.size
    start = 0 if is_argmax else col * size
    parts = [
        _head(exhibits.program, Verdict.ELEMENT, operator),
        row.to_bytes(4, "big"),
        col.to_bytes(4, "big"),
        output.reach(row, start, start + size),
    ]
    if is_argmax:
        needed = _counter_example(exhibits, operator, row, col)
    else:
        read = Operands(*(exhibits.tensor(ref) for ref in op.operands))
        needed = list(spans(op, row, col, read))
    return _filled([*parts, *_reach_all(exhibits, op, needed)])


def prove_leaf(exhibits: Exhibits, source: Source, leaf: int) -> bytes:
    """Show that a leaf of the trace, or of the segment's (by `source`), should be zero."""
    verdict = Verdict.TRACE_LEAF if source is Source.CHECKPOINT else Verdict.SEGMENT_LEAF
    tree = exhibits.tree_of(source)
    head = _head(exhibits.program, verdict, leaf)
    return _filled([head, tree.leaf(leaf), _joined(tree, leaf)])


def prove_line(exhibits: Exhibits, operator: int, line: int) -> bytes:
    """Show that a leaf behind the last line of an operator's tensor is not zero."""
    ref = _output(exhibits.program.ops[operator], operator)
    lines = exhibits.tensors[operator].tree
    parts = [
        _head(exhibits.program, Verdict.LINE, operator),
        line.to_bytes(4, "big"),
        lines.leaf(line),
        _joined(lines, line),
        _joined(exhibits.tree_of(ref.source), operator),
    ]
    return _filled(parts)


def program_head(program: Program, operator: int) -> bytes:
    """Name the program, and with its descriptor the operator, unless it lies behind the last."""
    tree = program.operators_tree
    constants = program.constants_tree.root if program.constants_tree else ZERO
    fixed = program.header[2:10] + program.inputs_digest + constants
    if operator >= len(program.ops):
        return fixed + tree.root
    return fixed + program.ops[operator].encode() + _joined(tree, operator)


def _head(program: Program, verdict: Verdict, operator: int) -> bytes:
    """Name the verdict and what it is about: an operator, or a leaf behind the last one's."""
    return bytes([verdict]) + operator.to_bytes(2, "big") + program_head(program, operator)


def _output(op: Op, operator: int) -> Ref:
    source = Source.CHECKPOINT if op.is_checkpoint else Source.INNER
    return Ref(source, operator, op.output.type)


def _counter_example(exhibits: Exhibits, operator: int, row: int, witness: int) -> list[Span]:
    """What refutes an ARGMAX: nothing when its index lies outside the row."""
    op, held = exhibits.program.ops[operator], exhibits.tensors[operator]
    line, start = Layout(held.type).place(row, 0)
    index = held.line(line)[start : start + held.type.row_bytes]
    claimed = int.from_bytes(index, "big", signed=True)
    if not 0 <= claimed < op.a.type.cols:
        return []
    return [elements(op, "a", row, claimed), elements(op, "a", row, witness)]


def _reach_all(exhibits: Exhibits, op: Op, needed: Sequence[Span]) -> list[bytes]:
    names = dict.fromkeys(span.operand for span in needed)
    openings = {name: exhibits.opening(getattr(op, name)) for name in names}
    return [openings[span.operand].reach(*span[1:]) for span in needed]


def _joined(tree: Paths, leaf: int) -> bytes:
    return b"".join(tree.path(leaf))


def _filled(parts: Sequence[bytes]) -> bytes:
    return b"".join(parts).ljust(MIN_BYTES, b"\0")
