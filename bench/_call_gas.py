"""Gas of each call as ever more jobs are open, in both lanes."""

from collections.abc import Sequence
from statistics import mean

from _open_jobs import LANES, OpenJob, OpenJobs

from worker.types import OperatorId

MOST_WARMING = 30
Levels = dict[str, dict[str, dict[str, int]]]
"""Lane, call, open jobs: mean gas."""


def warm_up(source: OpenJobs, sample: int) -> None:
    """Play jobs until every operator was paid for a replicated job and every payer got back what a
    provable one held for its audit: a first credit costs a slot."""
    unpaid: set[OperatorId] = set(source.crowd.operators)
    unrefunded = {payer.address for payer in source.crowd.payers}
    for _ in range(MOST_WARMING):
        unpaid -= {seat for job in _played(source, LANES[0], sample) for seat in job.seats}
        unrefunded -= {job.payer for job in _played(source, LANES[1], sample)}
        if not unpaid and not unrefunded:
            return
    raise RuntimeError("some operators are never drawn")


def _played(source: OpenJobs, lane: str, sample: int) -> list[OpenJob]:
    """Post and play jobs; return those that were settled."""
    _, jobs = _post_and_draw(source, lane, sample)
    source.play(jobs)
    return [job for job in jobs if job.is_settled]


def measure(
    source: OpenJobs, levels: Sequence[int], sample: int
) -> tuple[Levels, dict[str, list[OpenJob]]]:
    """Open jobs up to each level, half in each lane; there post a sample more and play what is
    drawn of it at once.

    Returns the gas, and the jobs that stay open by lane.
    """
    gas: Levels = {lane: {} for lane in LANES}
    opened: dict[str, list[OpenJob]] = {lane: [] for lane in LANES}
    for level in levels:
        for lane in LANES:
            opened[lane] += source.post(lane, level // len(LANES) - len(opened[lane]))[0]
        for lane in LANES:
            post_gas, jobs = _post_and_draw(source, lane, sample)
            for name, used in {"post": post_gas, **source.play(jobs)}.items():
                gas[lane].setdefault(name, {})[str(level)] = round(mean(used))
    return gas, opened


def _post_and_draw(source: OpenJobs, lane: str, sample: int) -> tuple[list[int], list[OpenJob]]:
    """Post jobs until some are drawn; return what each post took, and those."""
    gas: list[int] = []
    while True:
        posted, used = source.post(lane, sample)
        gas += used
        if jobs := source.draw(posted):
            return gas, jobs


def spread(gas: Levels) -> float:
    """Return by how much, at most, a call's gas differs between levels: 0.01 is a hundredth."""
    return max(
        max(by_level.values()) / min(by_level.values()) - 1
        for calls in gas.values()
        for by_level in calls.values()
    )
