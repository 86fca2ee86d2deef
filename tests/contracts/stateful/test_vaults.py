"""Random histories of the vaults against a ledger: docs/protocol.md, section 6."""

from collections import defaultdict
from functools import cache

import boa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.contracts.conftest import settled
from tests.contracts.ledger.stakes import PAGE, ExitQueue
from tests.contracts.stateful import network as net

OPERATORS = st.integers(0, 2)
SERVICES = st.integers(0, 1)
PAIRS = st.tuples(OPERATORS, SERVICES)
REQUESTERS = st.integers(0, 1)
STAKE = st.integers(1, 5_000).map(lambda tokens: tokens * net.GWEI)  # gwei
JOB = st.integers(1, 2_000).map(lambda tokens: tokens * net.GWEI)  # gwei
MONEY = st.integers(1, 10**21)  # wei
MAX_LOCK = 14 * net.DAY
STANDING = 5 * net.GWEI
STAKED = 10_000 * net.GWEI
CEILING = 8_000 * net.GWEI


def _now() -> int:
    return boa.env.evm.patch.timestamp


@cache
def _scene():
    """Deploy once; every example starts from here again."""
    network = net.deploy()
    services = [
        net.contract("mocks/MockService").deploy(
            network.staking.address, network.escrow.address, net.DAY
        )
        for _ in range(2)
    ]
    net.admit(network, *services, standing=STANDING)
    requesters = [boa.env.generate_address() for _ in range(2)]
    owners = [boa.env.generate_address() for _ in range(3)]
    for account in requesters + owners:
        net.fund(network, account, 10**6 * net.TOKEN)
    workers = [net.new_operator(network, owner, STAKED * net.GWEI) for owner in owners]
    for number, owner in enumerate(owners):
        for service in services:
            network.staking.opt_in(number + 1, service.address, CEILING, sender=owner)
    return network, services, requesters, owners, workers


class VaultMachine(RuleBasedStateMachine):
    """What both machines share: the scene, time, and money that nobody asked for."""

    def begin(self) -> None:
        self.network, self.services, self.requesters, self.owners, self.workers = _scene()
        self.token = self.network.token
        self.staking, self.escrow = self.network.staking, self.network.escrow
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.supply = self.token.totalSupply()
        self.given = 0

    def teardown(self) -> None:
        if hasattr(self, "anchor"):
            self.anchor.__exit__(None, None, None)

    @precondition(lambda self: not self.given)
    @rule(amount=MONEY)
    def give(self, amount: int) -> None:
        for vault in (self.staking, self.escrow):
            self.token.transfer(vault.address, amount, sender=self.network.owner)
        self.given += amount

    @rule(seconds=st.sampled_from([net.EPOCH, 8 * net.DAY, net.UNBONDING]))
    def wait(self, seconds: int) -> None:
        boa.env.time_travel(seconds=seconds)


class StakingMachine(VaultMachine):
    """Three operators and two services do as they please."""

    @initialize()
    def start(self) -> None:
        self.begin()
        pairs = [(operator, service) for operator in range(3) for service in range(2)]
        self.stake = dict.fromkeys(range(3), STAKED)
        self.exits = {number: ExitQueue() for number in range(3)}
        self.locked = dict.fromkeys(pairs, STANDING)
        self.ceiling = dict.fromkeys(pairs, CEILING)  # without those that were released
        self.left: dict[tuple[int, int], int] = {}  # when, for those not released yet

    def _locked_of(self, operator: int) -> int:
        return sum(amount for (who, _), amount in self.locked.items() if who == operator)

    def _staying(self, operator: int) -> int:
        return self.stake[operator] - self.exits[operator].amount

    def _free(self, operator: int) -> int:
        return self._staying(operator) - self._locked_of(operator)

    @rule(operator=OPERATORS, amount=STAKE)
    def add_stake(self, operator: int, amount: int) -> None:
        self.staking.stake(
            operator + 1, amount * net.GWEI, net.NO_PERMIT, sender=self.requesters[0]
        )
        self.stake[operator] += amount

    @rule(operator=OPERATORS, amount=st.none() | STAKE)
    def unstake(self, operator: int, amount: int | None) -> None:
        amount = amount or max(1, self._staying(operator))  # often all, so that slashes meet exits
        rest = self._staying(operator) - amount
        if rest < 0 or 0 < rest < net.MINIMUM_STAKE * net.GWEI:
            with boa.reverts():
                self._unstake(operator, amount)
            return
        self._unstake(operator, amount)
        self.exits[operator].push(amount, _now() + net.UNBONDING)

    def _unstake(self, operator: int, amount: int) -> None:
        self.staking.unstake(operator + 1, amount * net.GWEI, sender=self.owners[operator])

    @precondition(lambda self: any(queue.exits for queue in self.exits.values()))
    @rule(data=st.data(), patience=st.sampled_from([0, net.UNBONDING]))
    def withdraw(self, data: st.DataObject, patience: int) -> None:
        boa.env.time_travel(seconds=patience)
        waiting = [who for who, queue in self.exits.items() if queue.exits]
        operator = data.draw(st.sampled_from(waiting))
        due = self.exits[operator].due(_now())
        limit = self.stake[operator] - self._locked_of(operator)
        paid = min(sum(amount for amount, _ in due), limit)
        if not due or (paid == 0 and due[0][0] > 0):
            with boa.reverts("staking: nothing to withdraw"):
                self.staking.withdraw(operator + 1, sender=self.owners[operator])
            return
        self.staking.withdraw(operator + 1, sender=self.owners[operator])
        self.stake[operator] -= paid
        self.exits[operator].withdraw(paid, _now())

    @rule(pair=PAIRS, ceiling=JOB)
    def opt_in(self, pair: tuple[int, int], ceiling: int) -> None:
        operator, service = pair
        bond = 0 if pair in self.ceiling else STANDING
        if ceiling < STANDING or (bond and self._free(operator) < bond):
            with boa.reverts():
                self._opt_in(operator, service, ceiling)
            return
        self._opt_in(operator, service, ceiling)
        self.locked[pair] += bond
        self.ceiling[pair] = ceiling
        self.left.pop(pair, None)

    def _opt_in(self, operator: int, service: int, ceiling: int) -> None:
        self.staking.opt_in(
            operator + 1, self.services[service].address, ceiling, sender=self.owners[operator]
        )

    @precondition(lambda self: self.ceiling.keys() - self.left)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        joined = sorted(self.ceiling.keys() - self.left)
        pair = operator, service = data.draw(st.sampled_from(joined))
        self.left[pair] = _now()
        self.staking.leave(
            operator + 1, self.services[service].address, sender=self.owners[operator]
        )

    @precondition(lambda self: self.left)
    @rule(data=st.data())
    def release_standing(self, data: st.DataObject) -> None:
        pair = operator, service = data.draw(st.sampled_from(sorted(self.left)))
        if _now() < self.left[pair] + MAX_LOCK or self.locked[pair] > STANDING:
            with boa.reverts():
                self._release_standing(operator, service)
            return
        self._release_standing(operator, service)
        self.locked[pair] = 0
        del self.left[pair], self.ceiling[pair]

    def _release_standing(self, operator: int, service: int) -> None:
        self.staking.release_standing(operator + 1, self.services[service].address)

    @rule(pair=PAIRS, amount=JOB)
    def lock(self, pair: tuple[int, int], amount: int) -> None:
        operator, service = pair
        terms = (self.workers[operator].address, amount, _now())
        allowed = 0 if pair in self.left else self.ceiling.get(pair, 0)
        if amount > min(self._free(operator), allowed - self.locked[pair]):
            with boa.reverts():
                self.services[service].lock(*terms)
            return
        self.services[service].lock(*terms)
        self.locked[pair] += amount

    @precondition(lambda self: any(self.locked.values()))
    @rule(data=st.data(), share=st.integers(1, 100), burn_share=st.integers(0, 100))
    def settle(self, data: st.DataObject, share: int, burn_share: int) -> None:
        held = sorted(pair for pair, amount in self.locked.items() if amount)
        pair = operator, service = data.draw(st.sampled_from(held))
        amount = self.locked[pair] * share // 100
        burnt = amount * burn_share // 100
        self.services[service].settle([settled(operator + 1, amount - burnt, burnt)])
        self.locked[pair] -= amount
        self._burn(operator, burnt)

    @precondition(lambda self: self.ceiling)
    @rule(data=st.data())
    def forfeit(self, data: st.DataObject) -> None:
        pair = operator, service = data.draw(st.sampled_from(sorted(self.ceiling)))
        burnt = min(self.locked[pair], STANDING)
        self.services[service].forfeit(operator + 1)
        self.locked[pair] -= burnt
        del self.ceiling[pair]
        self.left.pop(pair, None)
        self._burn(operator, burnt)

    def _burn(self, operator: int, burnt: int) -> None:
        self.exits[operator].take_oldest(max(0, burnt - self._staying(operator)))
        self.stake[operator] -= burnt
        self.supply -= burnt * net.GWEI

    @invariant()
    def staking_holds_the_stakes(self) -> None:  # invariant 1
        staked = sum(self.stake.values()) * net.GWEI
        assert self.token.balanceOf(self.staking) == staked + self.given
        assert self.token.totalSupply() == self.supply

    @invariant()
    def locked_is_at_most_the_stake(self) -> None:  # invariant 3
        weights = 0
        for number in range(3):
            operator = self.staking.operator(number + 1)
            queue = self.exits[number]
            assert operator.stake == self.stake[number]
            assert operator.exiting == queue.amount
            listed = [list(exit) for exit in self.staking.exits_of(number + 1)]
            assert listed == queue.exits[:PAGE]
            assert self._locked_of(number) == self.staking.locked_of(number + 1) <= operator.stake
            weights += operator.weights.now
        now = _now()
        assert self.staking.weight_at(1, now + net.EPOCH)[1] == weights


class EscrowMachine(VaultMachine):
    """Two services spend what two requesters put in; everybody pulls."""

    @initialize()
    def start(self) -> None:
        self.begin()
        self.agreements: dict[tuple[int, bytes, int], tuple[int, int]] = {}
        self.credit: dict[int, int] = defaultdict(int)
        self.earned: dict[int, int] = defaultdict(int)
        self.fees: dict[int, int] = defaultdict(int)  # kept with what each operator earned
        self.due = 0

    @rule(
        service=SERVICES,
        requester=REQUESTERS,
        amount=MONEY,
        reference=st.binary(min_size=32, max_size=32),
        days=st.integers(1, 30),
    )
    def open_agreement(
        self, service: int, requester: int, amount: int, reference: bytes, days: int
    ) -> None:
        expiry = _now() + days * net.DAY
        key = (service, reference, expiry)
        if key in self.agreements:
            return
        payer = self.requesters[requester]
        terms = (0, amount, reference, expiry, net.FEE_BPS, net.NO_PERMIT)
        self.services[service].open(payer, *terms)
        self.agreements[key] = (requester, amount)

    @precondition(lambda self: self.agreements)
    @rule(data=st.data(), amounts=st.lists(MONEY, max_size=3), refund=MONEY, burn=MONEY)
    def pay(self, data: st.DataObject, amounts: list[int], refund: int, burn: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.agreements)))
        service, reference, expiry = key
        items = [number + 1 | amount << 24 for number, amount in enumerate(amounts)]
        self.services[service].pay(0, reference, expiry, net.FEE_BPS, items, refund, burn)
        requester, left = self.agreements[key]
        for number, wanted in enumerate(amounts):
            amount = min(wanted, left)
            fee = amount * net.FEE_BPS // 10_000
            self.earned[number] += amount - fee
            self.fees[number] += fee
            left -= amount
        burnt = min(burn, left)
        self.supply -= burnt
        refunded = min(refund, left - burnt)
        self.credit[requester] += refunded
        self.agreements[key] = (requester, left - burnt - refunded)

    @precondition(lambda self: self.agreements)
    @rule(data=st.data())
    def reclaim(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.agreements)))
        service, reference, expiry = key
        terms = (self.services[service].address, 0, reference, expiry, net.FEE_BPS)
        requester, left = self.agreements[key]
        if left == 0 or _now() < expiry + 7 * net.DAY:
            with boa.reverts():
                self.escrow.reclaim(*terms)
            return
        self.escrow.reclaim(*terms)
        self.credit[requester] += left
        self.agreements[key] = (requester, 0)

    @rule(requester=REQUESTERS, operator=OPERATORS)
    def pull(self, requester: int, operator: int) -> None:
        if self.credit.pop(requester, 0):
            self.escrow.withdraw(0, sender=self.requesters[requester])
        if self.earned.pop(operator, 0):
            self.escrow.withdraw_operator(operator + 1, 0)
            self.due += self.fees.pop(operator)
        if self.due:
            self.escrow.collect_fees(0)
            self.due = 0

    @invariant()
    def escrow_holds_what_it_owes(self) -> None:  # invariant 1
        owed = sum(left for _, left in self.agreements.values())
        owed += sum(self.credit.values()) + sum(self.earned.values())
        owed += sum(self.fees.values()) + self.due
        for number in range(3):
            assert self.escrow.operator_credit(number + 1, 0) == self.earned[number]
            assert self.escrow.operator_fees(number + 1, 0) == self.fees[number]
        assert self.escrow.fees_of(0) == self.due
        assert self.token.balanceOf(self.escrow) == owed + self.given
        assert self.token.totalSupply() == self.supply


class _OnAScene:
    def setUp(self) -> None:
        # Before the examples, so that no example's end rolls it back; the end of the test does.
        _scene.cache_clear()
        _scene()


class TestStaking(_OnAScene, StakingMachine.TestCase):
    pass


class TestEscrow(_OnAScene, EscrowMachine.TestCase):
    pass
