"""Takes seats: batches that the tickets win, the policy accepts and this host could run at once."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import structlog

from worker.health import Health
from worker.protocol.outbox import OutboxEntry, TxState
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb
from worker.services.draws import Draw, draw
from worker.services.load import Load
from worker.services.policy import (
    Offer,
    PolicyConfig,
    claims_late,
    membership,
    refuse_round,
    run_seconds,
)
from worker.services.preparer import PrepareService
from worker.services.rounds import FIRST_ROUND, Round, terms_of
from worker.storage.jobs import JobState, PostedJob
from worker.storage.seats import Seat, SeatKey, SeatState
from worker.types import BatchIndex, JobKey, OperatorId, Timestamp

log = structlog.get_logger(__name__)

_TRIES = 5
_PASSING = ("jobs: not drawn", "jobs: seed pending", "staking: too little free stake")


class Claimer(Service):
    """Claims at the earliest moment a ticket allows, while the worker is ready for new work. A lost
    race is no error."""

    name = "claimer"

    def __init__(
        self,
        desk: Desk,
        preparer: PrepareService,
        policy: PolicyConfig,
        load: Load,
        health: Health,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self._desk = desk
        self._preparer = preparer
        self._policy = policy
        self._load = load
        self._health = health
        self._draws: dict[tuple[JobKey, BatchIndex | None, int], list[Draw]] = {}

    async def tick(self) -> bool:
        """See what became of claims; then make those that are due."""
        claiming = self._desk.seats.in_states(SeatState.CLAIMING)
        for seat, entry in self._desk.settled(Verb.CLAIM, claiming):
            self._follow(seat, entry)
        if not self._health.is_ready:
            return False
        chain = self._desk.chain
        for job in self._desk.jobs.open_jobs(JobState.READY, chain.confirmed, chain.now):
            if self._preparer.job(job.job) is None:  # after a restart it is checked anew
                self._preparer.batch(job, BatchIndex(0))
                continue
            await self._consider(job)
        return False

    def _follow(self, seat: Seat, entry: OutboxEntry) -> None:
        if entry.state is TxState.FINAL:
            self._desk.seats.move(seat.key, SeatState.CLAIMED)
            self.step("claimed")
            self.news()
            return
        log.info("claim not granted", seat=seat.key.name, reason=entry.reason)
        self._desk.seats.move(seat.key, SeatState.VOID, entry.reason)
        self._draws.clear()  # the seat may be worth another try

    async def _consider(self, job: PostedJob) -> None:
        """Claim what is due in the job's first rounds, and in later rounds of its batches."""
        terms = terms_of(job)
        jobs, chain = self._desk.jobs, self._desk.chain
        later = jobs.batches_with(job.job, "RoundOpened", up_to=chain.confirmed)
        if chain.now < terms.clock(0).claim_until:
            await self._consider_first(job, later)
        await chain.confirmed_rounds([(job, batch) for batch in later])
        for batch in later:
            await self._consider_later(job, batch)

    async def _consider_first(self, job: PostedJob, later: set[BatchIndex]) -> None:
        terms = terms_of(job)
        ended = self._desk.jobs.batches_with(
            job.job, "BatchSettled", "BatchClosed", up_to=self._desk.chain.confirmed
        )
        key = (job.job, None, FIRST_ROUND)
        if key not in self._draws:
            sample = await self._desk.chain.confirmed_round(job, BatchIndex(0))
            sample = replace(sample, number=FIRST_ROUND, clock=terms.clock(0))
            everything = map(BatchIndex, range(terms.batches))
            drawn = await draw(self._desk.chain, job, sample, everything, self._operator)
            if drawn is None:
                return
            self._draws[key] = drawn
        known = self._desk.seats.in_job(job.job)
        over = later | ended
        dues = [
            (due, known.get(SeatKey(job.job, due.batch, FIRST_ROUND)))
            for due in self._draws[key]
            if due.batch not in over
        ]
        await self._look(job, [due.batch for due, old in dues if old is None])
        for due, old in dues:
            await self._approach(job, due, FIRST_ROUND, old)

    async def _look(self, job: PostedJob, batches: Sequence[BatchIndex]) -> None:
        """Read at once the rounds of those that may be claimed now, as far as there is room."""
        room = self._load.room
        ready = (one for one in batches if room and self._preparer.batch(job, one) is not None)
        await self._desk.chain.latest_rounds([(job, batch) for batch in islice(ready, room)])

    async def _consider_later(self, job: PostedJob, batch: BatchIndex) -> None:
        round_ = await self._desk.chain.confirmed_round(job, batch)
        if round_.word.is_final or self._desk.chain.now >= round_.clock.claim_until:
            return
        if round_.number == FIRST_ROUND or round_.holds(self._operator):
            return
        key = (job.job, batch, round_.number)
        if key not in self._draws:
            drawn = await draw(self._desk.chain, job, round_, [batch], self._operator)
            if drawn is None:
                return
            self._draws[key] = drawn
        old = self._desk.seats.get(SeatKey(job.job, batch, round_.number))
        for due in list(self._draws[key]):
            await self._approach(job, due, round_.number, old)

    async def _approach(self, job: PostedJob, due: Draw, number: int, old: Seat | None) -> None:
        """Run first, claim, or wait: whatever is right for this draw now."""
        key = SeatKey(job.job, due.batch, number)
        if old is not None and not self._may_retry(old):
            self._forget(key, due)
            return
        if not self._load.room:
            self._desk.jobs.count_refusal(job.job, "at_capacity", self._desk.chain.now)
            return
        if self._preparer.batch(job, due.batch) is None:
            return
        round_ = await self._desk.chain.latest_round(job, due.batch)
        if self._is_gone(round_, number):
            self._forget(key, due)
            return
        await self._take(job, due, round_, old.tries + 1 if old else 0)

    def _is_gone(self, round_: Round, number: int) -> bool:
        word = round_.word
        over = self._desk.chain.now >= round_.clock.claim_until
        stale = round_.number != number or word.is_final or over
        return stale or round_.is_filled or round_.holds(self._operator)

    def _forget(self, key: SeatKey, due: Draw) -> None:
        """The seats are gone, or one of them is ours: do not look again."""
        for batch in (None, key.batch):
            known = self._draws.get((key.job, batch, key.round))
            if known and due in known:
                self._draws[key.job, batch, key.round] = [one for one in known if one != due]

    def _may_retry(self, seat: Seat) -> bool:
        reason = seat.reason or ""
        passing = any(words in reason for words in _PASSING)
        return seat.state is SeatState.VOID and passing and seat.tries < _TRIES

    async def _take(self, job: PostedJob, due: Draw, round_: Round, tries: int) -> None:
        offer = self._offer(job, round_)
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
            is_growth=round_.word.is_growing,
            claims_late=late,
            claim_from=due.claim_from,
            bond=offer.bond,
            price=round_.price,
            opened_at=Timestamp(round_.clock.opened_at),
            tries=tries,
        )
        self._store(seat, round_)

    def _store(self, seat: Seat, round_: Round) -> None:
        with self._desk.outbox.transaction():
            self._desk.seats.add(seat)
            if not seat.claims_late:
                proof = membership(self._policy, round_.terms, self._operator)
                data = self._desk.encode("claim", round_.terms.members(), seat.key.batch, proof)
                until = round_.clock.claim_until
                self._desk.propose(Verb.CLAIM, seat, data, not_after=until)
        self.step("candidate_stored" if seat.claims_late else "intent_stored")
        self.news()

    def _offer(self, job: PostedJob, round_: Round) -> Offer:
        prepared = self._preparer.job(job.job)
        if prepared is None:
            raise LookupError("a batch is prepared and its job is not")
        fuel = prepared.manifest.limits.fuel
        tasks = len(round_.tasks)
        return Offer(round_.terms, round_.clock, tasks, round_.price, fuel)

    @property
    def _operator(self) -> OperatorId:
        return self._desk.identity.operator
