"""What Escrow owes in each token, as its events and those of the services tell it. Wei."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from boa.contracts.vyper.vyper_contract import VyperContract
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.ledger.recorder import Fact

NETWORK_TOKEN = 0
BPS = 10_000


class Name(NamedTuple):
    """What tells one agreement from all others."""

    service: str
    reference: bytes
    token: int
    expiry: int
    fee_bps: int

    @property
    def key(self) -> bytes:
        """Where Escrow keeps it."""
        types = ["address", "bytes32", "uint256", "uint256", "uint256"]
        return keccak(encode(types, self))


@dataclass
class Agreement:
    """A payer's money that a service may spend."""

    name: Name
    payer: str
    left: int


@dataclass
class Money:
    """Agreements by key, and credits by whom and token."""

    agreements: dict[bytes, Agreement] = field(default_factory=dict)
    credit: Counter[tuple[str, int]] = field(default_factory=Counter)
    operator_credit: Counter[tuple[int, int]] = field(default_factory=Counter)
    operator_fees: Counter[tuple[int, int]] = field(default_factory=Counter)
    fees: Counter[int] = field(default_factory=Counter)
    burnt: int = 0

    def owed(self, token: int) -> int:
        """Return what Escrow must hold of a token."""
        owed = sum(a.left for a in self.agreements.values() if a.name.token == token)
        for credits in (self.credit, self.operator_credit, self.operator_fees):
            owed += sum(amount for (_, of), amount in credits.items() if of == token)
        return owed + self.fees[token]

    # What services do

    def open(self, name: Name, payer: str, amount: int) -> None:
        """A service took money in."""
        known = self.agreements.get(name.key)
        assert known is None or known.left == 0
        self.agreements[name.key] = Agreement(name, payer, amount)

    def top_up(self, name: Name, amount: int) -> None:
        """A service took more."""
        self.agreements[name.key].left += amount

    def pay(self, name: Name, items: list[tuple[int, int]], refund: int, burn: int = 0) -> None:
        """Pay operators, then burn, then refund, each at most what is left (invariant 2)."""
        agreement = self.agreements[name.key]
        token = name.token
        for operator, wanted in items:
            amount = min(wanted, agreement.left)
            fee = amount * name.fee_bps // BPS
            self.operator_credit[operator, token] += amount - fee
            self.operator_fees[operator, token] += fee
            agreement.left -= amount
        burnt = min(burn, agreement.left)
        refunded = min(refund, agreement.left - burnt)
        agreement.left -= burnt + refunded
        self.credit[agreement.payer, token] += refunded
        if token == NETWORK_TOKEN:
            self.burnt += burnt
        else:
            self.fees[token] += burnt

    # Events

    def agreement_reclaimed(self, fact: Fact) -> None:
        agreement = self.agreements[fact.args["agreement"]]
        assert (agreement.payer, agreement.left) == (fact.args["payer"], fact.args["amount"])
        agreement.left = 0
        self.credit[agreement.payer, agreement.name.token] += fact.args["amount"]

    def credit_withdrawn(self, fact: Fact) -> None:
        amount = self.credit.pop((fact.args["account"], fact.args["token"]))
        assert amount == fact.args["amount"]

    def operator_credit_withdrawn(self, fact: Fact) -> None:
        place = fact.args["id"], fact.args["token"]
        assert self.operator_credit.pop(place) == fact.args["amount"]
        self.fees[fact.args["token"]] += self.operator_fees.pop(place)

    def fees_collected(self, fact: Fact) -> None:
        assert self.fees.pop(fact.args["token"]) == fact.args["amount"]

    # Views

    def check(self, escrow: VyperContract) -> None:
        """Compare with what the contract says."""
        for agreement in self.agreements.values():
            service, reference, token, *rest = agreement.name
            payer, left = escrow.agreement(service, token, reference, *rest)
            assert left == agreement.left
            assert not left or payer == agreement.payer
        for place, amount in self.credit.items():
            assert escrow.credit_of(*place) == amount
        for place, amount in self.operator_credit.items():
            assert escrow.operator_credit(*place) == amount
            assert escrow.operator_fees(*place) == self.operator_fees[place]
        for token, amount in self.fees.items():
            assert escrow.fees_of(token) == amount
