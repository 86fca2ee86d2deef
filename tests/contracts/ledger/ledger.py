"""The state of a whole network rebuilt from events alone, and its invariants (protocol.md §7).

Services tell what happened to seats and money, the vaults only what no service knows; whoever
indexes the network has nothing else. What the books come to is compared with the contracts.
"""

import re
from collections import Counter
from typing import Any

import boa

from tests.contracts.ledger.demands import Demands
from tests.contracts.ledger.money import NETWORK_TOKEN, Money
from tests.contracts.ledger.provable import Provable
from tests.contracts.ledger.recorder import Fact
from tests.contracts.ledger.replicated import Replicated
from tests.contracts.ledger.stakes import Stakes
from tests.contracts.stateful.network import GWEI, SUPPLY, Network

NOBODY = "0x" + "00" * 20
SETTINGS = {
    "fee_set": "fee_bps",
    "fee_sink_set": "fee_sink",
    "guardian_set": "guardian",
    "postings_paused": "paused_until",
    "unbonding_set": "unbonding",
    "minimum_stake_set": "minimum_stake",
    "weight_cap_set": "weight_cap",
    "leverage_set": "leverage",
    "burn_share_set": "burn_bps",
    "emission_rate_set": "rate_bps",
    "treasury_set": "treasury",
    "least_audit_set": "least_audit_bps",
    "capture_set": "capture_bps",
    "gas_price_set": "gas_price",
}
"""Events that tell the new value of a parameter, and its view."""
UNREAD = {
    "approval",
    "court_admitted",
    "court_announced",
    "genesis_sealed",
    "ownership_transferred",
    "proof_announced",
    "rate_set",
    "role_minter_changed",
    "service_announced",
    "service_left",
    "token_listed",
    "votes_changed",
}
"""Events about what these books do not keep."""


class Coins:
    """Who has how much of the network token."""

    def __init__(self) -> None:
        self.balance: Counter[str] = Counter()
        self.supply = 0

    def transfer(self, fact: Fact) -> None:
        sender, receiver, value = (fact.args[part] for part in ("sender", "receiver", "value"))
        self.balance[sender] -= value
        self.balance[receiver] += value
        if NOBODY in (sender, receiver):
            self.supply += value if sender == NOBODY else -value

    def check(self, token) -> None:
        """Compare with what the token says: all that exists belongs to somebody."""
        assert token.totalSupply() == self.supply
        for account, amount in self.balance.items():
            assert account == NOBODY or token.balanceOf(account) == amount


class Ledger:
    """The books of a network. `given` came to a vault by plain transfer, by vault and token."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.coins, self.stakes, self.money = Coins(), Stakes(), Money()
        self.coins.balance[network.owner] = self.coins.supply = SUPPLY
        self.given: Counter[tuple[str, int]] = Counter()
        self.lanes: list[tuple[Any, Replicated | Provable]] = []
        self.settings: dict[tuple[str, str], Any] = {}
        self._books: dict[str, Any] = {}
        self._views: list[tuple[Any, Any]] = []
        self.keep(network.token, self.coins)
        self.keep(network.staking, self.stakes)
        self.keep(network.escrow, self.money)

    def keep(self, contract: Any, book: Any) -> None:
        """Fill a book with what a contract logs."""
        self._books[str(contract.address)] = book
        self._views.append((contract, book))

    def keep_lane(self, service: Any, book: type[Replicated] | type[Provable]) -> Any:
        """Keep the books of a service of jobs; return them."""
        kept = book(str(service.address), self.stakes, self.money)
        self.keep(service, kept)
        self.lanes.append((service, kept))
        return kept

    def keep_demands(self, contract: Any, lanes: tuple[Replicated, Provable]) -> None:
        """Keep the books of the demands on both lanes."""
        self.keep(contract, Demands(str(contract.address), self.money, lanes))

    def take(self, fact: Fact) -> None:
        """Book one event."""
        book = self._books.get(fact.contract)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", fact.name).lower()
        handler = getattr(book, name, None)
        if handler is not None:
            handler(fact)
        elif name in SETTINGS:
            (self.settings[fact.contract, SETTINGS[name]],) = fact.args.values()
        else:
            assert name in UNREAD, name

    # What must stay true

    def check_vaults(self) -> None:
        """The vaults hold what they owe and what was given, to the wei (invariant 1)."""
        staking, escrow = (str(v.address) for v in (self.network.staking, self.network.escrow))
        token, balance = self.network.token, self.coins.balance
        assert token.totalSupply() == self.coins.supply
        for vault, owed in (
            (staking, self.stakes.owed * GWEI),
            (escrow, self.money.owed(NETWORK_TOKEN)),
        ):
            assert token.balanceOf(vault) == balance[vault] == owed + self.given[vault, 0]
        for _, lane in self.lanes:
            for job in lane.terms:
                left = self.money.agreements[lane.name(job).key].left
                assert left in (lane.reserve(job), 0)

    def check(self) -> None:
        """Everything that events tell is what the views say (invariants 1, 2 and 3)."""
        self.check_vaults()
        for contract, book in self._views:
            book.check(contract)
        for (address, view), value in self.settings.items():
            contract = boa.env.lookup_contract(address)
            assert getattr(contract, view)() == value
