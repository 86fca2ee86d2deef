"""Jobs, honest runs and lies to dispute about: made of the small cases that backends test with."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Keep, Value
from worker.tensor.cases import Case, case
from worker.tensor.commit import Tree
from worker.tensor.dispute import Job, Lie, Missing, Statement, find_lie
from worker.tensor.execute import Runner
from worker.tensor.openings import Whole
from worker.tensor.program import DType, Op, Opcode, Program, Ref, Source
from worker.tensor.proof import Exhibits
from worker.tensor.tensors import Array, TensorType, type_of
from worker.tensor.trace import Trace, checkpoints, inner, task_input

Make = Callable[..., Value]


@dataclass
class Dispute:
    """A task that was executed honestly; `target` is the operator that the case is about."""

    job: Job
    tensors: list[Array]
    target: int

    @property
    def program(self) -> Program:
        return self.job.runner.program

    @cached_property
    def statement(self) -> Statement:
        """What an honest worker commits to and serves."""
        return statement_of(self.program, self.tensors)

    @property
    def visible(self) -> list[int]:
        """The operators of which any wrong element changes the trace."""
        ops = self.program.ops
        return [k for k, op in enumerate(ops) if op.is_checkpoint or k >= self.target]

    def exhibits(self, statement: Statement | None = None) -> Exhibits:
        """Return what proofs are cut from, with the target's segment opened."""
        said = statement or self.statement
        return Exhibits(
            self.program,
            self.job.tasks,
            self.job.task,
            self.job.inputs,
            said.trace,
            said.tensors,
            said.inner[self.program.ops[self.target].segment],
        )

    def corrupted(self, operator: int, row: int, col: int, value: int) -> Statement:
        """Return what a worker serves that lies once and goes on from the lie."""
        wrong = self.tensors[operator].copy()
        wrong[row, col] = value
        return statement_of(self.program, run(self.program, self.job.inputs, {operator: wrong}))

    def find(self, statement: Statement) -> Lie | Missing | None:
        """Return what an honest worker finds in a statement."""
        return find_lie(self.job, self.statement.trace, statement)

    def convict(self, statement: Statement) -> Lie:
        """Return the proof that a statement is a lie."""
        lie = self.find(statement)
        assert isinstance(lie, Lie)
        return lie


def dispute(opcode: Opcode, seed: int, extreme: bool = False) -> Dispute:
    """Return a dispute about one operator among others, in a job of several tasks."""
    rng = random.Random(seed)
    program, inputs, target = _surround(case(opcode, seed, extreme), rng)
    tasks = [rng.randbytes(32) for _ in range(rng.choice([1, 2, 5]))]
    task = rng.randrange(len(tasks))
    tasks[task] = task_input(inputs)
    job = Job(Runner(program, NumpyBackend()), Tree(tasks), task, inputs)
    return Dispute(job, run(program, inputs, {}), target)


def one_operator(make: Make, inputs: Sequence[Array], keep: Keep = Keep.ALL) -> Dispute:
    """Return a dispute about what `make` builds on the inputs, in a job of two tasks."""
    build = Builder()
    types = map(type_of, inputs)
    build.output(make(build, *(build.input(t.dtype, t.rows, t.cols) for t in types)))
    program = build.build(keep)
    job = Job(Runner(program, NumpyBackend()), Tree([task_input(inputs), b"\x07" * 32]), 0, inputs)
    return Dispute(job, run(program, inputs, {}), len(program.ops) - 1)


def run(program: Program, inputs: Sequence[Array], instead: dict[int, Array]) -> list[Array]:
    """Run a program, with some operators' tensors replaced by others."""
    tensors: list[Array] = []
    backend = NumpyBackend()
    sources = {Source.INPUT: inputs, Source.CONSTANT: program.constants}
    for index, op in enumerate(program.ops):
        operands = [sources.get(ref.source, tensors)[ref.index] for ref in op.operands]
        tensor = backend.compute(op, [backend.load(operand) for operand in operands])
        tensors.append(instead.get(index, backend.fetch(tensor)))
    return tensors


def statement_of(program: Program, tensors: Sequence[Array]) -> Statement:
    """Return what a worker with these tensors commits to and serves."""
    held = {k: Whole(tensor) for k, tensor in enumerate(tensors)}
    return Statement(
        Trace.of(program, {k: held[k].digest for k in checkpoints(program)}),
        {
            segment: Trace.of(
                program, {k: held[k].digest for k in inner(program, segment)}, segment
            )
            for segment in range(program.segments)
        },
        held,
    )


def _surround(small: Case, rng: random.Random) -> tuple[Program, list[Array], int]:
    """Put operators before and behind a case's own, some of them without a checkpoint."""
    (own,) = small.program.ops
    ops: list[Op] = []
    before = rng.choice([0, 1])  # the segment of what lies before
    refs = {}
    for name in ("a", "b", "d"):
        ref = getattr(own, name)
        if ref is not None and ref.source is Source.INPUT and rng.random() < 0.7:
            kept = before == 1 or rng.random() < 0.5
            ops.append(_copy(ref, len(ops), kept, 0))
            refs[name] = replace(
                ref, source=Source.CHECKPOINT if kept else Source.INNER, index=len(ops) - 1
            )
    segment = before if ops else 0
    target = len(ops)
    kept = rng.random() < 0.5
    output = Ref(Source.OUTPUT, target, own.output.type)
    ops.append(
        replace(own, output=output, is_checkpoint=kept, is_output=False, segment=segment, **refs)
    )
    for _ in range(rng.randrange(1, 4)):
        last = ops[-1]
        source = Source.CHECKPOINT if last.is_checkpoint else Source.INNER
        ref = Ref(source, len(ops) - 1, last.output.type)
        ops.append(_copy(ref, len(ops), rng.random() < 0.5, segment))
    ops[-1] = replace(ops[-1], is_checkpoint=True, is_output=True)
    program = Program(small.program.inputs, small.program.constants, tuple(ops))
    return program, small.inputs, target


def _copy(ref: Ref, index: int, kept: bool, segment: int) -> Op:
    """An operator that writes what `ref` names."""
    source = Ref(ref.source, ref.index, ref.type)
    return Op(
        Opcode.SLICE,
        Ref(Source.OUTPUT, index, ref.type),
        source,
        is_checkpoint=kept,
        segment=segment,
    )


def other_value(type: TensorType, value: int, rng: random.Random) -> int:
    """Return another element of the type: a neighbour, an extreme, or any."""
    dtype = DType(type.dtype)
    choices = [value - 1, value + 1, dtype.min, dtype.max, rng.randint(dtype.min, dtype.max)]
    fitting = [v for v in choices if dtype.min <= v <= dtype.max and v != value]
    return rng.choice(fitting)
