"""How people live with provable jobs: who works, audits, lies, falls silent and accuses."""

import boa
from hypothesis import event

from tests.contracts.jobs_world import HOUR, Operator
from tests.contracts.provable_world import (
    DAY,
    PRIORITY,
    Fate,
    Phase,
    ProvableJob,
    ProvableWorld,
    SeatKind,
)
from tests.contracts.stateful.life import attempt
from worker.protocol.provable_words import ProvableBatch
from worker.protocol.settled import Result

SHAPES = [
    {},
    {"tasks": 3},
    {"tasks": 4, "batch_log2": 2, "audit_bps": 5_000},
    {"audit_bps": 10_000},
    {"named": True},
]
KINDS = ["truth", "truth", "truth", "lie", "other lie"]
WAYS = ["both", "claim", "seal"]
CRANKS = ["settle", "accept", "advance", "advance", "expire", "cancel"]
MAX_JOBS = 5

Place = tuple[bytes, int, int, int]  # job, batch, round, operator


class ProvablePlay:
    """The jobs of a life, what their seats sealed, and which seats were paid or lost."""

    def __init__(self, world: ProvableWorld, tokens: int = 1) -> None:
        self.world = world
        self.tokens = tokens
        self.jobs: list[ProvableJob] = []
        self.sealed: dict[Place, list[bytes]] = {}
        self.paid: set[Place] = set()
        self.lost: dict[Place, str] = {}
        self.settled: list[tuple[ProvableJob, int, Result]] = []
        self.waiting: set[bytes] = set()
        self.prover = boa.env.generate_address("watcher")

    # What people do

    def post(self, shape: dict, requester: int, slack: int) -> bool:
        """Post a job of some shape, unless there are many."""
        if len(self.jobs) == MAX_JOBS:
            return False
        terms = dict(shape)
        named = [o.id for o in self.world.operators[:5]] if terms.pop("named", False) else ()
        terms = {
            "expiry": self.world.now + 4 * DAY + slack * HOUR,
            "token": slack % self.tokens,
            "fee_bps": self.world.escrow.fee_bps(),
            **terms,
        }
        return attempt(lambda: self.jobs.append(self.world.post(requester, named, **terms)))

    def work(self, pick: int, kind: str, way: str) -> None:
        """Take the open seat, seal the running one, or both at once."""
        if way == "seal":
            self.seal_running(pick, kind)
            return
        phases = (Phase.OPEN, Phase.AUDIT_OPEN)
        job, batch, word = self.batch_in(pick, *phases)
        if word.phase not in phases or self.world.now >= self.world.until(job, batch):
            return
        self.world.wait(1)
        operator = self.whoever_may(job, batch)
        if operator is None:
            return
        if way == "claim":
            attempt(lambda: self.world.claim(job, operator, batch))
            return
        event("audit sealed" if word.phase == Phase.AUDIT_OPEN else "sealed")
        values = self.values(job, batch, kind)
        if attempt(lambda: self.world.claim_sealed(job, operator, values, batch)):
            self.sealed[job.key, batch, word.round, operator.id] = values

    def live(
        self, pick: int, kinds: tuple[str, str], audited: bool, opens: tuple[bool, bool]
    ) -> None:
        """Bring a batch as far as its seats' openings, with an auditor or without."""
        self.work(pick, kinds[0], "both")
        self.draw(pick, audited, False)
        self.work(pick, kinds[1], "both")
        for auditor in (False, True):
            if opens[auditor]:
                self.reveal(pick, auditor)
            if pick % 3 == 0:  # else somebody may still do it, or nobody
                self.convict(pick, auditor, pick % 2 == 0, 0)

    @property
    def has_open_batch(self) -> bool:
        """Whether an operator's seat can be taken."""
        return any(
            self.word(job, batch).phase == Phase.OPEN
            and self.world.now < self.world.until(job, batch)
            for job in self.jobs
            for batch in range(job.terms.batches)
        )

    def draw(self, pick: int, audited: bool, opens: bool) -> None:
        """Decide the draw of a sealed batch, and go on by an opening or a crank."""
        job, batch, word = self.batch_in(pick, Phase.SEALED)
        if word.phase != Phase.SEALED:
            return
        if boa.env.evm.patch.block_number <= word.height + 256:
            self.world.draw(job, audited or job.terms.audit_bps == 10_000, batch)
        if opens:
            self.open(job, batch, self.operator(word.seat(SeatKind.OPERATOR)))
        else:
            self.advance(job, batch)

    def reveal(self, pick: int, auditor: bool) -> None:
        """Open a seat."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL)
        if not word.is_final:
            self.open(job, batch, self.operator(word.seat(SeatKind(int(auditor)))))

    def convict(self, pick: int, auditor: bool, announced: bool, task: int) -> None:
        """Accuse a seat of one of its tasks, right or wrong."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        if word.is_final:
            return
        operator = self.operator(word.seat(SeatKind(int(auditor))))
        if operator is not None:
            tasks = job.terms.tasks_in(batch)
            self.accuse(job, batch, operator, announced, tasks[task % len(tasks)])

    def accuse(
        self, job: ProvableJob, batch: int, operator: Operator, announced: bool, task: int
    ) -> bool:
        """Bring the proof against a task before the court, which convicts liars alone."""
        number = self.word(job, batch).round
        values = job.opened.get((batch, number, operator.id), [])
        proof, segment = self.proof(job, batch, operator, task, values)
        if announced:
            attempt(lambda: self.world.announce(self.prover, proof))  # once is enough
            self.world.wait(PRIORITY)
        charge = self.world.charge(job, operator, batch, task=task, segment=segment)
        call = (job.members, job.source, charge, values, proof)
        done = attempt(lambda: self.world.jobs.convict(*call, sender=self.prover))
        if done:
            position = task - job.terms.tasks_in(batch)[0]
            assert values[position] != job.truths(batch)[position]
            if not self.world.last("OperatorConvicted").announced:
                self.waiting.add(self.world.seat(job, operator, number, batch))
            self.lose((job.key, batch, number, operator.id), "convicted")
        return done

    def proof(
        self, job: ProvableJob, batch: int, operator: Operator, task: int, values: list[bytes]
    ) -> tuple[bytes, int]:
        """Return what the court is shown, and the segment that it is about."""
        return repr((job.key, batch, operator.id, task)).encode(), 0

    def release_bounty(self, pick: int) -> None:
        """Pay a bounty that waited, if it is time."""
        if self.waiting:
            seat = sorted(self.waiting)[pick % len(self.waiting)]
            if attempt(lambda: self.world.jobs.release_bounty(seat)):
                self.waiting.remove(seat)

    def crank(self, pick: int, way: str) -> None:
        """Move some batch on."""
        job, batch = self.any_batch(pick)
        if way == "advance":
            self.advance(job, batch)
        elif way in ("settle", "accept"):
            job, batch, word = self.batch_in(pick, Phase.CHALLENGE)
            until = word.until(job.terms)
            if way == "settle" and until is not None and pick % 2:
                self.world.go_to(max(self.world.now + 1, until))
            self.settle(job, batch, accept=way == "accept")
        elif way == "expire":
            attempt(lambda: self.world.jobs.expire(job.members, [batch]))
        elif pick % 3 == 0:  # else nothing would live long
            call = (job.members, job.origin_members, [batch])
            attempt(lambda: self.world.jobs.cancel(*call, sender=job.payer))

    def deadline(self, pick: int) -> int:
        """Return when the window of some batch ends; 0 where none runs."""
        job, batch = self.any_batch(pick)
        return self.word(job, batch).until(job.terms) or 0

    # How

    def any_batch(self, pick: int) -> tuple[ProvableJob, int]:
        job = self.jobs[pick % len(self.jobs)]
        return job, pick // len(self.jobs) % job.terms.batches

    def batch_in(self, pick: int, *phases: Phase) -> tuple[ProvableJob, int, ProvableBatch]:
        """Return a batch that is in one of the phases, or any if there is none, and its word."""
        found = [
            (job, batch, word)
            for job in self.jobs
            for batch in range(job.terms.batches)
            if (word := self.word(job, batch)).phase in phases
        ]
        if found:
            return found[pick % len(found)]
        job, batch = self.any_batch(pick)
        return job, batch, self.word(job, batch)

    def word(self, job: ProvableJob, batch: int) -> ProvableBatch:
        return self.world.word(job, batch)

    def operator(self, number: int) -> Operator | None:
        return next((o for o in self.world.operators if o.id == number), None)

    def values(self, job: ProvableJob, batch: int, kind: str) -> list[bytes]:
        return job.truths(batch) if kind == "truth" else job.lies(kind, batch)

    def whoever_may(self, job: ProvableJob, batch: int) -> Operator | None:
        """Return one who may take the open seat, once time and draw are made to fit."""
        word = self.word(job, batch)
        if job.named and word.phase == Phase.OPEN:
            free = [o for o in self.world.operators[:5] if not word.had_seat(o.id)]
            return free[0] if free else None
        self.world.last_third(job, batch)
        if self.world.now >= self.world.until(job, batch):
            return None
        try:
            return self.world.drawn(job, batch)
        except IndexError:  # the seed lapsed, or nobody is left that it draws
            return None

    def seal_running(self, pick: int, kind: str) -> None:
        job, batch, word = self.batch_in(pick, Phase.RUNNING, Phase.AUDIT_RUNNING)
        if word.is_final:
            return
        holder = self.operator(word.seat(SeatKind(int(word.phase == Phase.AUDIT_RUNNING))))
        if holder is None:
            return
        values = self.values(job, batch, kind)
        if attempt(lambda: self.world.seal(job, holder, values, batch)):
            self.sealed[job.key, batch, word.round, holder.id] = values

    def open(self, job: ProvableJob, batch: int, operator: Operator | None) -> None:
        if operator is not None:
            number = self.word(job, batch).round
            values = self.sealed.get((job.key, batch, number, operator.id), [])
            attempt(lambda: self.world.reveal(job, operator, values, batch))

    def lose(self, place: Place, why: str) -> None:
        """A seat loses its bond: once, and never where it was paid (invariant 2)."""
        assert place not in self.lost and place not in self.paid
        event(why)
        self.lost[place] = why

    def pay(self, place: Place) -> None:
        """A seat is paid: once, and never where it lost."""
        assert place not in self.lost and place not in self.paid
        self.paid.add(place)

    def advance(self, job: ProvableJob, batch: int) -> None:
        before = self.word(job, batch)
        if not attempt(lambda: self.world.jobs.advance(job.members, batch)):
            return
        for log in self.world.jobs.get_logs():
            if type(log).__name__ == "SeatForfeited":
                late = before.phase in (Phase.RUNNING, Phase.AUDIT_RUNNING)
                bond = job.terms.bond * len(job.terms.tasks_in(batch))
                assert (log.burnt + log.released, log.burnt) == (bond, bond // 4 if late else bond)
                self.lose(
                    (job.key, batch, before.round, log.operator), "late" if late else "silent"
                )

    def settle(self, job: ProvableJob, batch: int, accept: bool = False) -> None:
        """Settle or accept, and book who was paid."""
        word = self.word(job, batch)
        if word.is_final:
            return
        opened = [
            (kind, job.opened.get((batch, word.round, word.seat(kind))))
            for kind in SeatKind
            if word.fates[kind] == Fate.OPENED
        ]
        values = opened[0][1] if opened else []
        differ = len(opened) == 2 and opened[0][1] != opened[1][1]
        if accept:
            call = (job.members, job.origin_members, batch, values)
            done = attempt(lambda: self.world.jobs.accept(*call, sender=job.payer))
        else:
            done = attempt(lambda: self.world.jobs.settle(job.members, batch, values))
        if not done:
            return
        event("differ" if differ else "accepted" if accept else "settled")
        result = Result.of_event(self.world.last("BatchSettled")._asdict())
        if result.mask:
            self.settled.append((job, batch, result))
        assert not (accept and differ)
        for kind, _ in opened:
            place = (job.key, batch, word.round, word.seat(kind))
            if differ:
                self.lose(place, "differs")
            else:
                self.pay(place)

    def crank_everything(self) -> None:
        """With nobody's help but a crank's, everything ends."""
        for job in self.jobs:
            for batch in range(job.terms.batches):
                self.crank_to_the_end(job, batch)

    def crank_to_the_end(self, job: ProvableJob, batch: int) -> None:
        for _ in range(30):
            word = self.word(job, batch)
            if word.is_final:
                return
            until = word.until(job.terms)
            if until is not None and until > self.world.now:
                self.world.go_to(until)
            if word.phase == Phase.OPEN:
                self.world.jobs.expire(job.members, [batch])
            elif word.phase == Phase.CHALLENGE:
                self.end_demands(job, batch)
                self.world.wait(10 * PRIORITY)  # after the last answer
                self.settle(job, batch)
            else:
                if word.phase == Phase.SEALED:
                    self.world.wait(1, 2)
                self.advance(job, batch)
        raise AssertionError("no end")

    def end_demands(self, job: ProvableJob, batch: int) -> None:
        """Close what holds a batch: a demand has a time-out of its own."""
