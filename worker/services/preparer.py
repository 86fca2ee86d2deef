"""Judges posted jobs and makes batches ready: nothing is claimed before its blobs are here."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from worker.errors import ExecutionFailedError, FetchError, JobError, RetryableError
from worker.services.base import Service, StepHook, no_hook
from worker.services.policy import PolicyConfig, Reason, refuse_posting
from worker.services.rounds import ChainView, terms_of
from worker.storage.jobs import JobState, JobStore, PostedJob
from worker.storage.locators import decode_locators
from worker.types import BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp
from worker.work.prepare import JobSource, PreparedBatch, PreparedJob, Preparer

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_KEPT_BATCHES = 512
_RETRY_SECONDS = 15

_T = TypeVar("_T")

BatchKey = tuple[JobKey, BatchIndex]


class PrepareService(Service):
    """Fetches in the background; it is news when something became ready."""

    name = "preparer"

    def __init__(
        self,
        preparer: Preparer,
        chain: ChainView,
        jobs: JobStore,
        policy: PolicyConfig,
        operator: OperatorId,
        endpoints: Callable[[PostedJob], Coroutine[Any, Any, tuple[str, ...]]],
        on_step: StepHook = no_hook,
    ) -> None:
        """`endpoints` gives further locators of a job's blobs, such as other operators'."""
        super().__init__(on_step)
        self._preparer = preparer
        self._chain = chain
        self._store = jobs
        self._policy = policy
        self._operator = operator
        self._endpoints = endpoints
        self._prepared: dict[JobKey, PreparedJob] = {}
        self._batches: dict[BatchKey, PreparedBatch] = {}
        self._wanted: dict[BatchKey, PostedJob] = {}
        self._busy: dict[JobKey | BatchKey, asyncio.Task[None]] = {}
        self._retry_at: dict[JobKey | BatchKey, int] = {}

    def batch(self, job: PostedJob, batch: BatchIndex) -> PreparedBatch | None:
        """Return a batch that can run now; otherwise it is made ready from now on."""
        key = (job.job, batch)
        if key not in self._batches and key not in self._wanted:
            self._wanted[key] = job
            self.wake()
        return self._batches.get(key)

    def job(self, job: JobKey) -> PreparedJob | None:
        """Return what all batches of a job share, once that is here."""
        return self._prepared.get(job)

    def drop(self, job: JobKey, batch: BatchIndex) -> None:
        """Forget a batch that will not run again."""
        self._batches.pop((job, batch), None)
        self._wanted.pop((job, batch), None)

    async def tick(self) -> bool:
        """Judge new jobs; begin as much fetching as may run at once."""
        self._reap()
        for job in self._store.open_jobs(JobState.SEEN, self._chain.confirmed, self._chain.now):
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
        reason = refuse_posting(self._policy, terms_of(job), job.program, job.payer, self._operator)
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
        tasks = terms_of(job).tasks_in(batch)
        prepared = await self._try(
            job,
            (job.job, batch),
            self._preparer.prepare_batch(shared, TaskIndex(tasks.start), len(tasks), job.ends_at),
        )
        if prepared is not None:
            self._keep((job.job, batch), prepared)

    def _keep(self, key: BatchKey, prepared: PreparedBatch) -> None:
        self._wanted.pop(key, None)
        self._batches[key] = prepared
        while len(self._batches) > _KEPT_BATCHES:
            self._batches.pop(next(iter(self._batches)))

    async def _shared(self, job: PostedJob) -> PreparedJob | None:
        if job.job not in self._prepared:
            locators = decode_locators(job.locators) + await self._endpoints(job)
            source = JobSource(job.manifest, job.program, job.inputs, terms_of(job).tasks, locators)
            work = self._preparer.prepare_job(source, Timestamp(job.ends_at))
            prepared = await self._try(job, job.job, work)
            if prepared is not None:
                self._prepared[job.job] = prepared
        return self._prepared.get(job.job)

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
