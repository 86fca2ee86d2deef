"""How the people of the state machine of provable jobs do what they do, and what is booked."""

from collections import Counter

import boa
from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine

from tests.contracts.jobs_world import Operator
from tests.contracts.provable_world import (
    BOND,
    PRIORITY,
    Fate,
    Phase,
    ProvableJob,
    ProvableWorld,
    SeatKind,
)
from worker.protocol.provable_words import ProvableBatch

REASONS = ("provable: ", "jobs: ", "staking: ", "escrow: ", "mock: ")
Place = tuple[bytes, int, int, int]  # job, batch, round, operator


class ProvablePlay(RuleBasedStateMachine):
    """The world, the jobs in it, and the books that the machine keeps of them."""

    world: ProvableWorld
    jobs: list[ProvableJob]
    sealed: dict[Place, list[bytes]]
    final: dict[tuple[bytes, int], int]
    paid: set[Place]
    lost: dict[Place, str]
    slashed: Counter[int]

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

    def stake_of(self, operator: Operator) -> int:
        return self.world.staking.operator(operator.id).stake

    def operator(self, number: int) -> Operator | None:
        return next((o for o in self.world.operators if o.id == number), None)

    def values(self, job: ProvableJob, batch: int, kind: str) -> list[bytes]:
        return job.truths(batch) if kind == "truth" else job.lies(kind, batch)

    def attempt(self, call) -> bool:
        """Try something; a refusal has to be one of ours."""
        try:
            call()
        except boa.BoaError as error:
            assert any(reason in str(error) for reason in REASONS), error
            return False
        self.note_finals()
        return True

    def note_finals(self) -> None:
        for job in self.jobs:
            for batch in range(job.terms.batches):
                if (job.key, batch) not in self.final and self.word(job, batch).is_final:
                    self.final[job.key, batch] = self.world.views.batch_of(job.key, batch)

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

    def seal(self, job: ProvableJob, batch: int, operator: Operator, kind: str) -> None:
        number = self.word(job, batch).round
        values = self.values(job, batch, kind)
        if self.attempt(lambda: self.world.seal(job, operator, values, batch)):
            self.sealed[job.key, batch, number, operator.id] = values

    def open(self, job: ProvableJob, batch: int, operator: Operator) -> None:
        number = self.word(job, batch).round
        values = self.sealed.get((job.key, batch, number, operator.id), [])
        self.attempt(lambda: self.world.reveal(job, operator, values, batch))

    def lose(self, place: Place, amount: int, why: str) -> None:
        assert place not in self.lost
        event(why)
        self.lost[place] = why
        self.slashed[place[3]] += amount
        self.note_finals()

    def advance(self, job: ProvableJob, batch: int) -> None:
        before = self.word(job, batch)
        if not self.attempt(lambda: self.world.jobs.advance(job.members, batch)):
            return
        for log in self.world.jobs.get_logs():
            if type(log).__name__ == "SeatForfeited":
                late = before.phase in (Phase.RUNNING, Phase.AUDIT_RUNNING)
                place = (job.key, batch, before.round, log.operator)
                assert log.burnt + log.released == BOND * len(job.terms.tasks_in(batch))
                self.lose(place, log.burnt, "late" if late else "silent")

    def settle(self, job: ProvableJob, batch: int, accept: bool = False) -> None:
        word = self.word(job, batch)
        if word.is_final:
            return
        opened = [
            (kind, job.opened.get((batch, word.round, word.seat(kind))))
            for kind in SeatKind
            if word.fates[kind] == Fate.OPENED
        ]
        values = opened[0][1] if opened else []
        jobs = self.world.jobs
        differ = len(opened) == 2 and opened[0][1] != opened[1][1]
        if accept:
            call = (job.members, job.origin_members, batch, values)
            done = self.attempt(lambda: jobs.accept(*call, sender=job.payer))
        else:
            done = self.attempt(lambda: jobs.settle(job.members, batch, values))
        if not done:
            return
        event("differ" if differ else "accepted" if accept else "settled")
        assert not (accept and differ)
        for kind, _ in opened:
            place = (job.key, batch, word.round, word.seat(kind))
            if differ:
                self.lose(place, BOND * len(job.terms.tasks_in(batch)), "differs")
            else:
                self.paid.add(place)

    def crank_to_the_end(self, job: ProvableJob, batch: int) -> None:
        for _ in range(30):
            word = self.word(job, batch)
            if word.is_final:
                return
            until = word.until(job.terms)
            if until is not None and until > self.world.now:
                self.world.go_to(until)
            for kind in SeatKind:
                for _ in range(word.held[kind]):  # a demand has a time-out of its own
                    seat = word.seat(kind)
                    self.world.demands.release(job.members, batch, word.round, seat)
            if word.phase == Phase.OPEN:
                self.world.jobs.expire(job.members, [batch])
            elif word.phase == Phase.CHALLENGE:
                self.world.wait(10 * PRIORITY)  # after the last answer
                self.settle(job, batch)
            else:
                if word.phase == Phase.SEALED:
                    self.world.wait(1, 2)
                self.advance(job, batch)
        raise AssertionError("no end")


def in_play(word: ProvableBatch) -> list[int]:
    """Return the operators whose bonds a batch holds."""
    held = []
    if word.is_final or word.phase == Phase.OPEN:
        return held
    alive = (Fate.IN_PLAY, Fate.OPENED)
    if word.fates[SeatKind.OPERATOR] in alive:
        held.append(word.seat(SeatKind.OPERATOR))
    if word.phase >= Phase.AUDIT_RUNNING and word.fates[SeatKind.AUDITOR] in alive:
        held.append(word.seat(SeatKind.AUDITOR))
    return held
