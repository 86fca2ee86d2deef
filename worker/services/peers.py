"""Other operators' workers: where they answer, by the Registry."""

from typing import Any

from worker.errors import RevertedError
from worker.services.desk import Desk
from worker.storage.jobs import PostedJob
from worker.storage.locators import endpoint_locator
from worker.types import OperatorId

_ASKED = 8
_KEPT_SECONDS = 300


class Peers:
    """Knows endpoints for some minutes, so that a batch does not ask for each again."""

    def __init__(self, desk: Desk[Any]) -> None:
        self._desk = desk
        self._known: dict[OperatorId, tuple[int, str]] = {}

    async def endpoint(self, operator: OperatorId) -> str:
        """Return the public address of an operator's worker, "" when it announced none."""
        now = self._desk.chain.now
        asked_at, endpoint = self._known.get(operator, (-_KEPT_SECONDS, ""))
        if not endpoint or now - asked_at >= _KEPT_SECONDS:
            endpoint = await self._ask(operator)
            self._known[operator] = (now, endpoint)
        return endpoint

    async def locators(self, job: PostedJob) -> tuple[str, ...]:
        """Return where other operators may have a job's blobs: those with a seat in it."""
        found = []
        for operator in self._desk.jobs.operators_in(job.job, _ASKED):
            if operator != self._desk.identity.operator and (at := await self.endpoint(operator)):
                found.append(endpoint_locator(at))
        return tuple(found)

    async def _ask(self, operator: OperatorId) -> str:
        try:
            profile = await self._desk.chain.contracts.call("Registry", "profile_of", operator)
        except RevertedError:
            return ""
        return str(profile[0])
