"""Tries the tensor backend at start: a worker that computes wrongly would be convicted."""

import structlog

from worker.errors import ExecutionFailedError
from worker.executors.tensor import TensorExecutor
from worker.health import Health, Reason
from worker.services.base import Service, StepHook, no_hook

log = structlog.get_logger(__name__)


class SelfTest(Service):
    """Keeps the worker from provable jobs until the backend has passed; it is news when it has."""

    name = "provable_self_test"
    period = 3600.0

    def __init__(
        self, executor: TensorExecutor, health: Health, on_step: StepHook = no_hook
    ) -> None:
        super().__init__(on_step)
        self._executor = executor
        self._health = health
        self._is_done = False
        health.report(Reason.SELF_TEST, True, f"{executor.name} is being tested")

    async def tick(self) -> bool:
        """Test once; what a device computes wrongly does not get better by itself."""
        if self._is_done:
            return False
        try:
            trouble = await self._executor.self_test()
        except ExecutionFailedError as error:
            trouble = f"{self._executor.name}: {error}"
        self._is_done = True
        self._health.report(Reason.SELF_TEST, trouble is not None, trouble or "")
        if trouble is None:
            log.info("tensor backend tested", backend=self._executor.name)
            self.news()
        else:
            log.error("tensor backend is wrong: no provable job is taken", trouble=trouble)
        return False
