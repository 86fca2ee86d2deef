"""Which of this worker's results may be seen: those that nobody can copy any more."""

from collections.abc import Sequence
from typing import Any

from worker.services.desk import Desk
from worker.types import BatchIndex, Digest, JobKey, TaskIndex


class Outputs:
    """Guards outputs until their lane lets them be seen. Other blobs are public."""

    def __init__(self, desks: Sequence[Desk[Any]]) -> None:
        """All lanes' desks, over one database."""
        self._desks = {desk.lane.service: desk for desk in desks}
        self._seats = desks[0].seats
        self._jobs = desks[0].jobs

    async def is_public(self, digest: Digest) -> bool:
        """Whether a blob may be served: it is no output of a batch that is still open."""
        batches = self._seats.batches_with_bundle(digest)
        return not batches or any(self._is_open(job, batch) for job, batch in batches)

    async def result(self, job: JobKey, task: TaskIndex) -> bytes | None:
        """Return a task's document once it may be seen; see ResultSource."""
        for record in self._seats.records(job, [task]):
            if self._is_open(job, record.batch):
                return record.document
        return None

    def _is_open(self, job: JobKey, batch: BatchIndex) -> bool:
        posted = self._jobs.get(job)
        desk = self._desks.get(posted.service) if posted else None
        return desk is not None and any(map(desk.may_show, self._seats.of_batch(job, batch)))
