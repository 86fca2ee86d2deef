"""Which of this worker's results may be seen: those of settled batches, nothing before."""

from worker.services.desk import Desk
from worker.services.rounds import terms_of
from worker.storage.seats import Seat, SeatState
from worker.types import BatchIndex, Digest, JobKey, TaskIndex


class Outputs:
    """Guards outputs until nobody can copy them any more. Other blobs are public."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def is_public(self, digest: Digest) -> bool:
        """Whether a blob may be served: it is no output of a batch that is still open."""
        batches = self._desk.seats.batches_with_bundle(digest)
        return not batches or any(self._is_open(job, batch) for job, batch in batches)

    async def result(self, job: JobKey, task: TaskIndex) -> bytes | None:
        """Return a task's record document once its batch is settled; see ResultSource."""
        for record in self._desk.seats.records(job, [task]):
            if self._is_open(job, record.batch):
                return record.document
        return None

    def _is_open(self, job: JobKey, batch: BatchIndex) -> bool:
        return any(self._may_show(seat) for seat in self._desk.seats.of_batch(job, batch))

    def _may_show(self, seat: Seat) -> bool:
        """Settled, or opened by a single seat, whose payer must see it to accept."""
        if seat.state is SeatState.REVEALED:
            posted = self._desk.jobs.get(seat.key.job)
            return posted is not None and terms_of(posted).seats == 1
        return seat.state in (SeatState.SETTLED, SeatState.LOST)
