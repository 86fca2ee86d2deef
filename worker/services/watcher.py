"""Reads the chain: stores what its logs say and how far it got in one transaction."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from worker import metrics
from worker.chain.contracts import Event
from worker.chain.events import LogScanner, Scan
from worker.errors import RpcError
from worker.protocol.demands import Demand
from worker.protocol.words import Terms
from worker.services.base import Service, StepHook, no_hook
from worker.services.chain_view import Batches, ChainView
from worker.services.provable.lane import DEMANDS
from worker.storage.cursor import CursorStore
from worker.storage.database import Database
from worker.storage.demands import Demanded, DemandStore
from worker.storage.jobs import JobLog, JobStore, PostedJob
from worker.types import Digest, JobKey, Timestamp

log = structlog.get_logger(__name__)

_KEPT = (
    "SeatClaimed",
    "ResultSealed",
    "ResultRevealed",
    "RoundOpened",
    "BatchSettled",
    "BatchClosed",
    "BatchAdvanced",
    "SeatForfeited",
    "OperatorConvicted",
    "OutputDemanded",
)


class Watcher(Service):
    """Follows the head in all lanes. Rows are there at once and count from confirmation depth on;
    what a reorganisation takes back is deleted. Every new head is news."""

    name = "watcher"

    def __init__(
        self,
        scanner: LogScanner,
        database: Database,
        chain: ChainView,
        lanes: Sequence[Batches[Any]],
        period: float,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self.period = period
        self.is_caught_up = False
        self._scanner = scanner
        self._database = database
        self._cursor = CursorStore(database)
        self._window: Mapping[int, bytes] = self._cursor.load()
        self.began = asyncio.Event()
        """Set once the chain is known to be the one that was stored, and deep enough to act upon:
        before, nothing is signed."""
        self._stored: set[tuple[bytes, int]] | None = None  # events of the last scan
        self._jobs = JobStore(database)
        self._demands = DemandStore(database)
        self._chain = chain
        self._lanes = lanes

    async def tick(self) -> bool:
        """Scan on by one bounded step."""
        scan = await self._scanner.scan(self._window)
        fresh = scan.rollback_to is not None or scan.window != self._window
        if fresh:
            self._store(scan)
            self.step("scan_stored")
        self._show(scan, fresh)
        if self._chain.confirmed >= 0:
            self.began.set()
        return not scan.is_caught_up

    def _store(self, scan: Scan) -> None:
        with _believing(scan), self._database.transaction():
            if scan.rollback_to is not None:
                self._jobs.undo_above(scan.rollback_to)
                self._demands.undo_above(scan.rollback_to)
                self._cursor.forget_above(scan.rollback_to)
                self._stored = None
            # The last blocks are read again and again: most of their events are here already.
            stored = self._stored or set()
            events = [event for event in scan.events if _identity(event) not in stored]
            for event in events:
                if event.name == "JobPosted":
                    self._jobs.add_job(posted_job(event))
                elif event.contract == DEMANDS:
                    self._add_demand(event)
            self._jobs.add_logs(job_logs(events))
            self._cursor.save(scan.window)
        if self._stored is not None:
            cursor = max(self._window, default=-1)
            late = sum(event.block_number <= cursor for event in events)
            metrics.late_logs_total.inc(late)
        self._window = scan.window
        self._stored = set(map(_identity, scan.events))

    def _add_demand(self, event: Event) -> None:
        """Keep a demand for a part of a trace, or how one ended."""
        id, block = event.args["id"], event.block_number
        if event.name == "TraceDemanded":
            demand = Demand.of(event.args["demand"])
            self._demands.add(Demanded(id, block, JobKey(event.args["job"]), demand))
        elif event.name in ("DemandAnswered", "DemandClosed"):
            self._demands.end(id, block, event.args.get("data"))

    def _show(self, scan: Scan, fresh: bool) -> None:
        """Tell the other services what time it is and which batches changed."""
        before = self._chain.confirmed
        self._chain.head, self._chain.scanned_to = scan.head, scan.scanned_to
        self.is_caught_up = scan.is_caught_up
        metrics.head_block.set(scan.head.number)
        metrics.scanned_block.set(scan.scanned_to)
        if scan.rollback_to is not None:
            self._chain.rollbacks += 1
            metrics.reorgs_total.inc()
            metrics.reorg_depth_blocks.set(scan.reorg_depth)
            log.warning("reorganisation", depth=scan.reorg_depth, kept=scan.rollback_to)
            for lane in self._lanes:
                lane.forget_all()
        if self._chain.confirmed > before:
            reach = before, self._chain.confirmed
            for job, batch in self._jobs.touched(*reach) | self._demands.touched(*reach):
                for lane in self._lanes:
                    lane.forget(job, batch)
        if fresh and scan.is_caught_up:
            self.news()


@contextmanager
def _believing(scan: Scan) -> Iterator[None]:
    """Blame the endpoint for events that fit their ABI and that no contract of ours could log:
    kinds that do not exist, numbers that no database keeps."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise RpcError(
            f"endpoint sent events up to block {scan.scanned_to} that cannot be"
        ) from error


def _identity(event: Event) -> tuple[bytes, int]:
    return event.block_hash, event.log_index


def posted_job(event: Event) -> PostedJob:
    """Return the job of a JobPosted event."""
    args = event.args
    terms = Terms.unpack(args["a"], args["b"], args["named"], bytes(32))
    return PostedJob(
        job=JobKey(args["job"]),
        service=event.contract,
        block=event.block_number,
        payer=args["payer"],
        a=args["a"],
        b=args["b"],
        named=args["named"],
        nonce=args["nonce"],
        program=Digest(args["program"]),
        inputs=args["inputs"],
        manifest=Digest(args["manifest"]),
        locators=args["locators"],
        ends_at=Timestamp(terms.expiry),
    )


def job_logs(events: Iterable[Event]) -> list[JobLog]:
    """Return the logs that are kept of these events."""
    return [
        JobLog(
            event.block_number, event.log_index, event.name, JobKey(event.args["job"]), event.args
        )
        for event in events
        if event.name in _KEPT
    ]
