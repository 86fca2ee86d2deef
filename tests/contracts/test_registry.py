"""Leased profiles: who may write them, and when they lapse."""

import ape
import pytest

from tests.contracts.conftest import DAY, EPOCH

HARDWARE = b"\7" * 32
PROFILE = ("https://one.example:7000", 0b101, HARDWARE, 0x831_3ABF_FFFF_FFFF, 10**15, "0.1.0")
EMPTY = ("", 0, b"\0" * 32, 0, 0, "", 0)


@pytest.fixture
def announced(registry, staked, operators, now):
    registry.announce(1, *PROFILE, DAY, sender=operators[0])
    return now() + DAY


def test_announce__by_the_owner__is_listed_and_logged(registry, staked, operators, now):
    receipt = registry.announce(1, *PROFILE, DAY, sender=operators[0])

    assert tuple(registry.profile_of(1)) == (*PROFILE, now() + DAY)
    endpoint, capabilities, hardware, region, price, version = PROFILE
    assert receipt.events == [
        registry.ProfileAnnounced(
            id=1,
            endpoint=endpoint,
            capabilities=capabilities,
            hardware=hardware,
            region=region,
            price=price,
            version=version,
            expires_at=now() + DAY,
        )
    ]


def test_announce__by_the_worker_key__renews(registry, announced, workers, wait, now):
    wait(EPOCH)
    registry.announce(1, *PROFILE, DAY, sender=workers[0])
    assert registry.profile_of(1).expires_at == now() + DAY


@pytest.mark.parametrize("operator", [0, 1, 3])
def test_announce__by_anyone_else__reverts(registry, staked, operators, stranger, operator):
    sender = operators[1] if operator == 1 else stranger
    with ape.reverts("registry: neither owner nor worker"):
        registry.announce(operator, *PROFILE, DAY, sender=sender)


def test_announce__by_a_replaced_key__reverts(registry, staking, staked, operators, workers):
    staking.set_worker(1, "0x" + "00" * 20, 0, 0, b"", sender=operators[0])
    with ape.reverts("registry: neither owner nor worker"):
        registry.announce(1, *PROFILE, DAY, sender=workers[0])


@pytest.mark.parametrize("lease", [0, 30 * DAY + 1])
def test_announce__lease_out_of_bounds__reverts(registry, staked, operators, lease):
    with ape.reverts("registry: lease out of bounds"):
        registry.announce(1, *PROFILE, lease, sender=operators[0])


def test_announce__longest_lease__is_taken(registry, staked, operators):
    registry.announce(1, *PROFILE, registry.MAX_LEASE(), sender=operators[0])
    assert registry.profile_of(1).endpoint == PROFILE[0]


def test_announce__no_endpoint__reverts(registry, staked, operators):
    with ape.reverts("registry: no endpoint"):
        registry.announce(1, "", *PROFILE[1:], DAY, sender=operators[0])


@pytest.mark.parametrize(("late", "listed"), [(-1, True), (0, False), (1, False)])
def test_profile_of__around_the_end__is_half_open(registry, announced, chain, at, late, listed):
    at(announced + late)
    chain.mine()
    profile = tuple(registry.profile_of(1))
    assert (profile != EMPTY) == listed


def test_retract__by_the_worker__removes_and_logs(registry, announced, workers):
    receipt = registry.retract(1, sender=workers[0])
    assert tuple(registry.profile_of(1)) == EMPTY
    assert receipt.events == [registry.ProfileRetracted(id=1)]


def test_retract__nothing_listed__reverts(registry, staked, operators):
    with ape.reverts("registry: no profile"):
        registry.retract(1, sender=operators[0])


def test_retract__by_anyone_else__reverts(registry, announced, stranger):
    with ape.reverts("registry: neither owner nor worker"):
        registry.retract(1, sender=stranger)
