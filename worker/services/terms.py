"""Terms and tasks as a stored posting fixed them."""

from functools import lru_cache

from worker.protocol.words import Origin, Terms
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, TaskIndex


@lru_cache(maxsize=1024)
def terms_of(job: PostedJob) -> Terms:
    """Return the terms that a posting fixed."""
    origin = Origin(job.nonce, job.program, job.inputs, job.manifest)
    return Terms.unpack(job.a, job.b, job.named, origin.digest(job.payer))


def tasks_of(terms: Terms, batch: BatchIndex, mask: int) -> list[TaskIndex]:
    """Return the job's task indexes for a batch's mask, ascending."""
    return [TaskIndex(task) for bit, task in enumerate(terms.tasks_in(batch)) if mask >> bit & 1]
