"""Random lives of many jobs: the books stay balanced, and everything can be brought to its end."""

from collections import Counter
from functools import cache

import boa
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.jobs_world import (
    HOUR,
    NO_PERMIT,
    STANDING,
    Job,
    Operator,
    World,
    digests,
    salt_of,
)
from tests.contracts.stateful import network as net
from worker.protocol.record import FAILED, blind
from worker.protocol.settled import Result
from worker.protocol.words import GWEI, BatchWord, OnDissent, RoundWord, SeatOutcome, final_word

SHAPES = [
    {},
    {"tasks": 3},
    {"seats": 2},
    {"max_seats": 7, "tasks": 4, "batch_log2": 2},
    {"on_dissent": OnDissent.SETTLE},
    {"seats": 4, "on_dissent": OnDissent.SETTLE},
    {"named": True},
    {"named": True, "seats": 1, "max_seats": 1},
]
RESULTS = ["truth", "truth", "truth", "lie", "other lie", "failed"]
REASONS = ("jobs: ", "staking: ", "escrow: ", "transfers: ")
MAX_JOBS = 12
PICK = st.integers(0, 10**6)


@cache
def world() -> World:
    return World(operators=7, requesters=3)


def results_of(kind: str, count: int = 4) -> list[bytes]:
    """Return what a seat finds for a batch: a lie differs from the truth in some tasks only."""
    truth = digests("truth", count)
    if kind == "failed":
        return [FAILED, *truth[1:]]
    return [digests(kind, count)[0], *truth[1:]] if kind != "truth" else truth


class JobsMachine(RuleBasedStateMachine):
    """Seven operators who may lie, fail or fall silent, three requesters, time in leaps."""

    @initialize(shape=st.sampled_from(SHAPES))
    def begin(self, shape: dict) -> None:
        self.world = world()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.jobs: list[Job] = []
        self.sealed: dict[tuple[bytes, int, int, int], list[bytes]] = {}
        self.ended: dict[tuple[bytes, int], int] = {}
        self.burnt = 0
        self.supply = self.world.token.totalSupply()
        self.stakes = {o.id: self.stake_of(o) for o in self.world.operators}
        self.slashed: Counter[int] = Counter()
        self.post(shape, 0, 0)

    def teardown(self) -> None:
        try:
            if hasattr(self, "jobs"):
                self.crank_everything()
        finally:
            if hasattr(self, "anchor"):
                self.anchor.__exit__(None, None, None)

    # What people do

    @rule(shape=st.sampled_from(SHAPES), requester=st.integers(0, 2), slack=st.integers(0, 20))
    def post(self, shape: dict, requester: int, slack: int) -> None:
        if len(self.jobs) == MAX_JOBS:
            return
        terms = dict(shape)
        named = [o.id for o in self.world.operators[:6]] if terms.pop("named", False) else ()
        expiry = self.world.now + (12 + slack) * HOUR
        self.jobs.append(self.world.post(requester, named, expiry=expiry, **terms))

    @rule(
        what=st.sampled_from(["seat", "reveal", "settle", "conclude", "accept", "unstake"]),
        pick=PICK,
        who=st.integers(0, 6),
        kind=st.sampled_from(RESULTS),
    )
    def act(self, what: str, pick: int, who: int, kind: str) -> None:
        """Do one thing, whether or not it is time for it."""
        if what == "seat":
            self.take_a_seat(pick, who, kind)
        elif what == "reveal":
            self.reveal_one(*self.any_batch(pick), self.world.operators[who])
        elif what == "settle":
            self.settle_one(*self.any_batch(pick))
        elif what == "conclude":
            self.conclude(pick)
        elif what == "accept":
            self.accept(pick)
        else:
            self.unstake(who, 1 + pick % 500)

    def take_a_seat(self, pick: int, who: int, kind: str) -> None:
        job, batch = self.any_batch(pick)
        operator = self.world.operators[who]
        if pick % 2:
            self.attempt(lambda: self.world.claim(job, operator, batch))
        elif self.attempt(lambda: self.claim_sealed(job, operator, batch, kind)):
            self.note_seal(job, operator, batch, kind)

    @rule(pick=PICK, kinds=st.lists(st.sampled_from([*RESULTS, "idle"]), min_size=7, max_size=7))
    def work(self, pick: int, kinds: list[str]) -> None:
        """Let a round's seats be taken, and each holder seal, open, or not."""
        job, batch = self.any_batch(pick)
        word = self.world.batch(job, batch)
        late = self.world.now >= self.world.clock(job, batch).claim_until
        if late and not word.is_filled(job.terms):
            self.settle_one(job, batch)  # growth that stayed unfilled; else refused
            self.post(SHAPES[pick % len(SHAPES)], pick % 3, pick % 20)
            job, batch = self.jobs[-1], 0
        self.fill(job, batch, pick)
        for operator, kind in zip(self.holders(job, batch), kinds, strict=False):
            self.seal(job, operator, batch, kind)
        if pick % 3:
            self.open_all(job, batch, skip=pick % 10)
        if pick % 2:
            self.settle_one(job, batch)

    def conclude(self, pick: int) -> None:
        job, batch = self.any_batch(pick)
        word = self.world.batch(job, batch)
        values = [blind(s) for s in results_of("truth")][: len(job.terms.tasks_in(batch))]
        salts = [salt_of(operator, word.round) for operator in word.operators]
        if self.attempt(lambda: self.world.jobs.conclude(job.members, batch, values, salts)):
            self.note_settlement(job, batch)

    def accept(self, pick: int) -> None:
        job, batch = self.any_batch(pick)
        word = self.world.batch(job, batch)
        where = (batch, word.round, word.operators[0] if word.operators else 0)
        values = job.opened.get(where, [])
        call = self.world.jobs.accept
        if self.attempt(
            lambda: call(job.members, job.origin_members, batch, values, sender=job.payer)
        ):
            self.note_settlement(job, batch)

    @rule(pick=PICK, way=st.sampled_from(["raise", "cancel", "expire"]))
    def give_up(self, pick: int, way: str) -> None:
        job, batch = self.any_batch(pick)
        jobs, origin = self.world.jobs, job.origin_members
        if way == "raise":
            price = self.price_of(job, batch) + 10**15
            parts = (job.members, origin, [batch], price, NO_PERMIT)
            self.attempt(lambda: jobs.raise_price(*parts, sender=job.payer))
        elif way == "cancel" and pick % 3:  # else nothing would live long
            self.attempt(lambda: jobs.cancel(job.members, origin, [batch], sender=job.payer))
        else:
            self.attempt(lambda: jobs.expire(job.members, [batch]))

    @rule(
        pick=PICK,
        seconds=st.sampled_from([1, HOUR // 3, HOUR]),
        blocks=st.integers(1, 300),
        deadline=st.sampled_from([None, 0, 1, 2]),
    )
    def wait(self, pick: int, seconds: int, blocks: int, deadline: int | None) -> None:
        """Let time pass, or go to just before or right on a deadline of some batch."""
        if deadline is None:
            self.world.wait(seconds, blocks)
            return
        clock = self.world.clock(*self.any_batch(pick))
        until = (clock.claim_until, clock.run_until, clock.reveal_until)[deadline]
        if until - pick % 2 > self.world.now:
            self.world.go_to(until - pick % 2)

    def unstake(self, who: int, tokens: int) -> None:
        operator = self.world.operators[who]
        amount = tokens * net.TOKEN
        self.attempt(lambda: self.world.staking.unstake(operator.id, amount, sender=operator.owner))

    # What must stay true (docs/protocol.md, section 6)

    @invariant()
    def tokens_are_conserved(self) -> None:  # 1
        if not hasattr(self, "jobs"):
            return
        w = self.world
        supply = w.token.totalSupply()
        assert self.supply - supply == self.burnt
        people = [w.net.owner, w.net.sink, *w.requesters, *(o.owner for o in w.operators)]
        held = sum(w.token.balanceOf(account) for account in people)
        stake = sum(self.stake_of(o) for o in w.operators)
        assert w.token.balanceOf(w.staking) == stake * GWEI
        escrow = sum(w.left(job) for job in self.jobs) + w.escrow.fees_of(0)
        escrow += sum(w.credit(o) + w.escrow.operator_fees(o.id, 0) for o in w.operators)
        escrow += sum(w.escrow.credit_of(requester, 0) for requester in w.requesters)
        assert w.token.balanceOf(w.escrow) == escrow
        assert held + stake * GWEI + escrow == supply

    @invariant()
    def reserves_and_locks_are_those_of_open_batches(self) -> None:  # 1, 2, 3
        if not hasattr(self, "jobs"):
            return
        locks: Counter[int] = Counter()
        for job in self.jobs:
            reserve = 0
            for batch in range(job.terms.batches):
                word = self.world.batch(job, batch)
                if word.is_final:
                    raw = self.world.jobs.batch_of(job.key, batch)
                    assert self.ended.setdefault((job.key, batch), raw) == raw
                    continue
                tasks = self.world.mask(job, batch).bit_count()
                reserve += tasks * job.terms.max_seats * self.price_of(job, batch)
                for seat, operator in enumerate(word.operators):
                    if not word.silent >> seat & 1:
                        locks[operator] += tasks * job.terms.bond
            assert self.world.left(job) == reserve
        for operator in self.world.operators:
            assert self.world.locked(operator) == locks[operator.id]
            assert locks[operator.id] + STANDING <= self.stake_of(operator)
            assert self.stakes[operator.id] - self.stake_of(operator) == self.slashed[operator.id]

    # How

    def any_batch(self, pick: int) -> tuple[Job, int]:
        """Return a batch that is not final; of a new job when there is none
        and not too many are done."""
        batches = [(job, b) for job in self.jobs for b in range(job.terms.batches)]
        running = [(job, b) for job, b in batches if not self.world.batch(job, b).is_final]
        if not running and len(batches) < MAX_JOBS:
            self.post(SHAPES[pick % len(SHAPES)], pick % 3, pick % 20)
            return self.jobs[-1], 0
        chosen = running or batches
        return chosen[pick % len(chosen)]

    def attempt(self, call) -> bool:
        """Make a call that may be refused, but only for a stated reason."""
        try:
            with boa.env.anchor():
                call()
        except boa.BoaError as error:
            reason = str(error.stack_trace.last_frame.pretty_vm_reason)
            assert reason.startswith(REASONS), reason
            return False
        call()
        return True

    def stake_of(self, operator: Operator) -> int:
        return self.world.staking.operator(operator.id).stake

    def price_of(self, job: Job, batch: int) -> int:
        draw = self.world.jobs.round_of(job.key, batch)
        return RoundWord.unpack(draw).price if draw else job.terms.price

    def holders(self, job: Job, batch: int) -> list[Operator]:
        word = self.world.batch(job, batch)
        by_id = {operator.id: operator for operator in self.world.operators}
        return [by_id[word.operators[seat]] for seat in word.running_seats()]

    def results(self, job: Job, batch: int, kind: str) -> list[bytes]:
        return results_of(kind)[: len(job.terms.tasks_in(batch))]

    def claim_sealed(self, job: Job, operator: Operator, batch: int, kind: str) -> None:
        self.world.claim_sealed(job, operator, self.results(job, batch, kind), batch)

    def note_seal(self, job: Job, operator: Operator, batch: int, kind: str) -> None:
        number = self.world.batch(job, batch).round
        self.sealed[job.key, batch, number, operator.id] = self.results(job, batch, kind)

    def fill(self, job: Job, batch: int, pick: int) -> None:
        clock = self.world.clock(job, batch)
        released = clock.opened_at + 2 * job.terms.claim // 3 + 1
        if self.world.now < released:
            self.world.go_to(released)
        shift = pick % 7
        for operator in self.world.operators[shift:] + self.world.operators[:shift]:
            self.attempt(lambda operator=operator: self.world.claim(job, operator, batch))

    def seal(self, job: Job, operator: Operator, batch: int, kind: str) -> None:
        if kind == "idle":
            return
        results = self.results(job, batch, kind)
        if self.attempt(lambda: self.world.seal(job, operator, results, batch)):
            self.note_seal(job, operator, batch, kind)

    def reveal_one(self, job: Job, batch: int, operator: Operator) -> None:
        number = self.world.batch(job, batch).round
        results = self.sealed.get((job.key, batch, number, operator.id))
        if results is not None:
            self.attempt(lambda: self.world.reveal(job, operator, results, batch))

    def open_all(self, job: Job, batch: int, skip: int) -> None:
        word = self.world.batch(job, batch)
        if not word.all_sealed(job.terms) and word.is_filled(job.terms):
            run_until = self.world.clock(job, batch).run_until
            if self.world.now < run_until:
                self.world.go_to(run_until)
        for seat, operator in enumerate(self.holders(job, batch)):
            if seat != skip:
                self.reveal_one(job, batch, operator)

    def settle_one(self, job: Job, batch: int) -> bool:
        done = self.attempt(
            lambda: self.world.jobs.settle(job.members, batch, *self.world.answers(job, batch))
        )
        if done:
            self.note_settlement(job, batch)
        return done

    def note_settlement(self, job: Job, batch: int) -> None:
        """Book what the event says; nobody is both paid and slashed for one seat and task."""
        log = self.world.settled(job)
        price, bond = self.price_of(job, batch), job.terms.bond
        masks = (log.paid_mask, log.failed_mask, log.tied_mask, log.contested_mask)
        for kind, mask in zip(("paid", "failed", "tied", "contested"), masks, strict=True):
            if mask:
                event(f"{kind} in {'growth' if log.round and kind != 'contested' else 'base'}")
        assert sum(mask.bit_count() for mask in masks) == _union(masks).bit_count()
        self.result_is_kept(job, batch, log, price)
        for seat in map(SeatOutcome.unpack, log.seats):
            tasks = -(-(seat.burnt + seat.released) // bond)
            assert -(-seat.paid // price) + -(-seat.burnt // bond) <= max(tasks, 1)
            self.slashed[seat.operator] += seat.burnt
            self.burnt += seat.burnt * GWEI
        self.burnt += log.tied_mask.bit_count() * (price // 10)

    def result_is_kept(self, job: Job, batch: int, log, price: int) -> None:
        """The contract keeps what the event says, and its servers were paid for every task."""
        result = Result.of_event(log._asdict())
        seats = [SeatOutcome.unpack(word) for word in log.seats]
        whole = result.mask.bit_count() * price
        assert list(result.servers) == [
            seat.operator for seat in seats if whole and seat.paid >= whole
        ]
        assert result.settled_at == self.world.now
        digest = result.digest() if result.mask else bytes(32)
        word = self.world.jobs.batch_of(job.key, batch)
        if BatchWord.unpack(word).is_final:
            assert word == final_word(digest)
        else:
            assert self.world.jobs.base_result_of(job.key, batch) == digest

    def crank_everything(self) -> None:  # 4
        """With nobody's help but a crank's, everything ends and nothing stays locked."""
        for _ in range(3):
            for job in self.jobs:
                for batch in range(job.terms.batches):
                    self.crank(job, batch)
        for job in self.jobs:
            assert self.world.left(job) == 0
        for operator in self.world.operators:
            assert self.world.locked(operator) == 0
        self.tokens_are_conserved()

    def crank(self, job: Job, batch: int) -> None:
        word = self.world.batch(job, batch)
        if word.is_final:
            return
        late = max(self.world.clock(job, batch).reveal_until, job.terms.expiry)
        if self.world.now < late:
            self.world.go_to(late)
        if not word.base and not word.is_filled(job.terms):
            self.world.jobs.expire(job.members, [batch])
        else:
            assert self.settle_one(job, batch)


def _union(masks: tuple[int, ...]) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole


class TestJobs(JobsMachine.TestCase):
    """Deploys before the first example, whose end undoes all that it did."""

    if settings().max_examples == 25:  # the ci profile: this machine is slower than the vaults'
        settings = settings(max_examples=10, stateful_step_count=30)

    @classmethod
    def setUpClass(cls) -> None:
        world()
