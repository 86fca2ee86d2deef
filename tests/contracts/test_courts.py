"""Courts: who is admitted and when, what its numbers may be."""

import ape
import pytest
from eth_utils.crypto import keccak

from tests.contracts.conftest import DAY, GRACE, UNBONDING

COURT_GAS = 2_000_000
LEAST_AUDIT, CAPTURE, GAS_PRICE = 500, 2_000, 10**9
RATE = 3 * 10**18


@pytest.fixture(scope="module")
def courts(project, owner, staking):
    return owner.deploy(project.Courts, staking, LEAST_AUDIT, CAPTURE, GAS_PRICE)


@pytest.fixture(scope="module")
def new_court(project, owner):
    return lambda: owner.deploy(project.MockCourt)


@pytest.fixture(scope="module")
def court(new_court):
    return new_court()


@pytest.fixture
def announced(courts, court, owner, at, now):
    """A court announced after the genesis; returns when it may be admitted."""
    receipt = courts.announce_court(court, COURT_GAS, sender=owner)
    return receipt.timestamp + UNBONDING + GRACE


def test_admit_genesis__before_staking_opens(courts, court, owner):
    receipt = courts.admit_genesis(court, COURT_GAS, sender=owner)

    assert courts.court_count() == 1
    assert courts.court_of(0) == court
    found = courts.court(0)
    assert (found.court, found.gas) == (court, COURT_GAS)
    code = bytes(ape.chain.provider.get_code(court.address))
    assert bytes(found.code_hash) == keccak(code)
    assert courts.announced_at(court) == receipt.timestamp
    announced, admitted = receipt.events
    assert (announced.court, announced.gas) == (court, COURT_GAS)
    assert (admitted.court, admitted.index) == (court, 0)


def test_admit_genesis__staking_open__reverts(courts, court, owner, open_network):
    with ape.reverts("courts: genesis is sealed"):
        courts.admit_genesis(court, COURT_GAS, sender=owner)


def test_admit_court__longer_than_leaving_takes(courts, court, owner, announced, at):
    at(announced - 1)
    with ape.reverts("courts: admission too early"):
        courts.admit_court(court, sender=owner)
    at(announced)
    courts.admit_court(court, sender=owner)

    assert courts.court_of(0) == court
    with ape.reverts("courts: court was admitted"):
        courts.admit_court(court, sender=owner)


def test_admit_court__unbonding_raised_meanwhile__waits_longer(
    courts, court, staking, owner, announced, at
):
    staking.set_unbonding(UNBONDING + DAY, sender=owner)
    at(announced + DAY - 1)
    with ape.reverts("courts: admission too early"):
        courts.admit_court(court, sender=owner)


def test_admit_court__not_announced__reverts(courts, court, owner):
    with ape.reverts("courts: court not announced"):
        courts.admit_court(court, sender=owner)


def test_announce_court__twice__reverts(courts, court, owner, announced):
    with ape.reverts("courts: court was announced"):
        courts.announce_court(court, COURT_GAS, sender=owner)


def test_announce_court__no_code__reverts(courts, owner, stranger):
    with ape.reverts("courts: no code there"):
        courts.announce_court(stranger, COURT_GAS, sender=owner)


@pytest.mark.parametrize("gas", [0, 16_700_001])
def test_announce_court__gas_out_of_bounds__reverts(courts, court, owner, gas):
    with ape.reverts("courts: gas out of bounds"):
        courts.announce_court(court, gas, sender=owner)


def test_withdraw_court__can_be_announced_again(courts, court, owner, announced):
    receipt = courts.withdraw_court(court, sender=owner)

    assert receipt.events[0].court == court
    assert courts.announced_at(court) == 0
    with ape.reverts("courts: nothing to withdraw"):
        courts.withdraw_court(court, sender=owner)
    courts.announce_court(court, COURT_GAS, sender=owner)


def test_withdraw_court__admitted__reverts(courts, court, owner):
    courts.admit_genesis(court, COURT_GAS, sender=owner)

    with ape.reverts("courts: nothing to withdraw"):
        courts.withdraw_court(court, sender=owner)


def test_court_of__unknown__reverts(courts):
    for call in (courts.court_of, courts.court):
        with ape.reverts("courts: no such court"):
            call(0)


def test_limits__of_court_and_token(courts, court, owner):
    courts.admit_genesis(court, COURT_GAS, sender=owner)

    limits = courts.limits(0, 0)

    assert tuple(limits) == (LEAST_AUDIT, CAPTURE, COURT_GAS * 5 // 2, 10**18)
    with ape.reverts("courts: token has no rate"):
        courts.limits(0, 1)
    courts.set_rate(1, RATE, sender=owner)
    assert courts.limits(0, 1).rate == courts.rate_of(1) == RATE


def test_limits__least_bond__rounds_up(courts, court, owner):
    courts.admit_genesis(court, 1, sender=owner)
    courts.set_gas_price(1, sender=owner)

    assert courts.limits(0, 0).least_bond == 1


@pytest.mark.parametrize(
    ("setter", "good", "bad", "reason"),
    [
        ("least_audit_bps", (100, 10_000), (99, 10_001), "courts: audit share out of bounds"),
        ("capture_bps", (0, 9_000), (9_001,), "courts: capture out of bounds"),
        ("gas_price", (1, 10**15), (0, 10**15 + 1), "courts: gas price out of bounds"),
    ],
)
def test_set__within_hard_bounds(courts, owner, setter, good, bad, reason):
    change = getattr(courts, f"set_{setter}")
    names = ("least_audit_bps", "capture_bps", "gas_price")
    others = {name: getattr(courts, name)() for name in names if name != setter}
    for value in good:
        receipt = change(value, sender=owner)
        assert getattr(courts, setter)() == value
        assert list(receipt.events[0].event_arguments.values()) == [value]
    for value in bad:
        with ape.reverts(reason):
            change(value, sender=owner)
    assert others == {name: getattr(courts, name)() for name in others}


@pytest.mark.parametrize(("index", "rate"), [(0, 1), (2**16, 1), (1, 2**96)])
def test_set_rate__out_of_bounds__reverts(courts, owner, index, rate):
    with ape.reverts("courts: rate out of bounds"):
        courts.set_rate(index, rate, sender=owner)


@pytest.mark.parametrize(("index", "rate"), [(1, 0), (2**16 - 1, 2**96 - 1)])
def test_set_rate__at_the_bounds(courts, owner, index, rate):
    receipt = courts.set_rate(index, rate, sender=owner)

    assert courts.rate_of(index) == rate
    assert (receipt.events[0].token, receipt.events[0].rate) == (index, rate)


def test_rate_of__network_token__is_one(courts):
    assert courts.rate_of(0) == 10**18


def test_owner_calls__anyone_else__revert(courts, court, stranger):
    calls = [
        (courts.admit_genesis, court, COURT_GAS),
        (courts.announce_court, court, COURT_GAS),
        (courts.admit_court, court),
        (courts.withdraw_court, court),
        (courts.set_least_audit_bps, 500),
        (courts.set_capture_bps, 500),
        (courts.set_gas_price, 500),
        (courts.set_rate, 1, 1),
    ]
    for call, *args in calls:
        with ape.reverts("ownable: caller is not the owner"):
            call(*args, sender=stranger)


def test_ownership__two_steps(courts, owner, stranger):
    courts.transfer_ownership(stranger, sender=owner)
    assert (courts.owner(), courts.pending_owner()) == (owner, stranger)

    courts.accept_ownership(sender=stranger)

    assert courts.owner() == stranger
