"""Answers demands on this worker's seats in time: silence would cost the whole bond."""

from typing import Any

import structlog

from worker import metrics
from worker.protocol.outbox import Intent, TxState
from worker.protocol.words import GWEI
from worker.services.base import Service, StepHook, no_hook
from worker.services.challenge.crew import Crew
from worker.services.challenge.runs import Runs
from worker.services.desk import Desk
from worker.services.provable.lane import DEMANDS
from worker.services.terms import terms_of
from worker.storage.demands import Demanded, DemandStore
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, TaskIndex, Timestamp, Wei

log = structlog.get_logger(__name__)

_TRIES = 5
_AT_ONCE = 32  # more than can be open on a seat


class Answerer(Service):
    """Answers open demands, the earliest due first, out of a run of its own."""

    name = "answerer"
    period = 2.0

    def __init__(
        self, desk: Desk[Any], demands: DemandStore, runs: Runs, on_step: StepHook = no_hook
    ) -> None:
        super().__init__(on_step)
        self._desk = desk
        self._demands = demands
        self._runs = runs
        self._crew = Crew(self.name, _AT_ONCE)

    async def tick(self) -> bool:
        """Begin to answer what is open."""
        self._crew.reap()
        for demanded in self._demands.open_on(self._desk.identity.operator):
            purpose = self._next_try(demanded)
            if self._desk.chain.now >= demanded.demand.bond.due or purpose is None:
                continue
            job = self._desk.jobs.get(demanded.job)
            if job is None or not await self._is_asked(demanded):
                continue
            self._crew.begin(demanded.id, self._answer(job, demanded, purpose))
        return False

    async def close(self) -> None:
        """Stop computing: what is not answered yet is computed after the next start."""
        await self._crew.close()

    def _next_try(self, demanded: Demanded) -> str | None:
        """Return the name of the next transaction; None while one is under way."""
        for number in range(_TRIES):
            purpose = f"answer:{demanded.id.hex()}:{number}"
            entry = self._desk.outbox.get(purpose)
            if entry is None:
                return purpose
            if entry.state is not TxState.FAILED:
                return None
            log.error("answer refused", demand=demanded.id.hex(), reason=entry.reason)
        return None

    async def _is_asked(self, demanded: Demanded) -> bool:
        """Whether the contract has this very demand open."""
        contracts = self._desk.chain.contracts
        record: bytes = await contracts.call(DEMANDS, "record_of", demanded.id)
        return record == demanded.demand.record

    async def _answer(self, job: PostedJob, demanded: Demanded, purpose: str) -> None:
        seat, place = demanded.demand.seat, demanded.demand.place
        batch, task = BatchIndex(seat.batch), TaskIndex(seat.task)
        data = await self._runs.answer(job, batch, task, place)
        terms = terms_of(job)
        contracts = self._desk.chain.contracts
        self._desk.outbox.enqueue(
            Intent(
                purpose=purpose,
                to=contracts.address(DEMANDS),
                data=contracts.encode(DEMANDS, "answer", terms.members(), demanded.demand, data),
                worth=Wei(terms.bond * len(terms.tasks_in(batch)) * GWEI),
                not_after=Timestamp(demanded.demand.bond.due),
            )
        )
        self.step("intent_stored")
        metrics.answers_total.inc()
        log.info("demand answered", demand=demanded.id.hex(), place=place, bytes=len(data))
        self.news()
