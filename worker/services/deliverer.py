"""Answers demands for outputs that this operator was paid for: silence costs the standing bond."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from worker import metrics
from worker.errors import JobError, NotFoundError
from worker.protocol.deliveries import Delivery
from worker.protocol.outbox import Intent, TxState
from worker.protocol.words import GWEI
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk
from worker.services.preparer import PrepareService
from worker.services.provable.lane import DEMANDS
from worker.storage.blobs import BlobStore
from worker.storage.jobs import PostedJob
from worker.storage.seats import TaskRecord
from worker.types import JobKey, TaskIndex, Timestamp, Wei
from worker.work.pieces import Piece, cut_bundle, cut_tensor
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

log = structlog.get_logger(__name__)

_DEMANDED = "OutputDemanded"
_TRIES = 5

Cutter = Callable[[PostedJob, TaskRecord, Path, Delivery], Awaitable[Piece]]
"""Cuts a demanded piece out of what a run of ours left in a blob. Raises JobError or OSError."""


class Deliverer(Service):
    """Answers every open demand of either lane, the earliest due first."""

    name = "deliverer"

    def __init__(
        self,
        desk: Desk[Any],
        blobs: BlobStore,
        cutters: Mapping[str, Cutter],
        on_step: StepHook = no_hook,
    ) -> None:
        """`cutters` by the name of the service that a job is posted to."""
        super().__init__(on_step)
        self._desk = desk
        self._blobs = blobs
        self._cutters = cutters

    async def tick(self) -> bool:
        """Answer what is open and not answered yet."""
        desk = self._desk
        operator, up_to = desk.identity.operator, desk.chain.confirmed
        logs = desk.jobs.logs_about(operator, _DEMANDED, up_to=up_to)
        demanded = [Delivery.of(log.args["delivery"]) for log in logs]
        for delivery in sorted(demanded, key=lambda one: one.bond.due):
            purpose = self._next_try(delivery)
            if delivery.bond.due > desk.chain.now and purpose and await self._is_open(delivery):
                await self._deliver(delivery, purpose)
        return False

    def _next_try(self, delivery: Delivery) -> str | None:
        """Return the name of the next transaction; None while one is under way, or was enough."""
        for number in range(_TRIES):
            purpose = f"deliver:{delivery.id.hex()}:{number}"
            entry = self._desk.outbox.get(purpose)
            if entry is None:
                return purpose
            if entry.state is not TxState.FAILED:
                return None
        return None

    async def _is_open(self, delivery: Delivery) -> bool:
        """Whether the contract waits for an answer to this very demand."""
        contracts = self._desk.chain.contracts
        kept: bytes = await contracts.call(DEMANDS, "delivery_of", delivery.id)
        return kept == delivery.record

    async def _deliver(self, delivery: Delivery, purpose: str) -> None:
        debt, desk = delivery.debt, self._desk
        key = JobKey(delivery.job)
        job, records = desk.jobs.get(key), desk.seats.records(key, [TaskIndex(debt.task)])
        if job is None or not records or records[0].bundle is None:
            log.error("output demanded that is not here", demand=delivery.id.hex(), task=debt.task)
            return
        try:
            path = self._blobs.path(records[0].bundle)
            piece = await self._cutters[job.service](job, records[0], path, delivery)
        except (JobError, NotFoundError, OSError) as error:
            log.error("output cannot be cut", demand=delivery.id.hex(), error=str(error))
            return
        await self._enqueue(delivery, purpose, piece)
        metrics.deliveries_total.inc()
        log.info("output delivered", demand=delivery.id.hex(), bytes=len(piece.data))

    async def _enqueue(self, delivery: Delivery, purpose: str, piece: Piece) -> None:
        desk, debt = self._desk, delivery.debt
        contracts = desk.chain.contracts
        _, standing, *_ = await contracts.call("Staking", "opt_in_of", debt.operator, debt.service)
        data = contracts.encode(DEMANDS, "answer_output", delivery, piece.data, piece.path)
        desk.outbox.enqueue(
            Intent(
                purpose=purpose,
                to=contracts.address(DEMANDS),
                data=data,
                worth=Wei(standing * GWEI),
                not_after=Timestamp(delivery.bond.due),
            )
        )
        self.step("intent_stored")
        desk.on_intent()


async def cut_run(_: PostedJob, record: TaskRecord, path: Path, delivery: Delivery) -> Piece:
    """Cut a piece out of a WebAssembly task's bundle; see Cutter."""
    debt, part = delivery.debt, delivery.part
    return await asyncio.to_thread(cut_bundle, record.document or b"", path, debt, part)


def cut_traced(preparer: PrepareService[PreparedTensorJob, PreparedTensorBatch]) -> Cutter:
    """Return what cuts lines out of the outputs of tensor tasks; see Cutter."""

    async def cut(job: PostedJob, record: TaskRecord, path: Path, delivery: Delivery) -> Piece:
        batch = await preparer.obtain(job, record.batch)
        return await asyncio.to_thread(cut_tensor, path, batch.job.facts.ops, delivery.debt)

    return cut
