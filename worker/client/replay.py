"""A job as its events tell it: pure, so that what is shown can be tested without a chain."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from worker.chain.contracts import Event
from worker.client.lane import Lane
from worker.client.provable_view import PROVABLE
from worker.client.replicated_view import REPLICATED
from worker.client.steps import Telling, posted
from worker.client.view import BatchView, JobView
from worker.errors import NotFoundError

_TELLINGS: dict[str, Telling[Any]] = {Lane.REPLICATED: REPLICATED, Lane.PROVABLE: PROVABLE}


def replay(events: Iterable[Event], now: int) -> JobView:
    """Return the job that these events of it tell, `now` in chain time; those of provable jobs
    have times. Raises NotFoundError."""
    job: JobView | None = None
    telling: Telling[Any] = REPLICATED
    batches: dict[int, BatchView] = {}
    for event in events:
        if event.name == "JobPosted":
            telling = _TELLINGS[event.contract]
            job = posted(event, telling.view)
            batches = {batch.index: batch for batch in job.batches}
        elif job is not None and (step := telling.steps.get(event.name)):
            index = event.args["batch"]
            after = step(batches[index], event, job.terms)
            batches[index] = replace(after, changed_in=event.block_number)
    if job is None:
        raise NotFoundError("no such job on this chain")
    named = (
        batch if batch.is_final else telling.at(batch, job.terms, now) for batch in batches.values()
    )
    return replace(job, batches=tuple(named))
