"""Demands and their bonds, as the events of Demands tell them."""

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.money import NETWORK_TOKEN, Money, Name
from tests.contracts.ledger.provable import Provable
from tests.contracts.ledger.recorder import Fact
from tests.contracts.ledger.replicated import Replicated
from worker.protocol.deliveries import Delivery
from worker.protocol.demands import Bond, Demand

OVER = (1).to_bytes(32, "big")


class Demands:
    """Every demand that was ever made, by its id; open ones with what they are about."""

    def __init__(self, address: str, money: Money, lanes: tuple[Replicated, Provable]) -> None:
        self.address, self.money = address, money
        self.replicated, self.provable = lanes
        self.asked: dict[bytes, tuple[bytes, Demand]] = {}
        self.owed: dict[bytes, Delivery] = {}
        self.open: set[bytes] = set()

    def trace_demanded(self, fact: Fact) -> None:
        number, demand = fact.args["id"], Demand.of(fact.args["demand"])
        self.asked[number] = fact.args["job"], demand
        self._begin(number, demand.bond, fact.args["demander"])
        place = fact.args["job"], demand.seat.batch
        self.provable.hold(place, demand.seat.operator, 1)

    def demand_answered(self, fact: Fact) -> None:
        job, demand = self.asked[fact.args["id"]]
        self._reward(fact.args["id"], demand.bond, demand.seat.operator)
        self.provable.hold((job, demand.seat.batch), demand.seat.operator, -1)

    def demand_closed(self, fact: Fact) -> None:
        self._return(fact.args["id"], self.asked[fact.args["id"]][1].bond)

    def output_demanded(self, fact: Fact) -> None:
        delivery = Delivery.of(fact.args["delivery"])
        self.owed[fact.args["id"]] = delivery
        lanes = (self.replicated, self.provable)
        payer = next(lane.payer[delivery.job] for lane in lanes if delivery.job in lane.payer)
        self._begin(fact.args["id"], delivery.bond, payer)

    def output_answered(self, fact: Fact) -> None:
        delivery = self.owed[fact.args["id"]]
        self._reward(fact.args["id"], delivery.bond, delivery.debt.operator)

    def output_forfeited(self, fact: Fact) -> None:
        self._return(fact.args["id"], self.owed[fact.args["id"]].bond)

    def _name(self, number: bytes, bond: Bond) -> Name:
        return Name(self.address, number, NETWORK_TOKEN, bond.due, bond.fee_bps)

    def _begin(self, number: bytes, bond: Bond, payer: str) -> None:
        assert number not in self.open
        self.open.add(number)
        self.money.open(self._name(number, bond), payer, bond.amount)

    def _reward(self, number: bytes, bond: Bond, operator: int) -> None:
        """Two thirds go to who answered, the rest is burnt."""
        self.open.remove(number)
        share = 2 * bond.amount // 3
        self.money.pay(self._name(number, bond), [(operator, share)], 0, bond.amount - share)

    def _return(self, number: bytes, bond: Bond) -> None:
        self.open.remove(number)
        self.money.pay(self._name(number, bond), [], bond.amount)

    def check(self, demands: VyperContract) -> None:
        """Compare with what the contract says."""
        for number, (_, demand) in self.asked.items():
            expected = demand.record if number in self.open else OVER
            assert demands.record_of(number) == expected
        for number, delivery in self.owed.items():
            expected = delivery.record if number in self.open else OVER
            assert demands.delivery_of(number) == expected
