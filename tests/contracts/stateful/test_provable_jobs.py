"""Random lives of provable jobs among operators, auditors and liars: the books stay balanced, the
honest lose nothing by a court, and everything can be brought to its end."""

from collections import Counter
from functools import cache

import boa
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.contracts.jobs_world import HOUR, STANDING
from tests.contracts.provable_world import (
    BOND,
    DAY,
    PRIORITY,
    Fate,
    Phase,
    ProvableJob,
    ProvableWorld,
    SeatKind,
)
from tests.contracts.stateful.provable_play import Place, ProvablePlay, in_play
from worker.protocol.provable_words import reserve

SHAPES = [
    {},
    {"tasks": 3},
    {"tasks": 4, "batch_log2": 2, "audit_bps": 5_000},
    {"audit_bps": 10_000},
    {"named": True},
]
KINDS = ["truth", "truth", "truth", "lie", "other lie"]
PAIR_OF_KINDS = st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS))
MAX_JOBS = 5
PICK = st.integers(0, 10**6)


@cache
def world() -> ProvableWorld:
    return ProvableWorld(operators=8, requesters=3)


class ProvableMachine(ProvablePlay):
    """Eight operators who may lie or fall silent, three requesters, one watcher, time in leaps."""

    @initialize(
        shape=st.sampled_from(SHAPES), pick=PICK, kinds=PAIR_OF_KINDS, audited=st.booleans()
    )
    def begin(self, shape: dict, pick: int, kinds: tuple[str, str], audited: bool) -> None:
        self.world = world()
        self.hashes = list(boa.env.evm.patch.prev_hashes)
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.jobs: list[ProvableJob] = []
        self.sealed: dict[Place, list[bytes]] = {}
        self.final: dict[tuple[bytes, int], int] = {}
        self.paid: set[Place] = set()
        self.lost: dict[Place, str] = {}
        self.waiting: dict[bytes, int] = {}
        self.announced: set[bytes] = set()
        self.supply = self.world.token.totalSupply()
        self.stakes = {o.id: self.stake_of(o) for o in self.world.operators}
        self.slashed: Counter[int] = Counter()
        self.prover = boa.env.generate_address("watcher")
        self.won = self.repaid = 0
        self.post(shape, 0, 0)
        self.live(pick, kinds, audited, (True, True))

    def teardown(self) -> None:
        try:
            if hasattr(self, "jobs"):
                self.crank_everything()
        finally:
            if hasattr(self, "anchor"):
                self.anchor.__exit__(None, None, None)
                boa.env.evm.patch.prev_hashes = self.hashes

    # What people do

    @rule(shape=st.sampled_from(SHAPES), requester=st.integers(0, 2), slack=st.integers(0, 60))
    def post(self, shape: dict, requester: int, slack: int) -> None:
        if len(self.jobs) == MAX_JOBS:
            return
        terms = dict(shape)
        named = [o.id for o in self.world.operators[:5]] if terms.pop("named", False) else ()
        expiry = self.world.now + 4 * DAY + slack * HOUR
        self.jobs.append(self.world.post(requester, named, expiry=expiry, **terms))

    @rule(pick=PICK, kind=st.sampled_from(KINDS), way=st.sampled_from(["both", "claim", "seal"]))
    def work(self, pick: int, kind: str, way: str) -> None:
        """Take the open seat, seal the running one, or both at once."""
        phases = (Phase.RUNNING, Phase.AUDIT_RUNNING)
        if way != "seal":
            phases = (Phase.OPEN, Phase.AUDIT_OPEN)
        job, batch, word = self.batch_in(pick, *phases)
        if way == "seal":
            seat = SeatKind(int(word.phase == Phase.AUDIT_RUNNING))
            holder = self.operator(word.seat(seat)) if not word.is_final else None
            if holder is not None:
                self.seal(job, batch, holder, kind)
            return
        if word.phase not in phases or self.world.now >= self.world.until(job, batch):
            return
        self.world.wait(1)
        operator = self.whoever_may(job, batch)
        if operator is None:
            return
        if way == "claim":
            self.attempt(lambda: self.world.claim(job, operator, batch))
            return
        event("audit sealed" if word.phase == Phase.AUDIT_OPEN else "sealed")
        values = self.values(job, batch, kind)
        if self.attempt(lambda: self.world.claim_sealed(job, operator, values, batch)):
            self.sealed[job.key, batch, word.round, operator.id] = values

    @rule(
        pick=PICK,
        kinds=PAIR_OF_KINDS,
        audited=st.booleans(),
        opens=st.tuples(st.booleans(), st.booleans()),
    )
    def live(
        self, pick: int, kinds: tuple[str, str], audited: bool, opens: tuple[bool, bool]
    ) -> None:
        """Bring a batch as far as its seats' openings, with an auditor or without."""
        if not any(
            self.word(job, batch).phase == Phase.OPEN
            and self.world.now < self.world.until(job, batch)
            for job in self.jobs
            for batch in range(job.terms.batches)
        ):
            self.post(SHAPES[pick % len(SHAPES)], pick % 3, pick % 60)
        self.work(pick, kinds[0], "both")
        self.draw(pick, audited, False)
        self.work(pick, kinds[1], "both")
        for auditor in (False, True):
            if opens[auditor]:
                self.reveal(pick, auditor)
            if pick % 3 == 0:  # else somebody may still do it, or nobody
                self.convict(pick, auditor, pick % 2 == 0, 0)

    @rule(pick=PICK, audited=st.booleans(), opens=st.booleans())
    def draw(self, pick: int, audited: bool, opens: bool) -> None:
        job, batch, word = self.batch_in(pick, Phase.SEALED)
        if word.phase != Phase.SEALED:
            return
        if boa.env.evm.patch.block_number <= word.height + 256:
            self.world.draw(job, audited or job.terms.audit_bps == 10_000, batch)
        if opens:
            self.open(job, batch, self.operator(word.seat(SeatKind.OPERATOR)))
        else:
            self.advance(job, batch)

    @rule(pick=PICK, auditor=st.booleans())
    def reveal(self, pick: int, auditor: bool) -> None:
        job, batch, word = self.batch_in(pick, Phase.REVEAL)
        if word.is_final:
            return
        operator = self.operator(word.seat(SeatKind(int(auditor))))
        if operator is not None:
            self.open(job, batch, operator)

    @rule(pick=PICK, auditor=st.booleans(), announced=st.booleans(), task=st.integers(0, 3))
    def convict(self, pick: int, auditor: bool, announced: bool, task: int) -> None:
        """Accuse a seat of one of its tasks, right or wrong."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        if word.is_final:
            return
        operator = self.operator(word.seat(SeatKind(int(auditor))))
        if operator is None:
            return
        place = (job.key, batch, word.round, operator.id)
        tasks = job.terms.tasks_in(batch)
        task = tasks[task % len(tasks)]
        values = job.opened.get(place[1:], [])
        proof = repr((place, task)).encode()
        if announced:
            self.attempt(lambda: self.world.announce(self.prover, proof))  # once is enough
            self.world.wait(PRIORITY)
            self.announced.add(proof)
        charge = self.world.charge(job, operator, batch, task=task)
        call = (job.members, job.source, charge, values, proof)
        if self.attempt(lambda: self.world.jobs.convict(*call, sender=self.prover)):
            position = task - tasks[0]
            assert values[position] != job.truths(batch)[position]
            bond = BOND * len(tasks)
            self.lose(place, bond, "convicted")
            self.repaid += bond // 10
            if proof in self.announced:  # also by an accusation that failed then
                self.won += bond * 2 // 5
            else:
                self.waiting[self.world.seat(job, operator, word.round, batch)] = bond * 2 // 5

    @rule(pick=PICK)
    def release_bounty(self, pick: int) -> None:
        if not self.waiting:
            return
        seat = sorted(self.waiting)[pick % len(self.waiting)]
        if self.attempt(lambda: self.world.jobs.release_bounty(seat)):
            self.won += self.waiting.pop(seat)

    @rule(
        pick=PICK,
        way=st.sampled_from(["settle", "accept", "advance", "advance", "expire", "cancel"]),
    )
    def crank(self, pick: int, way: str) -> None:
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
            self.attempt(lambda: self.world.jobs.expire(job.members, [batch]))
        elif pick % 3 == 0:  # else nothing would live long
            call = (job.members, job.origin_members, [batch])
            self.attempt(lambda: self.world.jobs.cancel(*call, sender=job.payer))

    @rule(pick=PICK, auditor=st.booleans(), way=st.sampled_from(["hold", "release", "silence"]))
    def demand(self, pick: int, auditor: bool, way: str) -> None:
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        if word.is_final or word.phase < Phase.REVEAL:
            return
        seat = SeatKind(int(auditor))
        operator, demands = word.seat(seat), self.world.demands
        if way == "hold":
            until = self.world.now + HOUR
            self.attempt(lambda: demands.hold(job.members, batch, operator, until))
        elif way == "release":
            demands.release(job.members, batch, word.round, operator)
        else:
            counts = word.fates[seat] == Fate.OPENED and word.held[seat]
            demands.silence(job.members, batch, word.round, operator)
            if counts:
                bond = BOND * len(job.terms.tasks_in(batch))
                self.lose((job.key, batch, word.round, operator), bond, "unserved")

    @rule(
        pick=PICK,
        seconds=st.sampled_from([1, HOUR // 3, HOUR]),
        blocks=st.integers(1, 300),
        deadline=st.booleans(),
    )
    def wait(self, pick: int, seconds: int, blocks: int, deadline: bool) -> None:
        """Let time pass, or go to just before or right on the end of some batch's window."""
        until = self.word(*(where := self.any_batch(pick))).until(where[0].terms)
        if deadline and until is not None:
            self.world.go_to(max(self.world.now + 1, until - pick % 2))
        else:
            self.world.wait(seconds, blocks)

    # What must stay true (docs/protocol.md, section 7)

    @invariant()
    def vaults_hold_what_they_owe(self) -> None:  # 1
        if not hasattr(self, "jobs"):
            return
        w = self.world
        kept = sum(self.waiting.values())
        assert w.staking.kept_for(w.jobs) == kept
        stakes = sum(self.stake_of(o) for o in w.operators)
        assert w.token.balanceOf(w.staking) == (stakes + kept) * 10**9
        assert w.token.balanceOf(self.prover) == self.won * 10**9
        owed = sum(w.left(job) for job in self.jobs) + w.escrow.fees_of(0)
        owed += sum(w.escrow.credit_of(payer, 0) for payer in w.requesters)
        owed += sum(w.credit(o) + w.escrow.operator_fees(o.id, 0) for o in w.operators)
        assert w.token.balanceOf(w.escrow) == owed
        gone = sum(self.slashed.values()) - self.won - self.repaid - kept
        assert self.supply - w.token.totalSupply() == gone * 10**9

    @invariant()
    def a_final_batch_is_final(self) -> None:  # 2
        for (key, batch), word in getattr(self, "final", {}).items():
            assert self.world.views.batch_of(key, batch) == word
        for place in getattr(self, "paid", ()):
            assert place not in self.lost

    @invariant()
    def escrow_holds_the_reserve_of_what_is_not_final(self) -> None:  # 2, 6
        for job in getattr(self, "jobs", ()):
            open_tasks = sum(
                len(job.terms.tasks_in(batch))
                for batch in range(job.terms.batches)
                if not self.word(job, batch).is_final
            )
            assert self.world.left(job) == reserve(job.terms, open_tasks)

    @invariant()
    def lanes_hold_the_bonds_in_play(self) -> None:  # 3
        if not hasattr(self, "jobs"):
            return
        bonds: Counter[int] = Counter()
        for job in self.jobs:
            for batch in range(job.terms.batches):
                bond = BOND * len(job.terms.tasks_in(batch))
                for operator in in_play(self.word(job, batch)):
                    bonds[operator] += bond
        for operator in self.world.operators:
            lane = self.world.staking.lane(operator.id, self.world.jobs)
            assert lane == STANDING + bonds[operator.id]
            stake = self.stake_of(operator)
            assert lane <= stake == self.stakes[operator.id] - self.slashed[operator.id]

    def crank_everything(self) -> None:  # 4
        """Bring every batch to its end by calls that anyone may make."""
        for job in self.jobs:
            for batch in range(job.terms.batches):
                self.crank_to_the_end(job, batch)
        self.vaults_hold_what_they_owe()
        self.lanes_hold_the_bonds_in_play()
        assert all(self.world.left(job) == 0 for job in self.jobs)


class TestProvableJobs(ProvableMachine.TestCase):
    if settings().max_examples == 25:  # the ci profile: a proof costs this machine a court's run
        settings = settings(max_examples=12, stateful_step_count=30)
    else:
        settings = settings()

    def setUp(self) -> None:
        # Before the examples, so that no example's end rolls it back; the end of the test does.
        world.cache_clear()
        world()
