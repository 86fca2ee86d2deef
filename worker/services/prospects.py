"""Which jobs a claimer looks at: those in which this operator may still get a seat.

Of thousands of open jobs few are drawn for one operator. What was looked at in vain is set aside,
and comes back when seats are drawn anew: a look costs as much as what is new or promising.
"""

from typing import Any

from worker.services.desk import Desk
from worker.services.draws import Draw
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, JobKey

DrawKey = tuple[BatchIndex | None, int]
"""Batch (None for all first rounds of a job), and when the round opened."""


class Prospects:
    """The promising ones among a lane's ready jobs, and what is known of their draws."""

    def __init__(self, desk: Desk[Any]) -> None:
        self.draws: dict[JobKey, dict[DrawKey, list[Draw]]] = {}
        self._desk = desk
        self._jobs: dict[JobKey, PostedJob] = {}
        self._row = 0  # of the last job that was met
        self._read_to = 0  # the block up to which new draws were met
        self._rollbacks = desk.chain.rollbacks

    def look(self) -> list[PostedJob]:
        """Return the jobs to look at now, the oldest first but for those that came back."""
        chain, store, lane = self._desk.chain, self._desk.jobs, self._desk.lane
        if self._rollbacks != chain.rollbacks:  # what was drawn may be drawn otherwise
            self._jobs.clear()
            self.draws.clear()
            self._row, self._read_to, self._rollbacks = 0, 0, chain.rollbacks
        for row, job in store.ready_after(lane.service, self._row, chain.confirmed, chain.now):
            self._jobs[job.job], self._row = job, row
        if chain.confirmed > self._read_to:
            anew = store.ready_with(lane.service, lane.drawn_anew, self._read_to, chain.confirmed)
            self._jobs.update({job.job: job for job in anew})
            self._read_to = chain.confirmed
        for ended in [job for job in self._jobs.values() if job.ends_at <= chain.now]:
            self.set_aside(ended.job)
        return list(self._jobs.values())

    def set_aside(self, job: JobKey) -> None:
        """Look at a job no more until seats of it are drawn anew."""
        self._jobs.pop(job, None)
        self.draws.pop(job, None)

    def bring_back(self, job: PostedJob) -> None:
        """Look at a job again as if it were new."""
        self._jobs[job.job] = job
        self.draws.pop(job.job, None)
