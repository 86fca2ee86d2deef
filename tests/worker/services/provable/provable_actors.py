"""A provable job, its batch's words, and a desk of its lane; the chain is what a test says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.worker.services.service_actors import BATCH, JOB, ME, TERMS, open_desk, posted, seat
from worker.protocol.provable_words import Fate, Phase, ProvableBatch
from worker.services.desk import Desk
from worker.services.provable.lane import SERVICE, ProvableLane, Turn
from worker.storage.jobs import PostedJob
from worker.storage.seats import Seat
from worker.types import OperatorId, Seconds, Timestamp

OTHER = OperatorId(2)
PROVABLE = replace(TERMS, seats=1, max_seats=1, challenge=Seconds(90), audit_bps=1_000)
SINCE = 2_000
BOTH = ((ME, OTHER), (OperatorId(0), OperatorId(0)), (OperatorId(0), OperatorId(0)))
ALONE = ((ME, OperatorId(0)), *BOTH[1:])


def provable_job() -> PostedJob:
    """Return the job as the watcher stores it."""
    return replace(posted(terms=PROVABLE), service=SERVICE)


def word(phase: Phase, **changes: Any) -> ProvableBatch:
    """Return a batch whose two seats are ours, then operator 2's, in a phase that began at 2000."""
    fates = (Fate.IN_PLAY, Fate.IN_PLAY)
    known = ProvableBatch(BOTH, phase, 0, False, False, fates, (0, 0), SINCE, 50)
    return replace(known, **changes)


def turn(phase: Phase, **changes: Any) -> Turn:
    """Return a batch's round with such a word."""
    return Turn(PROVABLE, BATCH, word(phase, **changes))


def open_provable(
    folder: Path, round_: Turn | None = None, now: int = SINCE, job: PostedJob | None = None
) -> Desk[Turn]:
    """Return a desk that shows one round of the first batch, confirmed and latest."""
    known = open_desk(folder)
    desk = Desk(known.identity, known.chain, ProvableLane(), known.jobs, known.seats, known.outbox)
    assert desk.chain.head is not None
    desk.chain.head = replace(desk.chain.head, timestamp=Timestamp(now))
    desk.jobs.add_job(job or provable_job())
    if round_ is not None:
        show(desk, round_)
    return desk


def show(desk: Desk[Turn], round_: Turn, latest: Turn | None = None) -> None:
    """Have the chain show a round at confirmation depth, and another in the newest block."""
    desk.batches._confirmed[JOB, BATCH] = round_
    desk.batches._latest[JOB, BATCH] = latest or round_
    desk.batches._latest_at = desk.chain.head


def listen(desk: Desk[Turn]) -> list[tuple[str, list[Any]]]:
    """Return the list of what the desk will have been asked to send: verb and arguments."""
    sent: list[tuple[str, list[Any]]] = []
    encoded: list[Any] = []

    def encode(_: str, *args: Any) -> bytes:
        encoded[:] = args
        return b""

    def propose(verb: str, *_: Any, **__: Any) -> None:
        sent.append((str(verb), list(encoded)))

    desk.encode = encode  # type: ignore[method-assign]
    desk.propose = propose  # type: ignore[method-assign,assignment]
    return sent


__all__ = ["BATCH", "JOB", "ME", "Fate", "Phase", "Seat", "seat"]
