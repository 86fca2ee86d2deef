"""A backend that computes wrongly keeps the worker from provable jobs, and says where."""

from types import SimpleNamespace
from typing import Any

from worker.cli.devnet.cast.faulty import FaultyBackend
from worker.executors.tensor import TensorExecutor
from worker.health import Health, Reason
from worker.services.provable.self_test import SelfTest
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.validate import TensorLimits


async def _tested(backend: Any) -> tuple[Health, list[str]]:
    health, woken = Health(), []
    health.report(Reason.STARTING, False)
    executor = TensorExecutor(backend, TensorLimits())
    service = SelfTest(executor, health)
    listener: Any = SimpleNamespace(wake=lambda: woken.append("news"))
    service.tell(listener)
    assert not health.may_take("ProvableJobs")
    await service.tick()
    await service.tick()
    await executor.close()
    return health, woken


async def test_tick__sound_backend__takes_work() -> None:
    health, woken = await _tested(NumpyBackend())
    assert health.is_ready and health.may_take("ProvableJobs")
    assert woken == ["news"]


async def test_tick__faulty_backend__names_the_operator_and_takes_no_provable_job() -> None:
    health, woken = await _tested(FaultyBackend(NumpyBackend(), 0))
    detail = health.reasons[Reason.SELF_TEST]
    assert detail.startswith("numpy, faulty: MATMUL 1x64x8 is wrong at (0, 0)")
    assert health.may_take("ReplicatedJobs") and not health.may_take("ProvableJobs")
    assert woken == []
