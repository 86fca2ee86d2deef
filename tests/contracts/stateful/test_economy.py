"""Random lives of delegation: pools, slashes, incomes, emissions and exits, in any order."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache

import boa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.economy_world import NO_LIMIT, EconomyWorld
from tests.contracts.ledger.delegations import Delegations, Pool
from tests.contracts.ledger.emissions import Emissions
from tests.contracts.ledger.recorder import Fact, recording
from tests.contracts.stateful import network as net
from tests.contracts.stateful.life import attempt
from tests.contracts.stateful.network import GWEI, NO_PERMIT, TOKEN
from worker.protocol.backing import Backing

OPERATOR = st.integers(1, 2)
WHO = st.integers(0, 2)
EVERYBODY = [(operator, who) for operator in (1, 2) for who in range(3)]
TOKENS = st.one_of(st.integers(1, 10), st.integers(1, 15_000))
ODD = st.integers(0, 10**9 - 1)
SHARE = st.sampled_from([1, 33, 50, 99, 100])
AROUND = st.sampled_from([-1, 0, 0, 1, None])
STEPS_PER_CHECK = 4
HANDLERS = {
    "Delegated": "delegated",
    "DelegationExitQueued": "delegation_exit_queued",
    "DelegationWithdrawn": "delegation_withdrawn",
    "PoolSlashed": "pool_slashed",
    "PoolEarned": "pool_earned",
    "IncomeClaimed": "income_claimed",
    "FeesBurnt": "fees_burnt",
    "EpochClosed": "epoch_closed",
    "EmissionClaimed": "emission_claimed",
}


@cache
def scene() -> EconomyWorld:
    world = EconomyWorld()
    world.delegation.open_pool(2, 0, sender=world.owners[1])
    return world


class EconomyMachine(RuleBasedStateMachine):
    """Two operators with pools, three delegators, two services of which one needs own stake."""

    @initialize(tokens=TOKENS)
    def start(self, tokens: int) -> None:
        self.world = scene()
        self.books, self.emissions = Delegations(), Emissions()
        self.given, self._steps = 0, 0
        self.told: Counter[str] = Counter()
        self.epochs = {self.world.epoch}
        self.undo = ExitStack()
        self.undo.enter_context(boa.env.anchor())
        self.undo.enter_context(recording(self.take))
        self.world.delegate(0, tokens * TOKEN)

    def take(self, fact: Fact) -> None:
        """Book one event."""
        name = HANDLERS.get(fact.name)
        self.told[fact.name] += 1
        if name:
            handler = getattr(self.books, name, None) or getattr(self.emissions, name)
            handler(fact)

    # Delegators

    @rule(who=WHO, operator=OPERATOR, tokens=TOKENS, odd=ODD)
    def delegate(self, who: int, operator: int, tokens: int, odd: int) -> None:
        amount = tokens * TOKEN + odd * GWEI
        attempt(lambda: self.world.delegate(who, amount, operator))

    @rule(data=st.data(), share=SHARE)
    def undelegate(self, data: st.DataObject, share: int) -> None:
        operator, who = self.draw(data, lambda pool, _, who: pool.staying[who])
        shares = self.world.position(who, operator).shares * share // 100
        attempt(lambda: self.world.undelegate(who, shares, operator))

    @rule(data=st.data(), around=AROUND)
    def withdraw(self, data: st.DataObject, around: int | None) -> None:
        """Leave, now or around the moment when the shares mature."""
        operator, who = self.draw(data, lambda pool, _, who: pool.exiting[who])
        world, position = self.world, self.world.position(who, operator)
        if position.exiting and around is not None:
            world.go(max(world.now, position.matures_at + around))
        done = attempt(lambda: world.withdraw(who, operator))
        assert not done or world.now >= position.matures_at

    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        operator, who = self.draw(data, lambda _, i, who: self.books.earned[i, who] >= 1)
        attempt(lambda: self.world.claim(who, operator))

    def draw(
        self, data: st.DataObject, is_due: Callable[[Pool, int, str], object]
    ) -> tuple[int, int]:
        """Draw an operator and a delegator for whom there is something to do, else any."""
        pools, accounts = self.books.pools, self.world.delegators
        due = [(i, who) for i, who in EVERYBODY if is_due(pools[i], i, accounts[who])]
        return data.draw(st.sampled_from(due or EVERYBODY))

    # Operators

    @rule(operator=OPERATOR, tokens=TOKENS, adds=st.sampled_from([True, True, False]))
    def move_stake(self, operator: int, tokens: int, adds: bool) -> None:
        world, owner = self.world, self.world.owners[operator - 1]
        if adds:
            call = (operator, tokens * TOKEN, NO_PERMIT)
            attempt(lambda: world.staking.stake(*call, sender=owner))
        else:
            attempt(lambda: world.staking.unstake(operator, tokens * TOKEN, sender=owner))

    @rule(operator=OPERATOR, leaps=st.booleans())
    def withdraw_stake(self, operator: int, leaps: bool) -> None:
        if leaps:
            self.world.wait(net.UNBONDING)
        owner = self.world.owners[operator - 1]
        attempt(lambda: self.world.staking.withdraw(operator, sender=owner))

    @rule(operator=OPERATOR, bps=st.integers(0, 10_000))
    def announce_commission(self, operator: int, bps: int) -> None:
        owner = self.world.owners[operator - 1]
        self.world.delegation.announce_commission(operator, bps, sender=owner)

    @rule(operator=OPERATOR, strict=st.booleans())
    def opt_in(self, operator: int, strict: bool) -> None:
        owner, service = self.world.owners[operator - 1], self.world.services[strict]
        attempt(lambda: self.world.staking.opt_in(operator, service, NO_LIMIT, sender=owner))

    @rule(operator=OPERATOR)
    def sync_votes(self, operator: int) -> None:
        self.world.staking.sync_votes(operator)

    # Services

    @rule(operator=OPERATOR, strict=st.booleans(), tokens=TOKENS | st.none(), odd=st.integers(0, 1))
    def lock(self, operator: int, strict: bool, tokens: int | None, odd: int) -> None:
        """Lock some, or all that there is, or a gwei more: more than the room is refused."""
        world, service = self.world, self.world.services[strict]
        room = self.room(operator, strict)
        amount = odd + (room if tokens is None else tokens * GWEI)
        is_joined = world.staking.opt_in_of(operator, service).ceiling > 0
        done = attempt(lambda: world.lock(amount, operator, service))
        assert done == (is_joined and amount <= room) or amount == 0

    def room(self, operator: int, strict: bool) -> int:
        """Return how much a service may lock, gwei, by what workers reckon with."""
        staking, seen = self.world.staking, self.world.staking.operator(operator)
        backing = Backing(
            own=seen.stake - seen.exiting,
            delegated=self.world.delegation.delegated(operator)[1],
            leverage=staking.leverage(),
            locked=staking.locked_of(operator),
            own_locked=staking.lane(operator, self.world.strict_service),
        )
        return backing.room(strict)

    @rule(
        operator=OPERATOR,
        strict=st.booleans(),
        share=SHARE,
        way=st.sampled_from(["burn", "burn", "burn", "release", "release", "convict", "forfeit"]),
    )
    def unlock(self, operator: int, strict: bool, share: int, way: str) -> None:
        self.take_away(operator, strict, share, way)

    @rule(
        operator=OPERATOR,
        strict=st.booleans(),
        share=st.sampled_from([99, 100, 60]),
        convicts=st.booleans(),
    )
    def lose(self, operator: int, strict: bool, share: int, convicts: bool) -> None:
        """Have a service lock all there is and take most of it: delegators lose as well."""
        world, service = self.world, self.world.services[strict]
        owner = world.owners[operator - 1]
        attempt(lambda: world.staking.opt_in(operator, service, NO_LIMIT, sender=owner))
        attempt(lambda: world.lock(self.room(operator, strict), operator, service))
        self.take_away(operator, strict, share, "convict" if convicts else "burn")

    def take_away(self, operator: int, strict: bool, share: int, way: str) -> None:
        """Whatever a service does with what it locked must never be refused."""
        world, service = self.world, self.world.services[strict]
        amount = world.staking.lane(operator, service) * share // 100
        ways: dict[str, Callable[[], object]] = {
            "burn": lambda: world.burn(amount, operator, service),
            "release": lambda: world.release(amount, operator, service),
            "convict": lambda: world.convict(amount, operator, service),
            "forfeit": lambda: service.forfeit(operator),
        }
        ways[way]()

    # Money

    @rule(
        operator=OPERATOR,
        tokens=st.integers(0, 2_000),
        odd=st.integers(1, 10**9),
        then=st.sampled_from(["nothing", "book", "pay out"]),
    )
    def earn(self, operator: int, tokens: int, odd: int, then: str) -> None:
        self.world.earn(tokens * TOKEN + odd, operator)
        if then != "nothing":
            self.settle(operator, then == "book")

    @rule(operator=OPERATOR, books=st.booleans())
    def pay_out(self, operator: int, books: bool) -> None:
        self.settle(operator, books)

    def settle(self, operator: int, books: bool) -> None:
        """Pay an operator what Escrow owes it, with or without dividing the fees."""
        if books:
            attempt(lambda: self.world.rewards.book(operator))
            self.epochs.add(self.world.epoch)
        else:
            attempt(lambda: self.world.pay_out(operator))

    @rule(operator=OPERATOR, leaps=st.sampled_from([True, True, False]), data=st.data())
    def emit(self, operator: int, leaps: bool, data: st.DataObject) -> None:
        """Close epochs that are over, and claim of one, now or once it has vested."""
        world = self.world
        for epoch in sorted(self.epochs - self.emissions.closed.keys()):
            attempt(lambda epoch=epoch: world.rewards.close_epoch(epoch))
        if leaps:
            world.wait(30 * net.DAY)
        left = self.emissions.burnt.keys() - self.emissions.minted.keys()
        due = {epoch for epoch, of in left if of == operator} or self.epochs
        epoch = data.draw(st.sampled_from(sorted(due)))
        convicted = world.staking.convicted_at(operator)
        done = attempt(lambda: world.rewards.claim(operator, epoch))
        assert not done or convicted < epoch * net.REWARDS_EPOCH

    @rule(amount=st.integers(1, 10**21))
    def give(self, amount: int) -> None:
        self.world.token.transfer(self.world.delegation, amount, sender=self.world.net.owner)
        self.given += amount

    @rule(
        leverage=st.sampled_from([1, 2, 3, 10]),
        rate=st.integers(0, 9_000),
        burn=st.integers(0, 10_000),
    )
    def govern(self, leverage: int, rate: int, burn: int) -> None:
        owner = self.world.net.owner
        if leverage == 1 and rate % 3:
            leverage = 5  # with 1 nothing that is delegated is ever at stake
        self.world.staking.set_leverage(leverage, sender=owner)
        self.world.rewards.set_rate(rate, sender=owner)
        self.world.rewards.set_burn_share(burn, sender=owner)

    @rule(seconds=st.sampled_from([1, net.EPOCH, 8 * net.DAY]))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    # What must stay true (docs/protocol.md, section 7)

    @invariant()
    def delegation_holds_what_it_owes(self) -> None:  # 1
        if not hasattr(self, "undo"):
            return
        self._steps += 1
        delegation = self.world.delegation
        assert self.world.token.balanceOf(delegation) == self.books.owed + self.given
        if self._steps % STEPS_PER_CHECK == 0:
            self.books.check(delegation)
            self.emissions.check(self.world.rewards)

    @invariant()
    def locks_are_backed(self) -> None:  # 3
        if not hasattr(self, "undo"):
            return
        staking = self.world.staking
        for operator in (1, 2):
            seen, pool = staking.operator(operator), self.books.pools[operator]
            assert staking.locked_of(operator) <= seen.stake + pool.assets
            assert staking.lane(operator, self.world.strict_service) <= seen.stake

    @invariant()
    def no_vote_outlives_its_stake(self) -> None:  # S4
        if not hasattr(self, "undo") or self._steps % STEPS_PER_CHECK:
            return
        with boa.env.anchor():
            self.world.wait(1)
            for operator in (1, 2):
                seen = self.world.staking.operator(operator)
                backing = seen.stake - seen.exiting + self.world.delegation.delegated(operator)[1]
                votes = self.world.staking.votes_at(operator, self.world.now - 1)
                assert votes <= backing
                assert seen.weights.now <= backing // GWEI

    def teardown(self) -> None:
        if not hasattr(self, "undo"):
            return
        with self.undo:
            self.everybody_leaves()
            self.books.check(self.world.delegation)
            self.emissions.check(self.world.rewards)

    def everybody_leaves(self) -> None:
        """Once no job is open and no bond kept, every delegator gets all that is theirs."""
        world = self.world
        for operator, owner in enumerate(world.owners, start=1):
            for service in world.services:
                attempt(lambda s=service, i=operator, o=owner: world.staking.leave(i, s, sender=o))
                standing = world.staking.opt_in_of(operator, service).standing
                jobs = max(0, world.staking.lane(operator, service) - standing)
                world.release(jobs, operator, service)
            for who in range(3):
                attempt(lambda w=who, i=operator: world.undelegate(w, operator=i))
        world.wait(2 * net.UNBONDING)
        for operator in (1, 2):
            for service in world.services:
                attempt(lambda s=service, i=operator: world.staking.release_standing(i, s))
            for who in range(3):
                attempt(lambda w=who, i=operator: world.withdraw(w, i))
                attempt(lambda w=who, i=operator: world.claim(w, i))
        assert all(not pool.assets or not pool.shares for pool in self.books.pools.values())
        assert self.books.unclaimed <= self.books.turns.total() + 6


class TestEconomy(EconomyMachine.TestCase):
    """Deploys before the first example, whose end undoes all that it did."""

    @classmethod
    def setUpClass(cls) -> None:
        scene()
