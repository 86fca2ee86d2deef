"""The batches of ReplicatedJobs, as their events tell them, and what they do to the vaults."""

from dataclasses import dataclass, field

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.money import Money, Name
from tests.contracts.ledger.recorder import Fact
from tests.contracts.ledger.stakes import Stakes
from worker.protocol.settled import Result
from worker.protocol.words import BatchWord, SeatOutcome, Terms, final_word

BatchId = tuple[bytes, int]


@dataclass
class Batch:
    """What runs of a batch; `final` is its word when it is over."""

    price: int
    mask: int
    operators: list[int] = field(default_factory=list)
    sealed: int = 0
    opened: int = 0
    round: int = 0
    base: int = 0
    silent: int = 0
    opened_at: int = 0
    is_contested: bool = False
    final: int | None = None

    def seat(self, operator: int) -> int:
        """Return the bit of an operator's seat."""
        return 1 << self.operators.index(operator)


class Replicated:
    """All jobs of the service, and every batch that anything was heard of."""

    def __init__(self, service: str, stakes: Stakes, money: Money) -> None:
        self.service, self.stakes, self.money = service, stakes, money
        self.terms: dict[bytes, Terms] = {}
        self.payer: dict[bytes, str] = {}
        self.batches: dict[BatchId, Batch] = {}

    def name(self, job: bytes) -> Name:
        """Return the agreement that pays for a job."""
        terms = self.terms[job]
        return Name(self.service, job, terms.token, terms.expiry, terms.fee_bps)

    def batch(self, fact: Fact) -> Batch:
        """Return the batch that an event is about, which must not be over (invariant 2)."""
        job, number = place = fact.args["job"], fact.args["batch"]
        terms = self.terms[job]
        new = Batch(terms.price, terms.full_mask(number))
        batch = self.batches.setdefault(place, new)
        assert batch.final is None
        return batch

    def job_posted(self, fact: Fact) -> None:
        job = fact.args["job"]
        terms = Terms.unpack(fact.args["a"], fact.args["b"], fact.args["named"], bytes(32))
        self.terms[job], self.payer[job] = terms, fact.args["payer"]
        self.money.open(self.name(job), fact.args["payer"], terms.escrow)

    def seat_claimed(self, fact: Fact) -> None:
        batch = self.batch(fact)
        assert fact.args["operator"] not in batch.operators
        batch.operators.append(fact.args["operator"])
        bond = batch.mask.bit_count() * self.terms[fact.args["job"]].bond
        self.stakes.lock(self.service, fact.args["operator"], bond)

    def result_sealed(self, fact: Fact) -> None:
        batch = self.batch(fact)
        batch.sealed |= batch.seat(fact.args["operator"])

    def result_revealed(self, fact: Fact) -> None:
        batch = self.batch(fact)
        batch.opened |= batch.seat(fact.args["operator"])

    def round_opened(self, fact: Fact) -> None:
        batch, args = self.batch(fact), fact.args
        if batch.is_contested:  # growth: the base seats stay
            batch.base = len(batch.operators)
            batch.silent = ((1 << batch.base) - 1) & ~batch.opened
            batch.is_contested = False
        else:  # a raise: the seats of the unfilled round are given up
            self._release_all(args["job"], batch)
            added = (args["price"] - batch.price) * self.terms[args["job"]].max_seats
            self.money.top_up(self.name(args["job"]), batch.mask.bit_count() * added)
            batch.operators, batch.sealed = [], 0
        batch.price, batch.mask = args["price"], args["mask"]
        batch.round, batch.opened_at = args["round"], args["opened_at"]

    def batch_settled(self, fact: Fact) -> None:
        batch, args = self.batch(fact), fact.args
        terms = self.terms[args["job"]]
        seats = [SeatOutcome.unpack(word) for word in args["seats"]]
        for seat in seats:
            self.stakes.unlock(self.service, seat.operator, seat.burnt + seat.released)
        contested = args["contested_mask"]
        decided = (batch.mask & ~contested).bit_count()
        burn = args["tied_mask"].bit_count() * (batch.price // 10)
        paid = [(seat.operator, seat.paid) for seat in seats]
        refund = decided * terms.max_seats * batch.price - burn - sum(wei for _, wei in paid)
        self.money.pay(self.name(args["job"]), paid, refund, burn)
        if contested:
            batch.is_contested = True
        else:
            result = Result.of_event(args)
            batch.final = final_word(result.digest() if result.mask else bytes(32))

    def batch_closed(self, fact: Fact) -> None:
        batch, job = self.batch(fact), fact.args["job"]
        self._release_all(job, batch)
        self.money.pay(self.name(job), [], fact.args["refund"])
        batch.final = final_word(bytes(32))

    def _release_all(self, job: bytes, batch: Batch) -> None:
        bond = batch.mask.bit_count() * self.terms[job].bond
        for operator in batch.operators:
            self.stakes.unlock(self.service, operator, bond)

    def reserve(self, job: bytes) -> int:
        """Return what a job's batches that are not over have set aside in Escrow."""
        terms, total = self.terms[job], 0
        for number in range(terms.batches):
            batch = self.batches.get((job, number))
            if batch is None:
                total += len(terms.tasks_in(number)) * terms.max_seats * terms.price
            elif batch.final is None:
                total += batch.mask.bit_count() * terms.max_seats * batch.price
        return total

    def check(self, service: VyperContract) -> None:
        """Compare with what the contract says: what is over never changes again (invariant 2)."""
        for (job, number), batch in self.batches.items():
            word = service.batch_of(job, number)
            if batch.final is not None:
                assert word == batch.final
                continue
            seen = BatchWord.unpack(word)
            assert seen == BatchWord(
                tuple(batch.operators),
                batch.sealed,
                batch.round,
                batch.base,
                False,
                batch.silent,
                batch.opened_at,
            )
