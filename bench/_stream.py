"""A crowd at work in real time: each block some jobs are posted, and others a step further on."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from _crowd import Call
from _open_jobs import LANES, OpenJob, OpenJobs

_STEPS = ("claim", "seal", "reveal", "settle")


@dataclass
class Stream:
    """Moves `jobs`, all drawn, through their steps: `rate` of each lane begin in every block.

    Provable jobs stop after their openings: their challenge is longer than the stream.
    """

    source: OpenJobs
    jobs: dict[str, deque[OpenJob]]
    rate: int
    sent: int = 0
    _stages: dict[str, list[list[OpenJob]]] = field(default_factory=dict)

    def run(self, seconds: float) -> None:
        """Send a block's worth of transactions after each new block, for so many seconds."""
        ends_at, seen = time.monotonic() + seconds, -1
        while time.monotonic() < ends_at:
            head = int(self.source.crowd.ask(("eth_blockNumber", []))[0], 16)
            if head == seen:
                time.sleep(0.02)  # the node tells nobody of a block over HTTP
                continue
            seen = head
            calls = [call for lane in LANES for call in self._step(lane)]
            self.source.crowd.send(calls)
            self.sent += len(calls)

    def _step(self, lane: str) -> list[Call]:
        """Return a block's calls of one lane."""
        steps = _STEPS if lane == LANES[0] else _STEPS[:-1]
        stages = self._stages.setdefault(lane, [[] for _ in steps])
        waiting = self.jobs[lane]
        entering = [waiting.popleft() for _ in range(min(self.rate, len(waiting)))]
        stages.insert(0, entering)
        stages.pop()
        calls = [call for call, _ in self.source.plan(lane, self.rate)]
        for step, jobs in zip(steps, stages, strict=True):
            calls += self.source.calls(step, jobs)
        return calls


def drawn(source: OpenJobs, posted: Sequence[OpenJob], wanted: int) -> deque[OpenJob]:
    """Return `wanted` jobs whose seats can be taken at once, in their order."""
    found: deque[OpenJob] = deque()
    for start in range(0, len(posted), wanted):
        found += source.draw(posted[start : start + wanted])
        if len(found) >= wanted:
            break
    return deque(list(found)[:wanted])
