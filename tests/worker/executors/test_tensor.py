"""Tensor programs run one at a time; what the host cannot do is no result."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker.errors import ExecutionFailedError, InvalidBlobError, InvalidProgramError
from worker.executors.tensor import TensorExecutor, TensorTaskRun
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.commit import ZERO, Commitment
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import Program
from worker.tensor.tensors import DType, to_bytes
from worker.tensor.trace import task_input
from worker.tensor.validate import TensorLimits

X = np.arange(-8, 8, dtype=np.int8).reshape(4, 4)


def program(keep: Keep = Keep.OUTPUTS) -> Program:
    """Return x·xᵀ of eights, requantised: two operators, one segment unless layers are kept."""
    build = Builder()
    x = build.input(DType.I8, 4, 4)
    wide = build.matmul(x, build.weights(X, np.zeros(4), np.ones(4), np.zeros(4)), Fin(DType.I32))
    build.output(build.requant(wide, IDENTITY, Fin(DType.I8)))
    return build.build(keep)


@pytest.fixture
async def executor() -> AsyncIterator[TensorExecutor]:
    executor = TensorExecutor(NumpyBackend(), TensorLimits())
    yield executor
    await executor.close()


@pytest.fixture
def task(tmp_path: Path) -> TensorTaskRun:
    """A program and its input as files."""
    made = program()
    (tmp_path / "p.ptp").write_bytes(made.encode())
    (tmp_path / "x").write_bytes(to_bytes(X).tobytes())
    return TensorTaskRun(tmp_path / "p.ptp", made.root, (tmp_path / "x",))


def _expected() -> tuple[Any, Any]:
    wide = X.astype(np.int32) @ X.astype(np.int32).T
    return wide, np.clip(wide, -128, 127).astype(np.int8)


async def test_run__outputs_and_trace__are_the_programs(executor, task):
    wide, narrow = _expected()
    done = await executor.run(task)
    assert done.outputs == to_bytes(narrow).tobytes()
    assert done.leaves == ZERO + Commitment(narrow).digest
    assert await executor.segment(task, 0) == Commitment(wide).digest + ZERO
    assert await executor.tensor(task, 0) == to_bytes(wide).tobytes()
    assert await executor.tensor(task, 1) == done.outputs


async def test_check__facts__without_constants(executor, task):
    facts = await executor.check(task.program)
    assert facts.root == task.root
    assert len(facts.ops) == 2 and facts.cost.macs == 64
    assert await executor.check_task(facts, task.inputs) == task_input([X])


async def test_check__beyond_the_limits_or_garbage__is_refused(task):
    small = TensorExecutor(NumpyBackend(), TensorLimits(steps=10))
    with pytest.raises(InvalidProgramError, match="steps: 80, this worker takes at most 10"):
        await small.check(task.program)
    task.program.write_bytes(b"no program")
    with pytest.raises(InvalidProgramError, match="not a tensor program"):
        await small.check(task.program)
    await small.close()


@pytest.mark.parametrize("size", [0, 15, 17])
async def test_check_task__another_size__is_refused(executor, task, size):
    facts = await executor.check(task.program)
    task.inputs[0].write_bytes(bytes(size))
    with pytest.raises(InvalidBlobError, match=f"input 0: i8 4x4 has 16 bytes, not {size}"):
        await executor.check_task(facts, task.inputs)
    with pytest.raises(InvalidBlobError, match="inputs: 2, the program takes 1"):
        await executor.check_task(facts, task.inputs * 2)


async def test_run__files_changed_or_gone__the_host_failed(executor, task):
    task.program.write_bytes(program(Keep.ALL).encode())
    with pytest.raises(ExecutionFailedError, match="another program"):
        await executor.run(task)
    task.program.unlink()
    with pytest.raises(ExecutionFailedError, match="No such file"):
        await executor.run(task)


class Broken(NumpyBackend):
    """Fails as a device does that has no memory left."""

    def compute(self, op: Any, operands: Any) -> Any:
        raise RuntimeError("out of memory")


async def test_run__device_fails__the_host_failed(task):
    broken = TensorExecutor(Broken(), TensorLimits())
    with pytest.raises(ExecutionFailedError, match="device: out of memory"):
        await broken.run(task)
    assert await broken.self_test() == "numpy: out of memory"
    await broken.close()
