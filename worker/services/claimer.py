"""Takes seats: batches that the tickets win, the policy accepts and this host could run at once."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import structlog

from worker.health import Health
from worker.protocol.outbox import OutboxEntry, TxState
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb
from worker.services.draws import Draw, draw
from worker.services.lane import Running
from worker.services.load import Load
from worker.services.policy import (
    Offer,
    PolicyConfig,
    claims_late,
    proof_for,
    refuse_round,
    run_seconds,
)
from worker.services.preparer import PrepareService
from worker.services.prospects import DrawKey, Prospects
from worker.services.terms import terms_of
from worker.storage.jobs import JobState, PostedJob
from worker.storage.seats import Seat, SeatKey, SeatState
from worker.types import BatchIndex, JobKey, OperatorId, Timestamp
from worker.work.prepare import Effort

log = structlog.get_logger(__name__)

_TRIES = 5
_HELD = (
    SeatState.CLAIMED,
    SeatState.RUNNING,
    SeatState.RAN,
    SeatState.SEALED,
    SeatState.REVEALED,
    SeatState.MISSED,
)
_PASSING = ("jobs: not drawn", "jobs: seed pending", "staking: too little free stake")


class Claimer(Service):
    """Claims at the earliest moment a ticket allows, while the worker is ready for new work. A lost
    race is no error."""

    name = "claimer"

    def __init__(
        self,
        desk: Desk[Any],
        preparer: PrepareService[Any, Any],
        policy: PolicyConfig,
        load: Load,
        health: Health,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self.name = desk.lane.prefix + self.name
        self._desk = desk
        self._preparer = preparer
        self._policy = policy
        self._load = load
        self._health = health
        self._prospects = Prospects(desk)

    async def tick(self) -> bool:
        """See what became of claims; then make those that are due."""
        claiming = self._desk.held(SeatState.CLAIMING)
        for seat, entry in self._desk.settled(Verb.CLAIM, claiming):
            self._follow(seat, entry)
        self._drop_taken_back()
        if not self._health.may_take(self._desk.lane.service):
            return False
        for job in self._prospects.look():
            if not self._load.room:
                if any(self._prospects.draws.get(job.job, {}).values()):
                    self._desk.jobs.count_refusal(job.job, "at_capacity", self._desk.chain.now)
                break
            if not await self._consider(job):
                self._prospects.set_aside(job.job)
        return False

    def _drop_taken_back(self) -> None:
        """Give up seats whose claim was final until a reorganisation put another's before it."""
        held = self._desk.held(*_HELD)
        for verb, is_late in (Verb.CLAIM, False), (Verb.SEAL, True):
            seats = [seat for seat in held if seat.claims_late is is_late]
            for seat, entry in self._desk.settled(verb, seats):
                reason = entry.reason or "not mined"
                if entry.state is TxState.FINAL or self._desk.lane.sealed_before in reason:
                    continue
                log.warning("seat lost to a reorganisation", seat=seat.key.name, reason=reason)
                self._desk.seats.move(seat.key, SeatState.VOID, reason)

    def _follow(self, seat: Seat, entry: OutboxEntry) -> None:
        if entry.state is TxState.FINAL:
            self._desk.seats.move(seat.key, SeatState.CLAIMED)
            self.step("claimed")
            self.news()
            return
        log.info("claim not granted", seat=seat.key.name, reason=entry.reason)
        self._desk.seats.move(seat.key, SeatState.VOID, entry.reason)
        self._prospects.bring_back(self._desk.job(seat.key))  # it may be worth another try

    async def _consider(self, job: PostedJob) -> bool:
        """Claim what is due in the job's first rounds, and where batches were drawn anew. Return
        whether anything may be due later."""
        terms = terms_of(job)
        jobs, chain = self._desk.jobs, self._desk.chain
        if jobs.state(job.job) is not JobState.READY:  # found unusable, or its posting is gone
            return False
        anew = jobs.batches_with(job.job, *self._desk.lane.drawn_anew, up_to=chain.confirmed)
        is_waiting = False
        if chain.now < terms.clock(0).claim_until:
            is_waiting = await self._consider_first(job, anew)
        await self._desk.batches.confirmed_all([(job, batch) for batch in anew])
        for batch in anew:
            is_waiting |= await self._consider_anew(job, batch)
        return is_waiting

    async def _consider_first(self, job: PostedJob, anew: set[BatchIndex]) -> bool:
        terms = terms_of(job)
        ended = self._desk.jobs.batches_with(
            job.job, "BatchSettled", "BatchClosed", up_to=self._desk.chain.confirmed
        )
        first = self._desk.lane.first_round(terms, BatchIndex(0))
        if proof_for(self._policy, first, self._operator) is None:
            return False
        batches = map(BatchIndex, range(terms.batches))
        draws = await self._draw((None, first.clock.opened_at), job, first, batches)
        if not draws:
            return draws is None
        known = self._desk.seats.in_job(job.job)
        over = anew | ended
        dues = [
            (due, known.get(SeatKey(job.job, due.batch, first.number)))
            for due in draws
            if due.batch not in over
        ]
        await self._look(job, [due.batch for due, old in dues if old is None])
        for due, old in dues:
            await self._approach(job, due, first, old)
        return True

    async def _draw(
        self, key: DrawKey, job: PostedJob, round_: Running, batches: Iterable[BatchIndex]
    ) -> list[Draw] | None:
        """Return what of the batches this operator's tickets win and it has not seen taken; None
        while that is not drawn."""
        known = self._prospects.draws.setdefault(job.job, {})
        if key not in known:
            drawn = await draw(
                self._desk.chain, self._desk.lane, job, round_, batches, self._operator
            )
            if drawn is None:
                return None
            known[key] = drawn
        return known[key]

    async def _look(self, job: PostedJob, batches: Sequence[BatchIndex]) -> None:
        """Read at once the rounds of those that may be claimed now, as far as there is room."""
        room = self._load.room
        ready = (one for one in batches if room and self._preparer.batch(job, one) is not None)
        await self._desk.batches.latest_all([(job, batch) for batch in islice(ready, room)])

    async def _consider_anew(self, job: PostedJob, batch: BatchIndex) -> bool:
        round_ = await self._desk.batches.confirmed(job, batch)
        if round_.is_final or round_.is_filled or round_.by_job_seed:
            return False
        if self._desk.chain.now >= round_.clock.claim_until or round_.holds(self._operator):
            return False
        if proof_for(self._policy, round_, self._operator) is None:
            return False
        draws = await self._draw((batch, round_.clock.opened_at), job, round_, [batch])
        if not draws:
            return draws is None
        old = self._desk.seats.get(SeatKey(job.job, batch, round_.number))
        for due in list(draws):
            await self._approach(job, due, round_, old)
        return True

    async def _approach(
        self, job: PostedJob, due: Draw, drawn_for: Running, old: Seat | None
    ) -> None:
        """Run first, claim, or wait: whatever is right for this draw now."""
        if old is not None and not self._may_retry(old, drawn_for):
            self._forget(job.job, due, drawn_for)
            return
        if not self._load.room:
            self._desk.jobs.count_refusal(job.job, "at_capacity", self._desk.chain.now)
            return
        if self._preparer.batch(job, due.batch) is None:
            return
        effort = self._preparer.effort(job.job, due.batch)
        tries = old.tries + 1 if old else 0
        round_ = await self._desk.batches.latest(job, due.batch)
        if await self._is_gone(round_, drawn_for):
            self._forget(job.job, due, drawn_for)
            return
        await self._take(job, due, self._offer(round_, effort), round_, tries)

    async def _is_gone(self, round_: Running, drawn_for: Running) -> bool:
        is_same = round_.number == drawn_for.number and round_.clock == drawn_for.clock
        over = round_.is_final or self._desk.chain.now >= round_.clock.claim_until
        if not is_same or over or round_.is_filled or round_.holds(self._operator):
            return True
        return await self._desk.lane.bars(self._desk.chain.contracts, round_, self._operator)

    def _forget(self, job: JobKey, due: Draw, drawn_for: Running) -> None:
        """The seats are gone, or one of them is ours: do not look again."""
        known = self._prospects.draws.get(job, {})
        for batch in (None, due.batch):
            key = (batch, drawn_for.clock.opened_at)
            if key in known:
                known[key] = [one for one in known[key] if one != due]

    def _may_retry(self, seat: Seat, drawn_for: Running) -> bool:
        """Whether a seat that was not had may be tried again: in a later draw, or soon."""
        if seat.state is not SeatState.VOID:
            return False
        if seat.opened_at != drawn_for.clock.opened_at:
            return True
        reason = seat.reason or ""
        return any(words in reason for words in _PASSING) and seat.tries < _TRIES

    async def _take(
        self, job: PostedJob, due: Draw, offer: Offer, round_: Running, tries: int
    ) -> None:
        here = await self._load.situation(job.job)
        if reason := refuse_round(self._policy, offer, here):
            self._desk.jobs.count_refusal(job.job, reason, here.now)
            return
        wait = due.claim_from - here.now
        late = claims_late(self._policy, run_seconds(offer, here), wait)
        if wait > 0 and not late:
            return
        seat = Seat(
            key=SeatKey(job.job, due.batch, round_.number),
            state=SeatState.CANDIDATE if late else SeatState.CLAIMING,
            mask=round_.mask,
            is_growth=round_.is_growing,
            claims_late=late,
            claim_from=due.claim_from,
            bond=offer.bond,
            price=round_.price,
            opened_at=Timestamp(round_.clock.opened_at),
            tries=tries,
        )
        self._store(seat, round_)

    def _store(self, seat: Seat, round_: Running) -> None:
        with self._desk.outbox.transaction():
            self._desk.seats.add(seat)
            if not seat.claims_late:
                proof = proof_for(self._policy, round_, self._operator)
                data = self._desk.encode("claim", round_.terms.members(), seat.key.batch, proof)
                until = round_.clock.claim_until
                self._desk.propose(Verb.CLAIM, seat, data, not_after=until)
        self.step("candidate_stored" if seat.claims_late else "intent_stored")
        self.news()

    def _offer(self, round_: Running, effort: Effort) -> Offer:
        clock, tasks = round_.clock, len(round_.tasks)
        seconds = round_.run_seconds(self._desk.chain.now)
        return Offer(round_.terms, clock.claim_until, seconds, tasks, round_.price, effort)

    @property
    def _operator(self) -> OperatorId:
        return self._desk.identity.operator
