"""What time brings, and what anybody may do about it: no state with money in it waits for ever."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass

from tests.adversaries.ledger import BatchKey, Ledger
from tests.adversaries.replicated import ReplicatedBatch
from worker.client.wallet import Wallet
from worker.errors import RevertedError
from worker.protocol.provable_words import Fate, Phase, ProvableBatch, SeatKind
from worker.protocol.words import Terms

_GRACE = 5
"""Seconds that those with a seat have to crank before a stranger pays for it."""

_OWING = {
    Phase.RUNNING: (SeatKind.OPERATOR,),
    Phase.AUDIT_RUNNING: (SeatKind.AUDITOR,),
    Phase.REVEAL: tuple(SeatKind),
}
"""In which phases the batch waits for which seats."""


@dataclass(frozen=True)
class Due:
    """A batch that is not over. Before `idle_until` nothing can happen in it (None: something may
    at any time); from `crank_at` on anybody may end what it waits for by `crank`."""

    batch: BatchKey
    idle_until: int | None = None
    crank: str | None = None
    crank_at: int = 0


async def find_dues(ledger: Ledger, wallet: Wallet, honest: Collection[int], now: int) -> list[Due]:
    """Return what each open batch waits for."""
    keys = ledger.open_batches
    provable = [key for key in keys if ledger.jobs[key[0]].service == "ProvableJobs"]
    calls = [("batch_of", key) for key in provable]
    words = await wallet.contracts.read("ProvableJobs", calls, "latest") if calls else []
    by_key = dict(zip(provable, map(ProvableBatch.unpack, words), strict=True))
    dues = []
    for key in keys:
        terms = ledger.jobs[key[0]].terms
        if key in by_key:
            dues.append(_provable(key, terms, by_key[key], honest))
        else:
            batch = ledger.replicated.get(key) or ReplicatedBatch(terms, key[1])
            dues.append(_replicated(key, batch, honest, now))
    return dues


def idle_until(dues: Collection[Due]) -> int | None:
    """Return until when nothing at all can happen; None while something may."""
    times = [due.idle_until for due in dues]
    return min((time for time in times if time is not None), default=None) if all(times) else None


async def crank(dues: Collection[Due], ledger: Ledger, wallet: Wallet, now: int) -> None:
    """Crank what nobody else does, from the stranger's own gas money."""
    for due in dues:
        if due.crank is None or now < due.crank_at + _GRACE:
            continue
        job = ledger.jobs[due.batch[0]]
        batch = [due.batch[1]] if due.crank == "expire" else due.batch[1]
        with contextlib.suppress(RevertedError):  # somebody was faster
            await wallet.send(job.service, due.crank, job.terms.members(), batch)
    for loan in list(ledger.loans.values()):
        if loan.is_trace and now >= loan.due + _GRACE:  # payers close demands for outputs
            with contextlib.suppress(RevertedError):
                terms = ledger.jobs[loan.job].terms
                await wallet.send("Demands", "close", terms.members(), loan.demand)


def _replicated(key: BatchKey, batch: ReplicatedBatch, honest: Collection[int], now: int) -> Due:
    clock, terms = batch.terms.clock(batch.opened_at), batch.terms
    wanted = terms.grown_seats if batch.base else terms.seats
    if len(batch.seats) < wanted:
        if now < clock.claim_until or batch.base:
            return Due(key)
        over = clock.claim_until + terms.claim  # until then the payer may raise the price
        return Due(key, over, "expire", over)
    running = set(range(batch.base, wanted))
    unsealed = running - batch.sealed
    if unsealed and now < clock.run_until:
        return Due(key) if _any(unsealed, batch, honest) else Due(key, clock.run_until)
    unopened = (running & batch.sealed) - set(batch.opened)
    if not unopened or _any(unopened, batch, honest):
        return Due(key)
    return Due(key, clock.reveal_until)


def _any(seats: Collection[int], batch: ReplicatedBatch, honest: Collection[int]) -> bool:
    return any(batch.seats[seat] in honest for seat in seats)


def _provable(key: BatchKey, terms: Terms, word: ProvableBatch, honest: Collection[int]) -> Due:
    until = word.until(terms)
    if word.phase is Phase.SEALED and word.seat(SeatKind.OPERATOR) not in honest:
        return Due(key, None, "advance", word.since)  # refused until the draw is known
    if until is None or word.phase is Phase.CHALLENGE:
        return Due(key)
    if word.phase is Phase.OPEN:
        return Due(key, None, "expire", until)
    owing = [
        word.seat(kind) for kind in _OWING.get(word.phase, ()) if word.fates[kind] is Fate.IN_PLAY
    ]
    is_busy = not owing or any(one in honest for one in owing)
    return Due(key, None if is_busy else until, "advance", until)
