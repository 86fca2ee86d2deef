"""What the owner and the guardian may do to Escrow, and what hostile tokens may not."""

import ape
import pytest

from tests.contracts.conftest import (
    DAY,
    FEE_BPS,
    NO_PERMIT,
    TOKEN,
    ZERO,
    paid,
)

AMOUNT = 1_000 * TOKEN
KEEPS_FEE, RETURNS_FALSE, CALLS_BACK = 1, 2, 3


@pytest.fixture
def hostile(project, owner, escrow, requester):
    """A listed token (index 1) that is honest until told otherwise."""
    token = owner.deploy(project.HostileToken)
    token.mint(requester, 10 * AMOUNT, sender=owner)
    escrow.list_token(token, sender=owner)
    return token


@pytest.fixture
def post(services, requester, stranger, terms):
    def _post(token=1):
        made = terms(token=token)
        rest = (made.reference, made.expiry, made.fee_bps)
        services[0].open(requester, token, AMOUNT, *rest, NO_PERMIT, sender=stranger)
        return rest

    return _post


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("list_token", [ZERO]),
        ("set_fee_bps", [0]),
        ("set_fee_sink", [ZERO]),
        ("set_guardian", [ZERO]),
        ("pause", [1]),
        ("transfer_ownership", [ZERO]),
    ],
)
def test_owner_calls__by_another__revert(escrow, stranger, name, args):
    with ape.reverts("ownable: caller is not the owner"):
        getattr(escrow, name)(*args, sender=stranger)


def test_accept_ownership__offered__moves_it(escrow, owner, stranger):
    escrow.transfer_ownership(stranger, sender=owner)
    escrow.accept_ownership(sender=stranger)
    assert (escrow.owner(), escrow.pending_owner()) == (stranger, ZERO)


def test_set_fee_bps__up_to_a_tenth__and_no_further(escrow, owner):
    receipt = escrow.set_fee_bps(1_000, sender=owner)
    assert escrow.fee_bps() == 1_000
    assert receipt.events == [escrow.FeeSet(fee_bps=1_000)]
    with ape.reverts("escrow: fee too high"):
        escrow.set_fee_bps(1_001, sender=owner)


def test_set_fee_sink__another__gets_the_fees(escrow, owner, stranger):
    receipt = escrow.set_fee_sink(stranger, sender=owner)
    assert escrow.fee_sink() == stranger
    assert receipt.events == [escrow.FeeSinkSet(sink=stranger)]
    with ape.reverts("escrow: sink is zero"):
        escrow.set_fee_sink(ZERO, sender=owner)


def test_set_guardian__another__may_pause(escrow, owner, guardian, stranger):
    receipt = escrow.set_guardian(stranger, sender=owner)
    assert receipt.events == [escrow.GuardianSet(guardian=stranger)]
    assert (escrow.guardian(), escrow.fee_bps()) == (stranger, FEE_BPS)
    escrow.pause(1, sender=stranger)
    with ape.reverts("ownable: caller is not the owner"):
        escrow.pause(1, sender=guardian)


@pytest.mark.parametrize(("late", "posted"), [(-1, False), (0, True), (1, True)])
def test_pause__around_its_end__lapses_by_itself(
    escrow, open_network, guardian, services, requester, stranger, terms, now, at, late, posted
):
    receipt = escrow.pause(DAY, sender=guardian)
    until = now() + DAY
    assert receipt.events == [escrow.PostingsPaused(until=until)]
    assert escrow.paused_until() == until
    made = terms(expiry=until + DAY)
    args = (requester, 0, AMOUNT, made.reference, made.expiry, FEE_BPS, NO_PERMIT)
    at(until + late)
    if posted:
        services[0].open(*args, sender=stranger)
        return
    with ape.reverts("escrow: postings are paused"):
        services[0].open(*args, sender=stranger)


def test_pause__open_agreements__are_paid_and_withdrawn(
    escrow, open_network, guardian, services, requester, stranger, post
):
    rest = post(token=0)
    escrow.pause(DAY, sender=guardian)
    with ape.reverts("escrow: postings are paused"):
        services[0].top_up(requester, 0, 1, *rest, NO_PERMIT, sender=stranger)
    services[0].pay(0, *rest, [paid(1, TOKEN)], TOKEN, 0, sender=stranger)
    escrow.withdraw(0, sender=requester)


def test_pause__zero__ends_it(escrow, open_network, owner, guardian, post):
    escrow.pause(DAY, sender=guardian)
    escrow.pause(0, sender=owner)
    post(token=0)


def test_pause__longer_than_two_weeks__reverts(escrow, guardian):
    escrow.pause(14 * DAY, sender=guardian)
    with ape.reverts("escrow: pause too long"):
        escrow.pause(14 * DAY + 1, sender=guardian)


def test_list_token__new__gets_the_next_index(escrow, token, hostile, owner, project):
    silent = owner.deploy(project.SilentToken)
    receipt = escrow.list_token(silent, sender=owner)
    assert receipt.return_value == 2
    assert [escrow.token_at(index) for index in range(3)] == [token, hostile, silent]
    assert escrow.token_count() == 3
    assert receipt.events == [escrow.TokenListed(index=2, token=silent)]


def test_list_token__zero_twice_or_the_network_token__reverts(escrow, token, hostile, owner):
    for again in (ZERO, hostile, token):
        with ape.reverts("escrow: token cannot be listed"):
            escrow.list_token(again, sender=owner)


def test_deploy__out_of_bounds__reverts(project, owner, token, staking, sink):
    for fee_bps, to, reason in ((1_001, sink, "fee too high"), (0, ZERO, "sink is zero")):
        with ape.reverts(f"escrow: {reason}"):
            owner.deploy(project.Escrow, token, staking, fee_bps, to, ZERO)


def test_pay__other_token__burns_into_the_fees(
    escrow, open_network, hostile, services, stranger, post
):
    rest = post()
    services[0].pay(1, *rest, [], 0, 77, sender=stranger)
    assert escrow.fees_of(1) == 77
    escrow.collect_fees(1, sender=stranger)
    assert hostile.balanceOf(escrow) == AMOUNT - 77


def test_open__token_that_keeps_a_fee__reverts(open_network, hostile, owner, post):
    hostile.set_mode(KEEPS_FEE, ZERO, b"", sender=owner)
    with ape.reverts("transfers: inexact amount"):
        post()


def test_open__token_that_says_no__reverts(open_network, hostile, owner, post):
    hostile.set_mode(RETURNS_FALSE, ZERO, b"", sender=owner)
    with ape.reverts("transfers: token refused"):
        post()


def test_withdraw__token_that_says_no__keeps_the_credit(
    escrow, open_network, hostile, owner, services, requester, stranger, post
):
    rest = post()
    services[0].pay(1, *rest, [], AMOUNT, 0, sender=stranger)
    hostile.set_mode(RETURNS_FALSE, ZERO, b"", sender=owner)
    with ape.reverts("transfers: token refused"):
        escrow.withdraw(1, sender=requester)
    assert escrow.credit_of(requester, 1) == AMOUNT


def test_token_without_return_values__works(
    escrow, open_network, project, owner, services, requester, stranger, post
):
    silent = owner.deploy(project.SilentToken)
    silent.mint(requester, AMOUNT, sender=owner)
    escrow.list_token(silent, sender=owner)
    rest = post(token=1)
    services[0].pay(1, *rest, [], AMOUNT, 0, sender=stranger)
    escrow.withdraw(1, sender=requester)
    assert silent.balanceOf(requester) == AMOUNT


def test_reentrancy__from_a_token_that_calls_back__is_refused(
    escrow, open_network, hostile, owner, services, requester, stranger, post
):
    """The token calls every way back into Escrow that pays, while it is being moved."""
    rest = post()
    calls = [
        escrow.withdraw.encode_input(1),
        escrow.collect_fees.encode_input(1),
        escrow.withdraw_operator.encode_input(1, 1),
        escrow.reclaim.encode_input(services[0], 1, *rest),
        escrow.credit_of.encode_input(requester, 1),
    ]
    for data in calls:
        hostile.set_mode(CALLS_BACK, escrow, data, sender=owner)
        services[0].pay(1, *rest, [], TOKEN, 0, sender=stranger)
        before = hostile.balanceOf(requester)
        escrow.withdraw(1, sender=requester)
        assert hostile.called_back()
        assert not hostile.call_succeeded()
        assert hostile.balanceOf(requester) == before + TOKEN
