"""The batches of ProvableJobs, as their events tell them, and what they do to the vaults."""

from dataclasses import replace

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.money import Money, Name
from tests.contracts.ledger.recorder import Fact
from tests.contracts.ledger.stakes import Stakes
from worker.protocol.provable_words import (
    Fate,
    Phase,
    ProvableBatch,
    SeatKind,
    final_word,
    reserve,
    seat_key,
)
from worker.protocol.settled import Result
from worker.protocol.words import SeatOutcome, Terms

BatchId = tuple[bytes, int]
NEW = replace(ProvableBatch.unpack(0), seats=((0, 0),) * 3)
ACCEPTED = 1 << 254


class Provable:
    """All jobs of the service, and every batch that anything was heard of."""

    def __init__(self, service: str, stakes: Stakes, money: Money) -> None:
        self.service, self.stakes, self.money = service, stakes, money
        self.terms: dict[bytes, Terms] = {}
        self.payer: dict[bytes, str] = {}
        self.running: dict[BatchId, ProvableBatch] = {}
        self.final: dict[BatchId, int] = {}
        self.waiting: set[bytes] = set()

    def name(self, job: bytes) -> Name:
        """Return the agreement that pays for a job."""
        terms = self.terms[job]
        return Name(self.service, job, terms.token, terms.expiry, terms.fee_bps)

    def batch(self, place: BatchId) -> ProvableBatch:
        """Return a batch, which must not be over (invariant 2)."""
        assert place not in self.final
        return self.running.get(place, NEW)

    def bond(self, place: BatchId) -> int:
        """Return what each seat of a batch locks, gwei."""
        terms = self.terms[place[0]]
        return terms.bond * len(terms.tasks_in(place[1]))

    def job_posted(self, fact: Fact) -> None:
        job = fact.args["job"]
        terms = Terms.unpack(fact.args["a"], fact.args["b"], fact.args["named"], bytes(32))
        self.terms[job], self.payer[job] = terms, fact.args["payer"]
        self.money.open(self.name(job), fact.args["payer"], reserve(terms, terms.tasks))

    def seat_claimed(self, fact: Fact) -> None:
        place, operator = _place(fact), fact.args["operator"]
        batch = self.batch(place)
        assert not batch.had_seat(operator)
        kind = SeatKind.AUDITOR if batch.phase == Phase.AUDIT_OPEN else SeatKind.OPERATOR
        seats = [list(pair) for pair in batch.seats]
        seats[batch.round][kind] = operator
        self.running[place] = replace(
            batch,
            seats=tuple((first, second) for first, second in seats),
            phase=Phase(batch.phase + 1),
            since=fact.at,
        )
        self.stakes.lock(self.service, operator, self.bond(place))

    def result_sealed(self, fact: Fact) -> None:
        place = _place(fact)
        batch = self.batch(place)
        if batch.phase == Phase.RUNNING:
            after = replace(batch, phase=Phase.SEALED, since=fact.at, height=fact.height + 1)
        else:
            after = replace(batch, phase=Phase.REVEAL, since=fact.at)
        self.running[place] = after

    def result_revealed(self, fact: Fact) -> None:
        place = _place(fact)
        batch = self.batch(place)
        if batch.phase == Phase.SEALED:  # the draw spared it, which nothing else tells
            batch = _ended(batch, SeatKind.AUDITOR, Fate.GONE)
            self.running[place] = replace(batch, phase=Phase.REVEAL, since=fact.at)
        self._end(place, fact, Fate.OPENED)

    def seat_forfeited(self, fact: Fact) -> None:
        place = _place(fact)
        self.stakes.unlock(
            self.service, fact.args["operator"], fact.args["burnt"] + fact.args["released"]
        )
        # Where the batch went on to another round or ended with this, that is logged first.
        if place not in self.final and self.batch(place).round == fact.args["round"]:
            self._end(place, fact, Fate.GONE)

    def operator_convicted(self, fact: Fact) -> None:
        place, operator = _place(fact), fact.args["operator"]
        self.stakes.unlock(self.service, operator, fact.args["bond"])
        if not fact.args["announced"]:
            self.stakes.kept[self.service] += fact.args["bond"] * 2 // 5
            self.waiting.add(seat_key(*place, fact.args["round"], operator))
        self._end(place, fact, Fate.CONVICTED)

    def bounty_awarded(self, fact: Fact) -> None:
        self.waiting.remove(fact.args["seat"])
        self.stakes.kept[self.service] -= fact.args["amount"]

    def batch_advanced(self, fact: Fact) -> None:
        place, word = _place(fact), fact.args["word"]
        if word >> 255:
            assert self.final[place] == word
        else:
            self.running[place] = ProvableBatch.unpack(word)

    def round_opened(self, fact: Fact) -> None:
        place = _place(fact)
        self.running[place] = replace(
            NEW,
            seats=self.batch(place).seats,
            round=fact.args["round"],
            since=fact.args["opened_at"],
            height=fact.args["seed_height"],
        )

    def batch_closed(self, fact: Fact) -> None:
        self.batch(_place(fact))
        self.final[_place(fact)] = final_word(bytes(32), False)
        self.money.pay(self.name(fact.args["job"]), [], fact.args["refund"])

    def batch_settled(self, fact: Fact) -> None:
        place = _place(fact)
        batch, terms = self.batch(place), self.terms[place[0]]
        assert batch.held == (0, 0)
        seats = [SeatOutcome.unpack(word) for word in fact.args["seats"]]
        for seat in seats:
            self.stakes.unlock(self.service, seat.operator, seat.burnt + seat.released)
        paid = [(seat.operator, seat.paid) for seat in seats]
        left = reserve(terms, len(terms.tasks_in(place[1]))) - sum(wei for _, wei in paid)
        self.money.pay(self.name(place[0]), paid, left)
        result = Result.of_event(fact.args)
        accepted = fact.at < (batch.until(terms) or 0)
        self.final[place] = final_word(result.digest() if result.mask else bytes(32), accepted)

    def hold(self, place: BatchId, operator: int, change: int) -> None:
        """A demand on a seat was opened or answered; one of a seat that is over holds nothing."""
        if place in self.final:
            return
        batch = self.batch(place)
        kind = batch.seat_of(operator)
        if kind is not None and batch.fates[kind] == Fate.OPENED:
            held = list(batch.held)
            held[kind] += change
            self.running[place] = replace(batch, held=(held[0], held[1]))

    def _end(self, place: BatchId, fact: Fact, fate: Fate) -> None:
        """Give a seat its fate; with the second one the challenge begins."""
        batch = self.batch(place)
        kind = batch.seat_of(fact.args["operator"])
        assert kind is not None and batch.fates[kind] in (Fate.IN_PLAY, Fate.OPENED)
        batch = _ended(batch, kind, fate)
        if (
            batch.phase == Phase.REVEAL
            and Fate.IN_PLAY not in batch.fates
            and Fate.OPENED in batch.fates
        ):
            batch = replace(batch, phase=Phase.CHALLENGE, since=fact.at)
        self.running[place] = batch

    def reserve(self, job: bytes) -> int:
        """Return what a job's batches that are not over have set aside in Escrow."""
        terms = self.terms[job]
        numbers = [n for n in range(terms.batches) if (job, n) not in self.final]
        return reserve(terms, sum(len(terms.tasks_in(number)) for number in numbers))

    def check(self, service: VyperContract) -> None:
        """Compare with what the contract says: what is over never changes again (invariant 2)."""
        for (job, number), word in self.final.items():
            # Whether the payer accepted only after the challenge no event tells.
            assert service.batch_of(job, number) & ~ACCEPTED == word & ~ACCEPTED
            assert not word & ACCEPTED or service.batch_of(job, number) & ACCEPTED
        for (job, number), batch in self.running.items():
            if (job, number) not in self.final:
                assert ProvableBatch.unpack(service.batch_of(job, number)) == batch


def _place(fact: Fact) -> BatchId:
    return fact.args["job"], fact.args["batch"]


def _ended(batch: ProvableBatch, kind: SeatKind, fate: Fate) -> ProvableBatch:
    """Return the batch with a seat's fate; a seat that is over holds no demands."""
    fates, held = list(batch.fates), list(batch.held)
    fates[kind] = fate
    if fate != Fate.OPENED:
        held[kind] = 0
    return replace(batch, fates=(fates[0], fates[1]), held=(held[0], held[1]))
