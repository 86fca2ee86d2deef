"""Wash traders of any shape lose: what they are given back is less than what their fees burnt."""

import boa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.economy_world import EconomyWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import TOKEN

PAYMENT = st.tuples(
    st.integers(0, 3),  # which of the washer's accounts pays
    st.integers(1, 2),  # which of its operators earns
    st.one_of(st.integers(1, 10**6), st.integers(1, 5_000 * TOKEN)),  # wei
    st.booleans(),  # whether the fees are divided at once
)
PLAN = st.fixed_dictionaries(
    {
        "payments": st.lists(PAYMENT, min_size=1, max_size=6),
        "delegated": st.lists(st.integers(1, 20_000), max_size=3),  # tokens, of its own accounts
        "burn_bps": st.sampled_from([0, 1, 5_000, 9_999, 10_000]),
        "rate_bps": st.sampled_from([0, 1, 5_000, 9_000]),
        "fee_bps": st.sampled_from([0, 1, 100, 999, 1_000]),
        "commission": st.integers(0, 10_000),
    }
)


@given(plan=PLAN)
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_washing__any_shape__loses(world: EconomyWorld, plan):
    """The washer owns every payer, both operators and every delegator; nobody else takes part."""
    with boa.env.anchor():
        prepare(world, plan)
        washer = [*world.owners, *world.delegators, world.payer]
        before = sum(map(world.token.balanceOf, washer))
        supply = world.token.totalSupply()
        treasury = world.token.balanceOf(world.net.treasury)

        burnt, minted = wash(world, plan)

        lost = before - sum(map(world.token.balanceOf, washer))
        to_treasury = world.token.balanceOf(world.net.treasury) - treasury
        in_vaults = world.token.balanceOf(world.delegation) - sum(plan["delegated"]) * TOKEN
        assert supply - world.token.totalSupply() == burnt - minted
        assert minted * 10_000 <= burnt * plan["rate_bps"]
        assert lost == burnt - minted + to_treasury + in_vaults
        assert 0 <= in_vaults <= 40  # roundings, a wei for each claim and income
        assert lost >= burnt - minted + to_treasury > 0 or burnt + to_treasury == 0


def prepare(world: EconomyWorld, plan) -> None:
    """Set the terms of the network, and have the washer delegate to itself."""
    owner = world.net.owner
    world.escrow.set_fee_bps(plan["fee_bps"], sender=owner)
    world.rewards.set_burn_share(plan["burn_bps"], sender=owner)
    world.rewards.set_rate(plan["rate_bps"], sender=owner)
    world.delegation.open_pool(2, plan["commission"], sender=world.owners[1])
    for who, tokens in enumerate(plan["delegated"]):
        world.delegate(who, tokens * TOKEN, operator=1 + who % 2)


def wash(world: EconomyWorld, plan) -> tuple[int, int]:
    """Pay oneself, and take back all that can be taken; return what was burnt and minted, wei."""
    accounts = [*world.owners, world.delegators[0], world.payer]
    first = world.epoch
    for account, operator, amount, at_once in plan["payments"]:
        world.earn(amount, operator, accounts[account])
        if at_once:
            attempt(lambda operator=operator: world.rewards.book(operator))
        world.wait(net.REWARDS_EPOCH // 2)
    for operator in (1, 2):
        attempt(lambda operator=operator: world.rewards.book(operator))
        attempt(lambda operator=operator: world.pay_out(operator))
    epochs = range(first, world.epoch + 1)
    vests_at = max(world.close(epoch) for epoch in epochs)
    world.go(vests_at)
    burnt = sum(world.rewards.burnt_in(epoch) for epoch in epochs)
    supply = world.token.totalSupply()
    for epoch in epochs:
        for operator in (1, 2):
            attempt(lambda operator=operator, epoch=epoch: world.rewards.claim(operator, epoch))
    minted = world.token.totalSupply() - supply
    for who in range(len(plan["delegated"])):
        attempt(lambda who=who: world.claim(who, 1 + who % 2))
    return burnt, minted


def attempt(act) -> None:
    """Do it, unless there is nothing to divide, to pay or to claim."""
    with boa.env.anchor():
        try:
            act()
        except boa.BoaError as error:
            assert any(
                reason in str(error)
                for reason in ("no fees to divide", "no credit", "nothing to claim")
            ), error
            return
    act()
