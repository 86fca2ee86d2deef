"""How people live with replicated jobs: who posts, works, lies, falls silent or gives up."""

from hypothesis import event

from tests.contracts.jobs_world import HOUR, NO_PERMIT, Job, Operator, World, digests, salt_of
from tests.contracts.stateful.life import attempt
from worker.protocol.record import FAILED, blind
from worker.protocol.settled import Result
from worker.protocol.words import BatchWord, OnDissent, RoundWord, SeatOutcome, final_word

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
ACTS = ["seat", "reveal", "settle", "conclude", "accept"]
ENDS = ["raise", "cancel", "expire"]
MAX_JOBS = 12

Where = tuple[Job, int]


class ReplicatedPlay:
    """The jobs of a life, and what their seats will open."""

    def __init__(self, world: World, tokens: int = 1) -> None:
        self.world = world
        self.tokens = tokens
        self.jobs: list[Job] = []
        self.sealed: dict[tuple[bytes, int, int, int], list[bytes]] = {}
        self.settled: list[tuple[Job, int, Result]] = []

    # What people do

    def post(self, shape: dict, requester: int, slack: int) -> bool:
        """Post a job of some shape, unless there are many."""
        if len(self.jobs) == MAX_JOBS:
            return False
        terms = dict(shape)
        named = [o.id for o in self.world.operators[:6]] if terms.pop("named", False) else ()
        terms = {
            "expiry": self.world.now + (12 + slack) * HOUR,
            "token": slack % self.tokens,
            "fee_bps": self.world.escrow.fee_bps(),
            **terms,
        }
        return attempt(lambda: self.jobs.append(self.world.post(requester, named, **terms)))

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
        else:
            self.accept(pick)

    def take_a_seat(self, pick: int, who: int, kind: str) -> None:
        job, batch = self.any_batch(pick)
        operator = self.world.operators[who]
        if pick % 2:
            attempt(lambda: self.world.claim(job, operator, batch))
            return
        results = self.results(job, batch, kind)
        if attempt(lambda: self.world.claim_sealed(job, operator, results, batch)):
            self.note_seal(job, operator, batch, kind)

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
            if kind != "idle":
                self.seal(job, operator, batch, kind)
        if pick % 3:
            self.open_all(job, batch, skip=pick % 10)
        if pick % 2:
            self.settle_one(job, batch)

    def conclude(self, pick: int) -> None:
        job, batch = self.any_batch(pick)
        word = self.world.batch(job, batch)
        values = [blind(s) for s in self.results(job, batch, "truth")]
        salts = [salt_of(operator, word.round) for operator in word.operators]
        if attempt(lambda: self.world.jobs.conclude(job.members, batch, values, salts)):
            self.note_settlement(job, batch)

    def accept(self, pick: int) -> None:
        job, batch = self.any_batch(pick)
        word = self.world.batch(job, batch)
        where = (batch, word.round, word.operators[0] if word.operators else 0)
        values = job.opened.get(where, [])
        call = (job.members, job.origin_members, batch, values)
        if attempt(lambda: self.world.jobs.accept(*call, sender=job.payer)):
            self.note_settlement(job, batch)

    def give_up(self, pick: int, way: str) -> None:
        """Let a payer raise or cancel, or anyone expire a batch."""
        job, batch = self.any_batch(pick)
        jobs, origin = self.world.jobs, job.origin_members
        if way == "raise":
            price = self.price_of(job, batch) + 10**15
            parts = (job.members, origin, [batch], price, NO_PERMIT)
            attempt(lambda: jobs.raise_price(*parts, sender=job.payer))
        elif way == "cancel" and pick % 3:  # else nothing would live long
            attempt(lambda: jobs.cancel(job.members, origin, [batch], sender=job.payer))
        else:
            attempt(lambda: jobs.expire(job.members, [batch]))

    def deadline(self, pick: int, which: int) -> int:
        """Return when some window of a batch ends."""
        clock = self.world.clock(*self.any_batch(pick))
        return (clock.claim_until, clock.run_until, clock.reveal_until)[which]

    # How

    def any_batch(self, pick: int) -> Where:
        """Return a batch that is not final; of a new job when there is none
        and not too many are done."""
        batches = [(job, b) for job in self.jobs for b in range(job.terms.batches)]
        running = [(job, b) for job, b in batches if not self.world.batch(job, b).is_final]
        if not running and len(batches) < MAX_JOBS:
            self.post(SHAPES[pick % len(SHAPES)], pick % 3, pick % 20)
            return self.jobs[-1], 0
        chosen = running or batches
        return chosen[pick % len(chosen)]

    def price_of(self, job: Job, batch: int) -> int:
        draw = self.world.jobs.round_of(job.key, batch)
        return RoundWord.unpack(draw).price if draw else job.terms.price

    def holders(self, job: Job, batch: int) -> list[Operator]:
        word = self.world.batch(job, batch)
        by_id = {operator.id: operator for operator in self.world.operators}
        return [by_id[word.operators[seat]] for seat in word.running_seats()]

    def results(self, job: Job, batch: int, kind: str) -> list[bytes]:
        """Return what a seat finds: a lie differs from the truth in some tasks only."""
        truth = digests("truth", len(job.terms.tasks_in(batch)))
        if kind == "truth":
            return truth
        return [FAILED if kind == "failed" else digests(kind, 1)[0], *truth[1:]]

    def note_seal(self, job: Job, operator: Operator, batch: int, kind: str) -> None:
        number = self.world.batch(job, batch).round
        self.sealed[job.key, batch, number, operator.id] = self.results(job, batch, kind)

    def fill(self, job: Job, batch: int, pick: int) -> None:
        clock = self.world.clock(job, batch)
        released = clock.opened_at + 2 * job.terms.claim // 3 + 1
        if self.world.now < released:
            self.world.go_to(released)
        shift = pick % len(self.world.operators)
        for operator in self.world.operators[shift:] + self.world.operators[:shift]:
            attempt(lambda operator=operator: self.world.claim(job, operator, batch))

    def seal(self, job: Job, operator: Operator, batch: int, kind: str) -> None:
        results = self.results(job, batch, kind)
        if attempt(lambda: self.world.seal(job, operator, results, batch)):
            self.note_seal(job, operator, batch, kind)

    def reveal_one(self, job: Job, batch: int, operator: Operator) -> None:
        number = self.world.batch(job, batch).round
        results = self.sealed.get((job.key, batch, number, operator.id))
        if results is not None:
            attempt(lambda: self.world.reveal(job, operator, results, batch))

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
        call = (job.members, batch, *self.world.answers(job, batch))
        done = attempt(lambda: self.world.jobs.settle(*call))
        if done:
            self.note_settlement(job, batch)
        return done

    def note_settlement(self, job: Job, batch: int) -> None:
        """Nobody is both paid and slashed for one seat and task (invariant 2)."""
        log = self.world.settled(job)
        price, bond = self.price_of(job, batch), job.terms.bond
        masks = (log.paid_mask, log.failed_mask, log.tied_mask, log.contested_mask)
        for kind, mask in zip(("paid", "failed", "tied", "contested"), masks, strict=True):
            if mask:
                event(f"{kind} in {'growth' if log.round and kind != 'contested' else 'base'}")
        assert sum(mask.bit_count() for mask in masks) == _union(masks).bit_count()
        for seat in map(SeatOutcome.unpack, log.seats):
            tasks = -(-(seat.burnt + seat.released) // bond)
            assert -(-seat.paid // price) + -(-seat.burnt // bond) <= max(tasks, 1)
        self.result_is_kept(job, batch, log, price)

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
        if result.mask:
            self.settled.append((job, batch, result))

    def crank_everything(self) -> None:
        """With nobody's help but a crank's, everything ends."""
        for _ in range(3):
            for job in self.jobs:
                for batch in range(job.terms.batches):
                    self.crank(job, batch)

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
