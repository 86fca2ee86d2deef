"""answer_output and close_output: who is paid for delivering, and what not delivering costs."""

import boa
import pytest

from tests.contracts.deliveries.world import Bundled, Traced
from tests.contracts.demands.programs import copies
from tests.contracts.jobs_world import NO_LIMIT, STANDING
from tests.contracts.stateful import network as net
from tests.contracts.tensor_world import WINDOW
from worker.protocol.demands import ANSWER_GAS, BYTE_GAS

MAX_LOCK = 14 * net.DAY


def test_answer__two_thirds_to_the_operator__the_rest_burnt(world, owed):
    before = world.credit(owed.server)
    delivery = owed.demand()
    amount, supply = delivery.bond.amount, world.token.totalSupply()
    share = 2 * amount // 3

    owed.answer(delivery, sender=world.requesters[1])

    log = world.logged("OutputAnswered")
    assert (log.id, log.data) == (delivery.id, owed.piece(0)[0])
    assert world.credit(owed.server) - before == share - share * net.FEE_BPS // 10_000
    assert supply - world.token.totalSupply() == amount - share
    assert owed.held(delivery) == 0
    assert owed.standing() == STANDING


def test_answer__another_piece__reverts(owed):
    delivery = owed.demand(0)
    data, path = owed.piece(1)

    for wrong in (owed.piece(1), (data, owed.piece(0)[1]), (owed.piece(0)[0], path)):
        with boa.reverts("deliveries: wrong answer"):
            owed.answer(delivery, *wrong)
    owed.answer(delivery)


def test_answer__bent_bytes_or_path__reverts(owed):
    delivery = owed.demand()
    data, path = owed.piece(0)
    flipped = bytes([data[0] ^ 1]) + data[1:]
    paths = [path[:-1], [*path, bytes(32)], [bytes(32), *path[1:]], [*path[:-1], bytes(32)], []]

    for other in (flipped, data[:-1], data + b"\0", b""):
        with boa.reverts("deliveries: wrong answer"):
            owed.answer(delivery, other)
    for other in paths:
        with boa.reverts("deliveries: wrong answer"):
            owed.answer(delivery, path=other)


def test_answer__node_taken_for_a_chunk__reverts(bundled):
    """A node is hashed under another tag than a chunk."""
    delivery = bundled.demand(0)
    _, path = bundled.piece(0)
    node = path[1] + path[2]

    with boa.reverts("deliveries: wrong answer"):
        bundled.answer(delivery, node, path[1:])


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_answer__before_it_is_due(world, owed, late):
    delivery = owed.demand()
    world.go_to(delivery.bond.due + late)

    if late < 0:
        owed.answer(delivery)
    else:
        with boa.reverts("deliveries: answered too late"):
            owed.answer(delivery)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_close__from_when_it_is_due__burns_the_standing_bond(world, owed, late):
    delivery = owed.demand()
    supply, credit = world.token.totalSupply(), world.escrow.credit_of(owed.job.payer, 0)
    world.go_to(delivery.bond.due + late)

    if late < 0:
        with boa.reverts("deliveries: closed too early"):
            owed.close(delivery)
        return
    owed.close(delivery)

    log = world.logged("OutputForfeited")
    assert (log.id, log.burnt) == (delivery.id, STANDING)
    assert supply - world.token.totalSupply() == STANDING * 10**9
    assert owed.standing() == 0
    assert world.escrow.credit_of(owed.job.payer, 0) - credit == delivery.bond.amount
    assert owed.held(delivery) == 0


def test_close__other_lane_and_other_operators__keep_theirs(world, owed):
    delivery = owed.demand()
    world.go_to(delivery.bond.due)
    owed.close(delivery)

    other = world.jobs if owed.lane.jobs.address != world.jobs.address else world.replicated
    assert world.staking.lane(owed.server.id, other) == STANDING
    rest = [operator for operator in world.operators if operator is not owed.server]
    assert {owed.standing(operator) for operator in rest} == {STANDING}


def test_close__second_demand__burns_nothing_more(world, owed):
    first, second = owed.demand(0), owed.demand(1)
    world.go_to(first.bond.due)
    owed.close(first)
    supply = world.token.totalSupply()

    owed.close(second)

    assert world.logged("OutputForfeited").burnt == 0
    assert world.token.totalSupply() == supply
    assert owed.held(second) == 0


def test_close__opted_in_anew__loses_that_bond_too(world, owed):
    first, second = owed.demand(0), owed.demand(1)
    world.go_to(first.bond.due)
    owed.close(first)
    owner = owed.server.owner
    world.staking.opt_in(owed.server.id, owed.lane.jobs, NO_LIMIT, sender=owner)

    owed.close(second)

    assert owed.standing() == 0


def test_answer__while_another_was_closed__is_paid_all_the_same(world, owed):
    first = owed.demand(0)
    world.wait(100)
    second = owed.demand(1)
    world.go_to(first.bond.due)
    owed.close(first)
    before = world.credit(owed.server)

    owed.answer(second)

    assert world.credit(owed.server) > before


def test_close__operator_that_left__loses_it_all_the_same(world, owed):
    world.staking.leave(owed.server.id, owed.lane.jobs, sender=owed.server.owner)
    delivery = owed.demand()
    world.go_to(delivery.bond.due)

    owed.close(delivery)

    assert world.logged("OutputForfeited").burnt == STANDING


def test_close__operator_left_at_its_claim__its_bond_is_not_free_before(world):
    """The last demand of a job that took as long as jobs take is due while the bond is held."""
    job = world.post(challenge=2 * net.DAY, run=net.DAY, claim=3_600, reveal=net.DAY)
    world.last_third(job)
    operator = world.drawn(job)
    world.claim(job, operator)
    world.staking.leave(operator.id, world.jobs, sender=operator.owner)
    left_at = world.now

    longest = world.jobs.max_lock() + net.DAY

    assert left_at + MAX_LOCK >= world.now + longest
    world.go_to(left_at + MAX_LOCK - 1)
    with boa.reverts("staking: bond not yet free"):
        world.staking.release_standing(operator.id, world.jobs)


def test_close__released_long_ago__gives_the_payer_its_bond(world, owed):
    delivery = owed.demand()
    world.staking.leave(owed.server.id, owed.lane.jobs, sender=owed.server.owner)
    world.wait(MAX_LOCK)
    world.staking.release_standing(owed.server.id, owed.lane.jobs)

    owed.close(delivery)

    assert world.logged("OutputForfeited").burnt == 0
    assert owed.held(delivery) == 0


def test_close__open_job_of_the_same_operator__goes_on(world, owed):
    delivery = owed.demand()
    job = owed.lane.post(named=[owed.server.id], seats=1, max_seats=1)
    owed.lane.claim(job, owed.server)
    world.go_to(delivery.bond.due)

    owed.close(delivery)

    assert owed.standing() == 2 * job.terms.bond
    with boa.reverts("staking: operator not opted in"):
        again = owed.lane.post(named=[owed.server.id], seats=1, max_seats=1)
        owed.lane.claim(again, owed.server)


@pytest.mark.parametrize("call", ["answer", "close"])
def test_answer_and_close__not_an_open_demand__revert(world, owed, call):
    delivery = owed.demand()
    send = owed.answer if call == "answer" else owed.close
    bent = [
        delivery._replace(job=bytes(32)),
        delivery._replace(debt=delivery.debt._replace(operator=owed.server.id + 1)),
        delivery._replace(debt=delivery.debt._replace(position=1)),
        delivery._replace(part=delivery.part._replace(root=bytes(32))),
        delivery._replace(part=delivery.part._replace(size=1)),
        delivery._replace(bond=delivery.bond._replace(due=world.now)),
        delivery._replace(bond=delivery.bond._replace(amount=0)),
    ]
    for other in bent:
        with boa.reverts("deliveries: not an open demand"):
            send(other)
    owed.answer(delivery)

    with boa.reverts("deliveries: not an open demand"):
        send(delivery)


@pytest.mark.parametrize("shape", [(1, 16_400), (1 << 12, 16)])
def test_answer__its_gas__is_covered_by_the_bond(world, shape):
    for owed in (
        Traced.settled(world, copies(65, *shape, 64)),
        Bundled.settled(world, (5_000, 10)),
    ):
        delivery = owed.demand()
        data, path = owed.piece(0)

        owed.answer(delivery)

        size = len(data) + 32 * len(path)
        used = world.demands._computation.net_gas_used + 21_000
        # Words of the delivery, the two lengths and the two places: at most 21 of 16 gas a byte.
        calldata = 16 * (size + 32 * 21 + 4)
        floor = 21_000 + 40 * (size + 32 * 21 + 4)
        assert max(used + calldata, floor) <= ANSWER_GAS + BYTE_GAS * size


@pytest.mark.parametrize(("lock", "fits"), [(13 * net.DAY, True), (13 * net.DAY + 1, False)])
def test_deploy__locks_and_the_serve_window__fit_what_holds_a_standing_bond(world, lock, fits):
    service = net.contract("mocks/MockService").deploy(world.staking, world.escrow, lock)
    args = (world.jobs, service, WINDOW)

    if fits:
        assert net.contract("services/Demands").deploy(*args).REPLICATED() == service.address
    else:
        with boa.reverts("deliveries: locks too long"):
            net.contract("services/Demands").deploy(*args)
