"""Judges posted jobs and makes batches ready: nothing is claimed before its blobs are here."""

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
_KEPT_BATCHES = 512
_RETRY_SECONDS = 15

_T = TypeVar("_T")
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
        self._batches: dict[BatchKey, Ready] = {}
        self._wanted: dict[BatchKey, PostedJob] = {}
        self._busy: dict[JobKey | BatchKey, asyncio.Task[None]] = {}
        self._obtaining = asyncio.Lock()
        self._retry_at: dict[JobKey | BatchKey, int] = {}

    def batch(self, job: PostedJob, batch: BatchIndex) -> Ready | None:
        """Return a batch that can run now; otherwise it is made ready from now on."""
        key = (job.job, batch)
        if key not in self._batches and key not in self._wanted:
            self._wanted[key] = job
            self.wake()
        return self._batches.get(key)

    def job(self, job: JobKey) -> Prepared | None:
        """Return what all batches of a job share, once that is here."""
        return self._prepared.get(job)

    async def obtain_job(self, job: PostedJob) -> Prepared:
        """Return what all batches of a job share, made ready now. Raises JobError or
        RetryableError when it cannot be."""
        async with self._obtaining:
            if job.job not in self._prepared:
                self._prepared[job.job] = await self._fetch_job(job)
            return self._prepared[job.job]

    async def obtain(self, job: PostedJob, batch: BatchIndex) -> Ready:
        """Return a batch made ready now, which is not kept for later. Raises as `obtain_job`."""
        if ready := self._batches.get((job.job, batch)):
            return ready
        return await self._fetch_batch(job, await self.obtain_job(job), batch)

    def drop(self, job: JobKey, batch: BatchIndex) -> None:
        """Forget a batch that will not run again."""
        self._batches.pop((job, batch), None)
        self._wanted.pop((job, batch), None)

    async def tick(self) -> bool:
        """Judge new jobs; begin as much fetching as may run at once."""
        self._reap()
        if self._health.may_take(self._desk.lane.service):
            for job in self._desk.open_jobs(JobState.SEEN):
                self._judge(job)
        for key, job in list(self._wanted.items()):
            self._begin(key, self._prepare_batch(job, key[1]))
        return False

    async def close(self) -> None:
        """Stop fetching; what is stored stays."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _judge(self, job: PostedJob) -> None:
        operator = self._desk.identity.operator
        reason = refuse_posting(self._policy, terms_of(job), job.program, job.payer, operator)
        if reason is None:
            self._begin(job.job, self._prepare_job(job))
        else:
            self._refuse(job, reason, "")

    def _begin(self, key: JobKey | BatchKey, work: Coroutine[Any, Any, None]) -> None:
        too_early = self._retry_at.get(key, 0) > self._chain.now
        if key in self._busy or len(self._busy) >= _AT_ONCE or too_early:
            work.close()
            return
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self.wake())
        self._busy[key] = task

    def _reap(self) -> None:
        """Take what has finished; a bug in it surfaces here and ends the task group."""
        for key, task in list(self._busy.items()):
            if task.done():
                del self._busy[key]
                task.result()
                self.news()

    async def _prepare_job(self, job: PostedJob) -> None:
        if await self._shared(job) is not None:
            self._store.set_state(job.job, JobState.READY)
            self.step("job_ready")

    async def _prepare_batch(self, job: PostedJob, batch: BatchIndex) -> None:
        shared = await self._shared(job)
        if shared is None:
            return
        work = self._fetch_batch(job, shared, batch)
        prepared = await self._try(job, (job.job, batch), work)
        if prepared is not None:
            self._keep((job.job, batch), prepared)

    def _keep(self, key: BatchKey, prepared: Ready) -> None:
        self._wanted.pop(key, None)
        self._batches[key] = prepared
        while len(self._batches) > _KEPT_BATCHES:
            self._batches.pop(next(iter(self._batches)))

    async def _shared(self, job: PostedJob) -> Prepared | None:
        if job.job not in self._prepared:
            prepared = await self._try(job, job.job, self._fetch_job(job))
            if prepared is not None:
                self._prepared[job.job] = prepared
        return self._prepared.get(job.job)

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

    async def _try(
        self, job: PostedJob, key: JobKey | BatchKey, work: Coroutine[Any, Any, _T]
    ) -> _T | None:
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
            if isinstance(key, tuple):
                self._wanted.pop(key, None)
        return None

    def _refuse(self, job: PostedJob, reason: Reason, detail: str) -> None:
        self._store.set_state(
            job.job, JobState.REFUSED, f"{reason}: {detail}" if detail else reason
        )
        self._store.count_refusal(job.job, reason, self._chain.now)
        log.info("job refused", job=job.job, reason=reason, detail=detail)
