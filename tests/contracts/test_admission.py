"""Which services may touch stake, parameters in their bounds, and who may set them."""

import ape
import pytest

from tests.contracts.conftest import (
    DAY,
    EPOCH,
    GRACE,
    MAX_LOCK,
    MINIMUM_STAKE,
    NO_LIMIT,
    NO_PERMIT,
    STAKE,
    STANDING,
    TOKEN,
    UNBONDING,
    WEIGHT_CAP,
    settled,
)

OWNER_CALLS = [
    ("admit_genesis", ["service", 0]),
    ("seal_genesis", []),
    ("announce_service", ["service", 0]),
    ("admit_service", ["service"]),
    ("retire_service", ["service"]),
    ("set_unbonding", [UNBONDING]),
    ("set_minimum_stake", [1]),
    ("set_weight_cap", [1]),
    ("transfer_ownership", ["service"]),
]


@pytest.mark.parametrize(("name", "args"), OWNER_CALLS)
def test_owner_calls__by_another__revert(staking, services, stranger, name, args):
    args = [services[0] if arg == "service" else arg for arg in args]
    with ape.reverts("ownable: caller is not the owner"):
        getattr(staking, name)(*args, sender=stranger)


def test_accept_ownership__offered__moves_it(staking, owner, stranger):
    staking.transfer_ownership(stranger, sender=owner)
    assert (staking.owner(), staking.pending_owner()) == (owner, stranger)
    staking.accept_ownership(sender=stranger)
    assert staking.owner() == stranger


def test_accept_ownership__not_offered__reverts(staking, stranger):
    with ape.reverts("ownable_2step: caller is not the new owner"):
        staking.accept_ownership(sender=stranger)


def test_admit_genesis__before_the_seal__is_active_at_once(staking, owner, services):
    receipt = staking.admit_genesis(services[0], STANDING, sender=owner)

    assert staking.is_active(services[0])
    assert (staking.service(services[0]).place, staking.service_count()) == (1, 1)
    assert receipt.events == [
        staking.ServiceAnnounced(service=services[0], standing=STANDING),
        staking.ServiceAdmitted(service=services[0], index=0, standing=STANDING),
    ]


def test_admit_genesis__after_the_seal__reverts(staking, open_network, owner, new_service):
    with ape.reverts("staking: genesis is sealed"):
        staking.admit_genesis(new_service(), 0, sender=owner)


def test_seal_genesis__once__logs_and_never_again(staking, owner):
    receipt = staking.seal_genesis(sender=owner)
    assert staking.is_sealed()
    assert receipt.events == [staking.GenesisSealed()]
    with ape.reverts("staking: genesis is sealed"):
        staking.seal_genesis(sender=owner)


@pytest.mark.parametrize(("max_lock", "admitted"), [(MAX_LOCK, True), (MAX_LOCK + 1, False)])
def test_admit_genesis__locks_up_to_max_lock__only(staking, owner, new_service, max_lock, admitted):
    service = new_service(max_lock)
    if admitted:
        staking.admit_genesis(service, 0, sender=owner)
        return
    with ape.reverts("staking: service locks too long"):
        staking.admit_genesis(service, 0, sender=owner)


@pytest.mark.parametrize(("late", "admitted"), [(-1, False), (0, True), (1, True)])
def test_admit_service__around_the_delay__is_half_open(
    staking, open_network, owner, new_service, now, at, late, admitted
):
    service = new_service()
    receipt = staking.announce_service(service, STANDING, sender=owner)
    assert receipt.events == [staking.ServiceAnnounced(service=service, standing=STANDING)]
    assert not staking.is_active(service)
    at(now() + UNBONDING + GRACE + late)
    if not admitted:
        with ape.reverts("staking: admission too early"):
            staking.admit_service(service, sender=owner)
        return
    receipt = staking.admit_service(service, sender=owner)
    assert staking.is_active(service)
    assert receipt.events == [staking.ServiceAdmitted(service=service, index=2, standing=STANDING)]


def test_admit_service__an_operator_that_fled_at_the_announcement__is_gone(
    staking, token, staked, owner, operators, new_service, wait
):
    service = new_service()
    staking.announce_service(service, 0, sender=owner)
    staking.unstake(1, STAKE, sender=operators[0])
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    with ape.reverts("staking: admission too early"):
        staking.admit_service(service, sender=owner)


def test_announce_service__twice__reverts(staking, open_network, owner, services):
    with ape.reverts("staking: service was announced"):
        staking.announce_service(services[0], 0, sender=owner)


def test_announce_service__bond_above_the_word__reverts(staking, open_network, owner, new_service):
    with ape.reverts("staking: standing bond too large"):
        staking.announce_service(new_service(), NO_LIMIT + 1, sender=owner)


def test_admit_service__not_announced__reverts(staking, open_network, owner, new_service):
    with ape.reverts("staking: service not announced"):
        staking.admit_service(new_service(), sender=owner)


def test_admit_service__twice__reverts(staking, open_network, owner, services, wait):
    wait(UNBONDING + GRACE)
    with ape.reverts("staking: service was admitted"):
        staking.admit_service(services[0], sender=owner)


def test_admit_genesis__a_ninth__reverts(staking, owner, new_service):
    for _ in range(8):
        staking.admit_genesis(new_service(), 0, sender=owner)
    with ape.reverts("staking: service list is full"):
        staking.admit_genesis(new_service(), 0, sender=owner)


def test_retire_service__active__stops_new_work_but_not_settlement(
    staking, joined, owner, services, operators, workers, now
):
    service = services[0]
    service.lock(workers[0], 100, now(), sender=owner)
    receipt = staking.retire_service(service, sender=owner)

    assert receipt.events == [staking.ServiceRetired(service=service)]
    assert not staking.is_active(service)
    with ape.reverts("staking: service not active"):
        service.lock(workers[0], 100, now(), sender=owner)
    with ape.reverts("staking: service not active"):
        staking.opt_in(1, service, NO_LIMIT, sender=operators[0])
    service.settle([settled(1, 40, burnt=60)], sender=owner)
    assert staking.lane(1, service) == STANDING


def test_retire_service__announced_only__takes_the_announcement_back(
    staking, open_network, owner, new_service, wait
):
    service = new_service()
    staking.announce_service(service, 0, sender=owner)
    staking.retire_service(service, sender=owner)
    wait(UNBONDING + GRACE)
    with ape.reverts("staking: service not announced"):
        staking.admit_service(service, sender=owner)
    staking.announce_service(service, 0, sender=owner)


def test_retire_service__retired_or_unknown__reverts(
    staking, open_network, owner, services, new_service
):
    staking.retire_service(services[0], sender=owner)
    for service in (services[0], new_service()):
        with ape.reverts("staking: nothing to retire"):
            staking.retire_service(service, sender=owner)


@pytest.mark.parametrize(("late", "voided"), [(-1, False), (0, True), (1, True)])
def test_void__around_the_delay__is_half_open(
    staking, joined, owner, stranger, services, workers, now, at, late, voided
):
    services[0].lock(workers[0], 100, now(), sender=owner)
    staking.retire_service(services[0], sender=owner)
    at(now() + MAX_LOCK + GRACE + late)
    if not voided:
        with ape.reverts("staking: lane not yet void"):
            staking.void(services[0], 1, sender=stranger)
        return
    receipt = staking.void(services[0], 1, sender=stranger)
    assert staking.lane(1, services[0]) == 0
    assert staking.lane(1, services[1]) == STANDING
    assert receipt.events == [staking.LaneVoided(id=1, service=services[0], amount=STANDING + 100)]


def test_void__active_service__reverts(staking, joined, stranger, services):
    with ape.reverts("staking: lane not yet void"):
        staking.void(services[0], 1, sender=stranger)


@pytest.mark.parametrize(
    ("setter", "getter", "event", "low", "high", "reason"),
    [
        ("set_unbonding", "unbonding", "UnbondingSet", 21 * DAY + 1, 180 * DAY, "unbonding"),
        ("set_minimum_stake", "minimum_stake", "MinimumStakeSet", 1, 10**6, "minimum"),
        ("set_weight_cap", "weight_cap", "WeightCapSet", 1, 2**32 - 1, "cap"),
    ],
)
def test_setters__at_their_bounds__hold_and_leave_the_others_alone(
    staking, open_network, owner, setter, getter, event, low, high, reason
):
    names = ("unbonding", "minimum_stake", "weight_cap", "is_sealed")
    others = {name: getattr(staking, name)() for name in names if name != getter}
    for value in (low, high):
        receipt = getattr(staking, setter)(value, sender=owner)
        assert getattr(staking, getter)() == value
        assert [log.event_name for log in receipt.events] == [event]
        assert list(receipt.events[0].event_arguments.values()) == [value]
        assert {name: getattr(staking, name)() for name in others} == others
    for value in (low - 1, high + 1):
        with ape.reverts(f"staking: {reason} out of bounds"):
            getattr(staking, setter)(value, sender=owner)


REASONS_OF_BOUNDS = (
    "staking: unbonding out of bounds",
    "staking: minimum out of bounds",
    "staking: cap out of bounds",
    "staking: epoch out of bounds",
    "staking: leverage out of bounds",
)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((EPOCH, 21 * DAY, MINIMUM_STAKE, WEIGHT_CAP, 2), REASONS_OF_BOUNDS[0]),
        ((EPOCH, UNBONDING, 0, WEIGHT_CAP, 2), REASONS_OF_BOUNDS[1]),
        ((EPOCH, UNBONDING, MINIMUM_STAKE, 0, 2), REASONS_OF_BOUNDS[2]),
        ((0, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, 2), REASONS_OF_BOUNDS[3]),
        ((30 * DAY + 1, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, 2), REASONS_OF_BOUNDS[3]),
        ((EPOCH, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, 0), REASONS_OF_BOUNDS[4]),
        ((EPOCH, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, 11), REASONS_OF_BOUNDS[4]),
    ],
)
def test_deploy__out_of_bounds__reverts(project, owner, token, args, reason):
    with ape.reverts(reason):
        owner.deploy(project.Staking, token, *args)


def test_set_minimum_stake__raised__an_operator_below_weighs_nothing_after_its_next_move(
    staking, staked, owner, requester
):
    staking.set_minimum_stake(6_000, sender=owner)
    staking.stake(1, TOKEN, NO_PERMIT, sender=requester)
    assert staking.operator(1).weights.now == 0
