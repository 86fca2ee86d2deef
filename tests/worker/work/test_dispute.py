"""Disputes out of files and logs: a worker answers from its runs, its accuser reads that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker.errors import InvalidBlobError
from worker.executors.tensor import ProgramFacts, TensorExecutor, TensorTaskRun
from worker.protocol.demands import Bond, Demand, Expected, Kind, Place, Seat
from worker.protocol.tensor_job import TensorTask
from worker.services.challenge.demander import answer_bytes
from worker.services.challenge.faults import describe
from worker.storage.demands import Demanded
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.cost import cost_of
from worker.tensor.dispute import Lie, Missing, find_lie
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType, Op, Program
from worker.tensor.tensors import Array, Constant, to_bytes
from worker.tensor.trace import task_input
from worker.tensor.validate import TensorLimits
from worker.types import Digest, JobKey, TaskIndex, Wei
from worker.work.dispute import (
    answer,
    open_dispute,
    read_tensor,
    read_trace,
    split_nodes,
    told_on_chain,
    with_served,
)
from worker.work.prepare import JobSource
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

TASK = TaskIndex(1)
INPUT = np.random.default_rng(3).integers(-100, 100, (70, 300), np.int8)
WRONG = (41, 3)
OPERATOR = 2


class Faulty(NumpyBackend):
    """Flips one element of one operator's tensor, as a broken kernel would."""

    def compute(self, op: Op, operands: Sequence[Constant]) -> Array:
        tensor = super().compute(op, operands)
        if op.output.index == OPERATOR:
            tensor = tensor.copy()
            tensor[WRONG] ^= 1
        return tensor


def _program(keep: Keep) -> Program:
    build = Builder()
    value = build.input(DType.I8, *INPUT.shape)
    for _ in range(5):
        value = build.requant(value, IDENTITY, Fin(DType.I8))
    build.output(value)
    return build.build(keep)


def _prepared(folder: Path, keep: Keep) -> PreparedTensorBatch:
    program = _program(keep)
    (folder / "program").write_bytes(program.encode())
    (folder / "input").write_bytes(to_bytes(INPUT).tobytes())
    rows = [
        TensorTask(inputs=("00" * 32,), digest=digest.hex()).encode()
        for digest in (b"a" * 32, task_input([INPUT]))
    ]
    facts = ProgramFacts(program.root, tuple(program.inputs), tuple(program.ops), cost_of(program))
    source = JobSource(Digest(bytes(32)), Digest(program.root), bytes(32), 2, ())
    job = PreparedTensorJob(source, folder / "program", facts, tuple(rows))
    run = TensorTaskRun(folder / "program", program.root, (folder / "input",))
    return PreparedTensorBatch(job, {TASK: run})


def _answered(place: Place, data: bytes) -> Demanded:
    demand = Demand(Seat(0, 0, 7, TASK), place, Expected(b"", 0, 0), Bond(1, Wei(1), 0))
    return Demanded(bytes(32), 1, JobKey(b"j" * 32), demand, True, data)


@pytest.mark.parametrize("keep", [Keep.OUTPUTS, Keep.ALL])
async def test_answer__by_a_faulty_backend__leads_to_its_element(
    tmp_path: Path, keep: Keep
) -> None:
    batch = _prepared(tmp_path, keep)
    accused = TensorExecutor(Faulty(), TensorLimits())
    job, mine = open_dispute(batch, TASK)
    answers: list[Demanded] = []

    while isinstance(found := find_lie(job, mine, told_on_chain(answers)), Missing):
        data = await answer(accused, batch.tasks[TASK], batch.job.facts, found.place)
        assert len(data) == answer_bytes(found.place, job.runner.program)
        answers.append(_answered(found.place, data))

    assert isinstance(found, Lie)
    assert found.claim.task == TASK
    assert describe(job.runner.program, found) == "op 2 REQUANT [41,3]"
    asked = [one.demand.place.kind for one in answers]
    inner = [Kind.SEGMENT] if keep is Keep.OUTPUTS else []
    assert asked == [Kind.TRACE, *inner, Kind.TENSOR, Kind.TENSOR, Kind.LINE]
    await accused.close()


async def test_served__whole_trace_and_tensor__lead_there_as_well(tmp_path: Path) -> None:
    batch = _prepared(tmp_path, Keep.ALL)
    accused = TensorExecutor(Faulty(), TensorLimits())
    job, mine = open_dispute(batch, TASK)
    run = await accused.run(batch.tasks[TASK])
    trace = read_trace(split_nodes(run.leaves), run.trace)

    missing = find_lie(job, mine, with_served(told_on_chain([]), trace, {}))
    assert isinstance(missing, Missing)
    assert missing.place == Place(Kind.TENSOR, OPERATOR, 0, 0)
    data = await accused.tensor(batch.tasks[TASK], OPERATOR)
    tensor = read_tensor(job.runner.program, OPERATOR, data, missing.digest)
    found = find_lie(job, mine, with_served(told_on_chain([]), trace, {OPERATOR: tensor}))

    assert isinstance(found, Lie)
    assert found.element == WRONG
    await accused.close()


def test_told_on_chain__closed_without_an_answer__tells_nothing() -> None:
    closed = _answered(Place(Kind.TRACE, 0, 0, 0), b"")
    silent = Demanded(closed.id, 1, closed.job, closed.demand, True, None)
    assert told_on_chain([silent]).trace.tree.node(0, 0) is None


def test_read__what_was_not_committed_to__is_refused() -> None:
    program = _program(Keep.ALL)
    with pytest.raises(InvalidBlobError, match="trace: not what was opened"):
        read_trace([bytes(32)] * 5, b"r" * 32)
    with pytest.raises(InvalidBlobError, match="tensor 2: i8 70x300 has 21000 bytes, not 1"):
        read_tensor(program, 2, b"x", bytes(32))
    with pytest.raises(InvalidBlobError, match="tensor 2: not what was committed to"):
        read_tensor(program, 2, bytes(21_000), bytes(32))


def _leaf(program: Program, **lie: Any) -> str:
    return describe(program, Lie(None, b"", **lie))  # type: ignore[arg-type]


def test_describe__other_verdicts__names_the_place() -> None:
    program = _program(Keep.ALL)
    assert _leaf(program, operator=7) == "leaf 7, behind the last operator"
    assert _leaf(program, operator=1) == "op 1 REQUANT, in what must be empty"
