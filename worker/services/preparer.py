"""Judges posted jobs and makes batches ready: nothing is claimed before its blobs are here.

Most jobs are drawn for others, so a job's blobs are fetched once somebody asks for a batch of it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import structlog

from worker.errors import ExecutionFailedError, FetchError, JobError, RetryableError
from worker.health import Health
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk
from worker.services.lane import BatchKey
from worker.services.policy import PolicyConfig, Reason, refuse_posting
from worker.services.terms import terms_of
from worker.storage.jobs import JobState, PostedJob
from worker.storage.locators import decode_locators
from worker.types import BatchIndex, JobKey, TaskIndex, Timestamp
from worker.work.prepare import Effort, JobSource

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_JUDGED_AT_ONCE = 256
_KEPT_BATCHES = 512
_RETRY_SECONDS = 15

_T = TypeVar("_T")
_K = TypeVar("_K")
_V = TypeVar("_V")
Prepared = TypeVar("Prepared", bound="HasEffort")
Ready = TypeVar("Ready")
Made = TypeVar("Made", covariant=True)

Endpoints = Callable[[PostedJob], Coroutine[Any, Any, tuple[str, ...]]]
"""Gives further locators of a job's blobs, such as other operators'."""


class HasEffort(Protocol):
    """What is known of any prepared job."""

    @property
    def effort(self) -> Effort:
        """What a task takes at most."""


class Preparing(Protocol[Prepared, Made]):
    """Prepares jobs and batches of one kind; see `worker.work.prepare.Preparer`."""

    async def prepare_job(self, source: JobSource, keep_until: Timestamp) -> Prepared:
        """Fetch and check what all batches share."""

    async def prepare_batch(
        self, job: Prepared, first: TaskIndex, count: int, keep_until: Timestamp
    ) -> Made:
        """Fetch the inputs of some tasks."""


class PrepareService(Service, Generic[Prepared, Ready]):
    """Fetches in the background; it is news when something became ready."""

    name = "preparer"

    def __init__(
        self,
        desk: Desk[Any],
        preparer: Preparing[Prepared, Ready],
        policy: PolicyConfig,
        health: Health,
        endpoints: Endpoints,
        serve_seconds: int,
        on_step: StepHook = no_hook,
    ) -> None:
        """What was fetched is kept for `serve_seconds` after a job's expiry."""
        super().__init__(on_step)
        self.name = desk.lane.prefix + self.name
        self._desk = desk
        self._chain = desk.chain
        self._store = desk.jobs
        self._preparer = preparer
        self._policy = policy
        self._health = health
        self._endpoints = endpoints
        self._serve_seconds = serve_seconds
        self._prepared: dict[JobKey, Prepared] = {}
        self._batches: dict[BatchKey, tuple[Prepared, Ready]] = {}
        self._wanted: dict[BatchKey, PostedJob] = {}
        self._busy: dict[BatchKey, asyncio.Task[None]] = {}
        self._obtaining = asyncio.Lock()
        self._retry_at: dict[BatchKey, int] = {}

    def batch(self, job: PostedJob, batch: BatchIndex) -> Ready | None:
        """Return a batch that can run now; otherwise it is made ready from now on."""
        key = (job.job, batch)
        if key in self._batches:
            return self._batches[key][1]
        if key not in self._wanted:
            self._wanted[key] = job
            self.wake()
        return None

    def effort(self, job: JobKey, batch: BatchIndex) -> Effort:
        """Return what a task takes at most, of a batch that can run now."""
        return self._batches[job, batch][0].effort

    async def obtain_job(self, job: PostedJob) -> Prepared:
        """Return what all batches of a job share, made ready now. Raises JobError or
        RetryableError when it cannot be."""
        async with self._obtaining:
            return await self._shared(job)

    async def obtain(self, job: PostedJob, batch: BatchIndex) -> Ready:
        """Return a batch made ready now, which is not kept for later. Raises as `obtain_job`."""
        if kept := self._batches.get((job.job, batch)):
            return kept[1]
        return await self._fetch_batch(job, await self.obtain_job(job), batch)

    def drop(self, job: JobKey, batch: BatchIndex) -> None:
        """Forget a batch that will not run again."""
        self._batches.pop((job, batch), None)
        self._give_up((job, batch))

    async def tick(self) -> bool:
        """Begin as much fetching as may run at once; judge new jobs, whether more are waiting."""
        self._reap()
        for key, job in list(self._wanted.items()):
            if job.ends_at <= self._chain.now:
                self._give_up(key)
            elif len(self._busy) < _AT_ONCE:
                self._begin(key, job)
        return self._health.may_take(self._desk.lane.service) and self._judge_new()

    async def close(self) -> None:
        """Stop fetching; what is stored stays."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _judge_new(self) -> bool:
        """Judge a bounded number of new jobs in one durable step; return whether more wait."""
        jobs = self._desk.new_jobs(_JUDGED_AT_ONCE)
        if not jobs:
            return False
        with self._desk.outbox.transaction():
            for job in jobs:
                self._judge(job)
        self.step("job_ready")
        self.news()
        return len(jobs) == _JUDGED_AT_ONCE

    def _judge(self, job: PostedJob) -> None:
        operator = self._desk.identity.operator
        reason = refuse_posting(self._policy, terms_of(job), job.program, job.payer, operator)
        if reason is None:
            self._store.set_state(job.job, JobState.READY)
        else:
            self._refuse(job, reason, "")

    def _begin(self, key: BatchKey, job: PostedJob) -> None:
        if key in self._busy or self._retry_at.get(key, 0) > self._chain.now:
            return
        task = asyncio.create_task(self._prepare_batch(job, key[1]))
        task.add_done_callback(lambda _: self.wake())
        self._busy[key] = task

    def _reap(self) -> None:
        """Take what has finished; a bug in it surfaces here and ends the task group."""
        for key, task in list(self._busy.items()):
            if task.done():
                del self._busy[key]
                task.result()
                self.news()

    async def _prepare_batch(self, job: PostedJob, batch: BatchIndex) -> None:
        key = (job.job, batch)
        shared = await self._try(job, key, self._shared(job))
        if shared is None:
            return
        prepared = await self._try(job, key, self._fetch_batch(job, shared, batch))
        if prepared is not None:
            self._give_up(key)
            self._batches[key] = shared, prepared
            _bound(self._batches, _KEPT_BATCHES)

    def _give_up(self, key: BatchKey) -> None:
        """Want a batch no more: it is here, or not needed."""
        self._wanted.pop(key, None)
        self._retry_at.pop(key, None)

    async def _shared(self, job: PostedJob) -> Prepared:
        if job.job not in self._prepared:
            self._prepared[job.job] = await self._fetch_job(job)
            _bound(self._prepared, _KEPT_BATCHES)
        return self._prepared[job.job]

    async def _fetch_job(self, job: PostedJob) -> Prepared:
        locators = decode_locators(job.locators) + await self._endpoints(job)
        source = JobSource(job.manifest, job.program, job.inputs, terms_of(job).tasks, locators)
        return await self._preparer.prepare_job(source, self._keep_until(job))

    async def _fetch_batch(self, job: PostedJob, shared: Prepared, batch: BatchIndex) -> Ready:
        tasks = terms_of(job).tasks_in(batch)
        return await self._preparer.prepare_batch(
            shared, TaskIndex(tasks.start), len(tasks), self._keep_until(job)
        )

    def _keep_until(self, job: PostedJob) -> Timestamp:
        return Timestamp(job.ends_at + self._serve_seconds)

    async def _try(self, job: PostedJob, key: BatchKey, work: Coroutine[Any, Any, _T]) -> _T | None:
        """Return what `work` prepared; refuse the job for good or try again later if it fails."""
        try:
            return await work
        except (RetryableError, ExecutionFailedError) as error:
            self._retry_at[key] = self._chain.now + _RETRY_SECONDS
            if isinstance(error, FetchError):
                self._store.count_refusal(job.job, Reason.UNAVAILABLE, self._chain.now)
            log.info("not ready yet", job=job.job, error=str(error))
        except JobError as error:
            self._refuse(job, Reason.UNUSABLE, str(error))
            self._give_up(key)
        return None

    def _refuse(self, job: PostedJob, reason: Reason, detail: str) -> None:
        self._store.set_state(
            job.job, JobState.REFUSED, f"{reason}: {detail}" if detail else reason
        )
        self._store.count_refusal(job.job, reason, self._chain.now)
        log.info("job refused", job=job.job, reason=reason, detail=detail)


def _bound(kept: dict[_K, _V], most: int) -> None:
    """Forget what was kept longest, so that `most` are left."""
    while len(kept) > most:
        kept.pop(next(iter(kept)))
