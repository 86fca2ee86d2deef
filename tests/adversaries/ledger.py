"""What every account must have, worked out from what happened and from the protocol alone.

The chain's events say who did what: posted, claimed, sealed, opened, proved, demanded, fell silent.
What that costs or earns is not read off them but computed here, to the wei, so that the contracts'
own sums can be held against it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.adversaries.provable import ProvableBatch
from tests.adversaries.replicated import SILENT, ReplicatedBatch
from worker.chain.contracts import Event
from worker.protocol.provable_words import reserve, seat_key
from worker.protocol.words import GWEI, Origin, Terms
from worker.types import Gwei, Wei

CONVICTED, UNDECIDED, UNDELIVERED = "convicted", "undecided", "undelivered"
"""Why stake is burnt, beside the reasons of replicated batches."""

_BPS = 10_000
_SEATS = ("SeatClaimed", "ResultSealed", "ResultRevealed", "RoundOpened")

BatchKey = tuple[bytes, int]


@dataclass
class Job:
    """A posted job: whose, where, and on which terms."""

    payer: str
    service: str
    terms: Terms


@dataclass(frozen=True)
class Loan:
    """The bond of an open demand, as it was logged: whose, how much, who is asked until when, about
    which job; `demand` is what the contract wants back. `is_trace`: else it is for outputs."""

    demander: str
    amount: Wei
    fee_bps: int
    operator: int
    due: int
    job: bytes
    demand: Any
    is_trace: bool


@dataclass
class Ledger:
    """Changes since the first event, by account. `stakes` are gwei, all else is wei; `earned` is
    what operators were paid before the fee and `burnt` what their stakes lost."""

    standing: Gwei
    """The bond that each service keeps of an operator."""

    wallets: Counter[str] = field(default_factory=Counter)
    credits: Counter[str] = field(default_factory=Counter)
    operator_credits: Counter[int] = field(default_factory=Counter)
    operator_fees: Counter[int] = field(default_factory=Counter)
    stakes: Counter[int] = field(default_factory=Counter)
    jobs: dict[bytes, Job] = field(default_factory=dict)
    replicated: dict[BatchKey, ReplicatedBatch] = field(default_factory=dict)
    provable: dict[BatchKey, ProvableBatch] = field(default_factory=dict)
    loans: dict[bytes, Loan] = field(default_factory=dict)
    """By the ids of demands that are open."""

    why: dict[int, Counter[str]] = field(default_factory=dict)
    """Why operators lost stake, gwei by reason."""

    _bounties: dict[bytes, Wei] = field(default_factory=dict)
    _forfeited: set[tuple[int, str]] = field(default_factory=set)

    def kept_bonds(self, operator: int, services: int) -> Gwei:
        """Return what the operator's standing bonds for so many services must still be."""
        gone = sum(one == operator for one, _ in self._forfeited)
        return Gwei((services - gone) * self.standing)

    def book(self, event: Event) -> None:
        """Take in the next event."""
        if event.name in _SEATS:
            self._batch(event).follow(event)
            return
        entry: Callable[[Event], None] | None = getattr(self, f"_{event.name}", None)
        if entry is not None:
            entry(event)

    @property
    def open_batches(self) -> list[BatchKey]:
        """The batches that were never ended, those that nobody touched included."""
        batches: dict[BatchKey, Any] = {**self.replicated, **self.provable}
        return [
            (key, number)
            for key, job in self.jobs.items()
            for number in range(job.terms.batches)
            if (key, number) not in batches or not batches[key, number].is_over
        ]

    def _batch(self, event: Event) -> ReplicatedBatch | ProvableBatch:
        key, number = event.args["job"], event.args["batch"]
        terms = self.jobs[key].terms
        if event.contract == "ProvableJobs":
            return self.provable.setdefault((key, number), ProvableBatch(terms, number))
        return self.replicated.setdefault((key, number), ReplicatedBatch(terms, number))

    # Entries, by the names of events

    def _JobPosted(self, event: Event) -> None:
        args = event.args
        origin = Origin(args["nonce"], args["program"], args["inputs"], args["manifest"])
        terms = Terms.unpack(args["a"], args["b"], args["named"], origin.digest(args["payer"]))
        self.jobs[args["job"]] = Job(args["payer"], event.contract, terms)
        is_provable = event.contract == "ProvableJobs"
        cost = reserve(terms, terms.tasks) if is_provable else terms.escrow
        self.wallets[args["payer"]] -= cost

    def _BatchSettled(self, event: Event) -> None:
        batch, job = self._batch(event), self.jobs[event.args["job"]]
        if isinstance(batch, ReplicatedBatch):
            result = batch.settle(event.args["settled_at"])
            for index, seat in result.seats.items():
                self._pay(batch.seats[index], seat.paid, job.terms.fee_bps)
                self._burn(batch.seats[index], seat.burnt, batch.reason(index, result))
            self.credits[job.payer] += result.refund
            return
        ending = batch.settle()
        for operator, paid in ending.paid.items():
            self._pay(operator, paid, job.terms.fee_bps)
        for operator, burnt in ending.burnt.items():
            self._burn(operator, burnt, UNDECIDED)
        self.credits[job.payer] += ending.refund

    def _BatchClosed(self, event: Event) -> None:
        batch, job = self._batch(event), self.jobs[event.args["job"]]
        batch.is_over = True
        if isinstance(batch, ProvableBatch):
            self.credits[job.payer] += batch.reserve
        else:
            tasks = len(job.terms.tasks_in(batch.number))
            self.credits[job.payer] += tasks * job.terms.max_seats * batch.price

    def _SeatForfeited(self, event: Event) -> None:
        batch = self._batch(event)
        assert isinstance(batch, ProvableBatch)
        operator = event.args["operator"]
        self._burn(operator, batch.fall_silent(operator), SILENT)

    def _OperatorConvicted(self, event: Event) -> None:
        args, batch = event.args, self._batch(event)
        assert isinstance(batch, ProvableBatch)
        bond = batch.convict(args["operator"])
        self._burn(args["operator"], bond, CONVICTED)
        self.wallets[self.jobs[args["job"]].payer] += bond // 10 * GWEI
        bounty = Wei(bond * 2 // 5 * GWEI)
        if args["announced"]:
            self.wallets[args["prover"]] += bounty
        else:
            seat = seat_key(args["job"], args["batch"], args["round"], args["operator"])
            self._bounties[seat] = bounty

    def _BountyAwarded(self, event: Event) -> None:
        self.wallets[event.args["prover"]] += self._bounties.pop(event.args["seat"])

    def _TraceDemanded(self, event: Event) -> None:
        self._lend(event, event.args["demander"], event.args["demand"], is_trace=True)

    def _OutputDemanded(self, event: Event) -> None:
        payer = self.jobs[event.args["job"]].payer
        self._lend(event, payer, event.args["delivery"], is_trace=False)

    def _DemandAnswered(self, event: Event) -> None:
        loan = self.loans.pop(event.args["id"])
        self._pay(loan.operator, Wei(2 * loan.amount // 3), loan.fee_bps)

    _OutputAnswered = _DemandAnswered

    def _DemandClosed(self, event: Event) -> None:
        loan = self.loans.pop(event.args["id"])
        self.credits[loan.demander] += loan.amount

    def _OutputForfeited(self, event: Event) -> None:
        loan = self.loans[event.args["id"]]
        self._DemandClosed(event)
        service = self.jobs[loan.job].service
        if (loan.operator, service) not in self._forfeited:
            self._forfeited.add((loan.operator, service))
            self._burn(loan.operator, self.standing, UNDELIVERED)

    def _lend(self, event: Event, demander: str, demand: Any, *, is_trace: bool) -> None:
        due, amount, fee_bps = demand[-1]
        self.wallets[demander] -= amount
        operator, job = event.args["operator"], event.args["job"]
        loan = Loan(demander, Wei(amount), fee_bps, operator, due, job, demand, is_trace)
        self.loans[event.args["id"]] = loan

    def _pay(self, operator: int, amount: Wei, fee_bps: int) -> None:
        fee = amount * fee_bps // _BPS
        self.operator_credits[operator] += amount - fee
        self.operator_fees[operator] += fee

    def _burn(self, operator: int, amount: Gwei, reason: str) -> None:
        if amount:
            self.stakes[operator] -= amount
            self.why.setdefault(operator, Counter())[reason] += amount
