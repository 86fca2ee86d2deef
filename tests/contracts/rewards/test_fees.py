"""Fees: divided by operator, in part burnt, the rest the treasury's."""

import boa
import pytest

from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, TOKEN

PAID = 1_000 * TOKEN
FEE = PAID * net.FEE_BPS // 10_000
NOT_OWNER = "ownable: caller is not the owner"


def test_book__pays_the_operator_burns_half_and_sends_half(world):
    world.earn(PAID)
    supply, treasury = world.token.totalSupply(), world.token.balanceOf(world.net.treasury)
    owner = world.gain(world.owners[0], lambda: world.rewards.book(1, sender=world.stranger))
    assert owner == PAID - FEE
    assert supply - world.token.totalSupply() == FEE // 2
    assert world.token.balanceOf(world.net.treasury) - treasury == FEE // 2
    assert world.rewards.burnt_of(world.epoch, 1) == world.rewards.burnt_in(world.epoch) == FEE // 2
    assert world.rewards.booked(1) == FEE
    assert world.token.balanceOf(world.rewards) == 0


def test_book__odd_fee__the_rest_is_the_treasurys(world):
    world.rewards.set_burn_share(3_333, sender=world.net.owner)
    world.earn(PAID + 40)  # a fee of one wei more
    world.rewards.book(1)
    burnt = world.rewards.burnt_of(world.epoch, 1)
    assert burnt == (FEE + 1) * 3_333 // 10_000
    assert world.token.balanceOf(world.net.treasury) == FEE + 1 - burnt


def test_book__what_others_already_moved__is_found_by_operator(world):
    """Who pays out and collects first changes nothing: each operator's fees are its own."""
    for operator, paid in ((1, PAID), (2, 3 * PAID)):
        world.earn(paid, operator)
        world.pay_out(operator)
    world.escrow.collect_fees(0, sender=world.stranger)
    assert world.token.balanceOf(world.rewards) == 4 * FEE
    world.rewards.book(2)
    world.rewards.book(1)
    assert world.rewards.burnt_of(world.epoch, 1) == FEE // 2
    assert world.rewards.burnt_of(world.epoch, 2) == 3 * FEE // 2
    assert world.rewards.burnt_in(world.epoch) == 2 * FEE
    assert world.token.balanceOf(world.rewards) == 0


def test_book__nothing_paid_since__reverts(world):
    world.earn(PAID)
    world.rewards.book(1)
    for operator in (1, 2, 99):
        with boa.reverts("rewards: no fees to divide"):
            world.rewards.book(operator)


def test_book__no_fee__reverts_and_the_operator_is_paid_by_escrow(world):
    world.escrow.set_fee_bps(0, sender=world.net.owner)
    world.earn(PAID)
    with boa.reverts("rewards: no fees to divide"):
        world.rewards.book(1)
    assert world.gain(world.owners[0], world.pay_out) == PAID


def test_forward__listed_token__goes_to_the_treasury_and_mints_nothing(world):
    other = net.contract("Token").deploy(10**6 * TOKEN, sender=world.payer)
    world.escrow.list_token(other, sender=world.net.owner)
    other.approve(world.escrow, 2**256 - 1, sender=world.payer)
    terms = (b"\1" * 32, world.now + DAY, net.FEE_BPS)
    world.open_service.open(world.payer, 1, PAID, *terms, net.NO_PERMIT)
    world.open_service.pay(1, *terms, [1 | PAID << 24], 0, 0)
    assert world.rewards.burnt_in(world.epoch) == 0
    world.escrow.withdraw_operator(1, 1)
    world.rewards.forward(1, sender=world.stranger)
    assert other.balanceOf(world.net.treasury) == FEE
    assert world.escrow.fees_paid(1) == 0
    with boa.reverts("rewards: no fees to divide"):
        world.rewards.book(1)
    with boa.reverts("escrow: no fees"):
        world.rewards.forward(1)


def test_forward__network_token__reverts(world):
    with boa.reverts("rewards: book them by operator"):
        world.rewards.forward(0)


@pytest.mark.parametrize(
    ("setter", "most", "reason"),
    [
        ("set_burn_share", 10_000, "rewards: share out of bounds"),
        ("set_rate", 9_000, "rewards: rate out of bounds"),
    ],
)
def test_set__by_the_owner_within_bounds(world, setter, most, reason):
    call = getattr(world.rewards, setter)
    for bps in (0, most):
        call(bps, sender=world.net.owner)
    with boa.reverts(reason):
        call(most + 1, sender=world.net.owner)
    with boa.reverts(NOT_OWNER):
        call(1, sender=world.stranger)


def test_set_treasury__another__gets_the_rest(world):
    with boa.reverts("rewards: treasury is zero"):
        world.rewards.set_treasury("0x" + "00" * 20, sender=world.net.owner)
    with boa.reverts(NOT_OWNER):
        world.rewards.set_treasury(world.stranger, sender=world.stranger)
    world.rewards.set_treasury(world.stranger, sender=world.net.owner)
    world.earn(PAID)
    assert world.gain(world.stranger, lambda: world.rewards.book(1)) == FEE - FEE // 2


@pytest.mark.parametrize("epoch", [0, 30 * DAY + 1])
def test_deploy__epoch_out_of_bounds__reverts(world, epoch):
    with boa.reverts("rewards: epoch out of bounds"):
        deploy(world, epoch)


def test_deploy__epoch_at_its_bounds(world):
    for epoch in (1, 30 * DAY):
        assert deploy(world, epoch).epoch_length() == epoch


def deploy(world, epoch):
    """Deploy other rewards."""
    vaults = (world.token, world.staking, world.escrow, world.delegation)
    return net.contract("Rewards").deploy(*vaults, epoch, 5_000, 5_000, world.net.treasury)
