"""answer and close: who is paid for what was shown, and who loses for what was not."""

import boa
import pytest

from tests.contracts.court.disputes import dispute
from tests.contracts.demands.asked import Asked
from tests.contracts.jobs_world import STANDING
from tests.contracts.provable_world import BOND, GAS_PRICE, PRIORITY, Phase
from tests.contracts.stateful import network as net
from tests.contracts.tensor_world import TOP, WINDOW, answer_to, shown_for
from worker.protocol.demands import Demand, Kind, Place, bond_for
from worker.protocol.provable_words import DEMAND_SECONDS, reserve
from worker.tensor.program import Opcode

SEGMENT = Place(Kind.SEGMENT, 1, 0, 0)
MADE_UP = bytes(range(256)) * 8
WHOLE = 2 * BOND * 10**9


def test_demand__logs_what_all_others_need(world, asked, stranger):
    demand = asked.ask(TOP)

    log = world.logged("TraceDemanded")
    assert (log.id, log.job) == (world.id_of(asked.job, demand), asked.job.key)
    assert (log.operator, log.demander) == (asked.operator.id, stranger)
    assert demand.seat == asked.seat
    assert demand.place == TOP
    assert demand.expected == (asked.said.trace.root, 0, 64 * 32)
    assert demand.bond == (world.now + WINDOW, bond_for(64 * 32, GAS_PRICE), net.FEE_BPS)
    assert world.demands.bond_for(64 * 32) == demand.bond.amount
    assert world.demands.record_of(log.id) == demand.record


def test_demand__bond__is_held_by_escrow(world, asked, stranger):
    before = world.token.balanceOf(stranger)

    demand = asked.ask(TOP)

    assert before - world.token.balanceOf(stranger) == demand.bond.amount
    assert world.held_for(asked.job, demand) == demand.bond.amount
    assert world.token.balanceOf(world.demands) == 0


@pytest.mark.parametrize("price", [1, 3, 10**9 + 1, 10**15])
def test_bond_for__any_price__equals_the_twin(world, price):
    world.courts.set_gas_price(price, sender=world.net.owner)

    for size in (1, 31, 32, 2048, 16_400):
        assert world.demands.bond_for(size) == bond_for(size, price)


def test_demand__not_escrows_fee__reverts(asked):
    with boa.reverts("escrow: not the current fee"):
        asked.ask(TOP, fee_bps=net.FEE_BPS + 1)


def test_demand__same_place_again__reverts(world, asked):
    demand = asked.ask(TOP)
    with boa.reverts("demands: demanded before"):
        asked.ask(TOP)
    asked.answer(demand)

    with boa.reverts("demands: demanded before"):
        asked.ask(TOP, demander=world.requesters[0])


@pytest.mark.parametrize("change", ["values", "origin", "task"])
def test_demand__not_as_recorded__reverts(world, asked, change):
    payer, origin = asked.job.source
    changes, reason = {}, "provable: wrong origin"
    if change == "values":
        changes, reason = {"values": [b"\1" * 32] * 2}, "provable: not what it opened"
    elif change == "origin":
        changes = {"source": (payer, (origin[0] + 1, *origin[1:]))}
    else:
        asked.seat = asked.seat._replace(task=2)
        reason = "provable: task not in the batch"

    with boa.reverts(reason):
        asked.ask(TOP, **changes)


def test_demand__trace_of_another_task__is_that_tasks(asked):
    """The task that the seat opened something else for has another trace, and its own places."""
    shown = asked.show(Place(Kind.TENSOR, 64, 0, 0))
    asked.seat = asked.seat._replace(task=0)

    with boa.reverts("tensors: not in the trace"):
        asked.ask(Place(Kind.TENSOR, 64, 0, 0), shown)


def test_demand__seat_that_opened_nothing__reverts(world, deep, stranger):
    values = world.values_with(deep, deep.statement.trace.root)
    job, operator = world.sealed(lambda job: values, tasks=2, batch_log2=3)
    job.opened[0, 0, operator.id] = values

    with boa.reverts("provable: not what it opened"):
        world.ask(job, world.seat_of(job, operator, 1), TOP, b"\0" * 104)


def test_demand__another_round__reverts(asked):
    opened = asked.job.opened[0, 0, asked.operator.id]
    asked.seat = asked.seat._replace(round=1)

    with boa.reverts("provable: not what it opened"):
        asked.ask(TOP, values=opened)


@pytest.mark.parametrize("late", [0, 1])
def test_demand__answer_due_in_the_two_days_behind_the_challenge(world, asked, late):
    world.go_to(world.until(asked.job) + DEMAND_SECONDS - WINDOW + late)

    if late:
        with boa.reverts("provable: too late to demand"):
            asked.ask(TOP)
    else:
        asked.ask(TOP)


# Answers


def test_answer__pays_the_operator_and_burns_a_third(world, asked):
    demand = asked.ask(TOP)
    amount, supply = demand.bond.amount, world.token.totalSupply()
    earned = world.escrow.operator_credit(asked.operator.id, 0)

    asked.answer(demand)

    share = 2 * amount // 3
    fee = share * net.FEE_BPS // 10_000
    assert world.escrow.operator_credit(asked.operator.id, 0) - earned == share - fee
    assert supply - world.token.totalSupply() == amount - share
    assert world.held_for(asked.job, demand) == 0
    assert world.word(asked.job).held == (0, 0)
    log = world.logged("DemandAnswered")
    assert log.id == world.id_of(asked.job, demand)
    assert log.data == answer_to(asked.said, TOP)


def test_answer__by_anybody_who_has_it__pays_the_operator(world, asked, stranger):
    demand = asked.ask(TOP)

    asked.answer(demand, sender=stranger)

    assert world.credit(asked.operator)


@pytest.mark.parametrize("place", [TOP, Place(Kind.TENSOR, 129, 0, 0), Place(Kind.LINE, 129, 7, 4)])
def test_answer__anything_else__reverts(asked, place):
    demand = asked.ask(place)
    right = answer_to(asked.said, place)
    wrong = bytes([right[0] ^ 1]) + right[1:]

    with boa.reverts("demands: wrong answer"):
        asked.answer(demand, wrong)
    for data in (b"", right[:-1], right[:-32], right + b"\0", right + right[:32]):
        with boa.reverts("demands: wrong size"):
            asked.answer(demand, data)
    asked.answer(demand)


def test_answer__top_of_a_segment__binds_the_seat(world, asked):
    demand = asked.ask(SEGMENT)
    assert demand.expected.digest == bytes(32)

    asked.answer(demand, MADE_UP)

    said = world.demands.inner_of(world.seat(asked.job, asked.operator), asked.seat.task, 1)
    assert said not in (bytes(32), asked.said.inner[1].root)
    assert world.demands.inner_of(world.seat(asked.job, asked.operator), 0, 1) == bytes(32)


def test_answer__top_of_a_segment__by_the_operator_alone(world, asked, stranger):
    demand = asked.ask(SEGMENT)
    for other in (stranger, world.operators[-1].worker, asked.job.payer):
        with boa.reverts("demands: not the seat's operator"):
            asked.answer(demand, MADE_UP, sender=other)

    asked.answer(demand, sender=asked.operator.owner)

    slot = world.seat(asked.job, asked.operator)
    assert world.demands.inner_of(slot, asked.seat.task, 1) == asked.said.inner[1].root


def test_answer__from_its_operators_new_key(world, asked):
    demand = asked.ask(SEGMENT)
    key = world.replace_key(asked.operator)

    with boa.reverts("demands: not the seat's operator"):
        asked.answer(demand)
    asked.answer(demand, sender=key)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_answer__before_it_is_due(world, asked, late):
    demand = asked.ask(TOP)
    world.go_to(demand.bond.due + late)

    if late < 0:
        asked.answer(demand)
    else:
        with boa.reverts("demands: answered too late"):
            asked.answer(demand)


@pytest.mark.parametrize("call", ["answer", "close"])
def test_answer_and_close__not_an_open_demand__revert(world, asked, call):
    demand = asked.ask(TOP)
    bent = [
        demand._replace(seat=demand.seat._replace(task=0)),
        demand._replace(place=demand.place._replace(position=1)),
        demand._replace(expected=demand.expected._replace(digest=b"\1" * 32)),
        demand._replace(expected=demand.expected._replace(size=32)),
        demand._replace(bond=demand.bond._replace(due=demand.bond.due + 1)),
        demand._replace(bond=demand.bond._replace(amount=0)),
    ]
    send = asked.answer if call == "answer" else asked.close
    for other in bent:
        with boa.reverts("demands: not an open demand"):
            send(other, bytes(64 * 32)) if call == "answer" else send(other)
    other_job = asked.world.post()
    with boa.reverts("demands: not an open demand"):
        asked.world.close(other_job, demand)

    asked.answer(demand)

    with boa.reverts("demands: not an open demand"):
        send(demand)


# Silence


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_close__from_when_it_is_due__burns_the_seats_bond(world, asked, stranger, late):
    demand = asked.ask(TOP)
    supply, paid = world.token.totalSupply(), world.escrow.credit_of(stranger, 0)
    world.go_to(demand.bond.due + late)

    if late < 0:
        with boa.reverts("demands: closed too early"):
            asked.close(demand)
        return
    asked.close(demand)

    assert supply - world.token.totalSupply() == WHOLE
    assert world.escrow.credit_of(stranger, 0) - paid == demand.bond.amount
    assert world.staking.lane(asked.operator.id, world.jobs) == STANDING
    assert (world.word(asked.job).phase, world.word(asked.job).round) == (Phase.OPEN, 1)
    log = world.logged("DemandClosed")
    assert (log.id, log.silent) == (world.id_of(asked.job, demand), True)


def test_close__others_of_a_silent_seat__give_the_bonds_back_at_once(world, asked, stranger):
    first, second = asked.ask(TOP), asked.ask(SEGMENT)
    world.wait(60)
    third = asked.ask(Place(Kind.TENSOR, 129, 0, 0))
    world.go_to(first.bond.due)
    asked.close(first)
    supply = world.token.totalSupply()

    with boa.reverts("demands: the seat is over"):
        asked.answer(third)
    for demand in (second, third):
        asked.close(demand)
        assert not world.logged("DemandClosed").silent

    bonds = sum(demand.bond.amount for demand in (first, second, third))
    assert world.escrow.credit_of(stranger, 0) == bonds
    assert world.token.totalSupply() == supply


def test_close__no_round_left__refunds_the_payer(world, deep):
    values = world.values_with(deep, deep.statement.trace.root)
    job = world.post(tasks=2, batch_log2=3)
    for _ in range(3):
        world.wait(1)
        operator = world.take(job, values)
        world.draw(job, audited=False)
        world.reveal(job, operator, values)
        seat = world.seat_of(job, operator, 1)
        demand = world.ask(job, seat, TOP, shown_for(deep.program, deep.statement, TOP))
        world.go_to(demand.bond.due)
        world.close(job, demand)

    assert world.word(job).is_final
    assert world.escrow.credit_of(job.payer, 0) == reserve(job.terms, 2)


def test_close__seat_convicted_meanwhile__gives_the_bond_back(world, stranger):
    about = dispute(Opcode.MATMUL, 0)
    said = about.corrupted(len(about.tensors) - 1, 0, 0, int(about.tensors[-1][0, 0]) ^ 1)
    asked = Asked.opened(world, about, said)
    lie = about.convict(said)
    asked.open_segments()
    demand = asked.ask(TOP)
    with boa.reverts("demands: closed too early"):
        asked.close(demand)
    world.announce(stranger, lie.proof)
    world.wait(PRIORITY)
    where = {"task": lie.claim.task, "segment": lie.claim.segment}
    world.convict(asked.job, asked.operator, stranger, lie.proof, **where)

    with boa.reverts("demands: the seat is over"):
        asked.answer(demand)
    asked.close(demand)

    assert world.escrow.credit_of(stranger, 0) == demand.bond.amount


def test_close__nobody_for_a_week__reclaimed_and_still_burns(world, asked, stranger):
    demand = asked.ask(TOP)
    supply = world.token.totalSupply()
    world.go_to(demand.bond.due + 7 * 86_400)
    reference = world.id_of(asked.job, demand)
    world.escrow.reclaim(world.demands, 0, reference, demand.bond.due, demand.bond.fee_bps)

    asked.close(demand)

    assert world.escrow.credit_of(stranger, 0) == demand.bond.amount
    assert supply - world.token.totalSupply() == WHOLE


def test_settle__while_a_demand_is_open__reverts(world, asked):
    world.go_to(world.until(asked.job) - 1)
    demand = asked.ask(TOP)
    world.wait(1)
    values = asked.job.opened[0, 0, asked.operator.id]
    with boa.reverts("provable: a demand is open"):
        world.settle(asked.job, values)

    asked.answer(demand)
    with boa.reverts("provable: answered just now"):
        world.settle(asked.job, values)
    world.wait(10 * PRIORITY)

    world.settle(asked.job, values)
    assert world.word(asked.job).is_final


def test_record__what_the_contract_keeps__equals_the_twin(asked):
    demand = asked.ask(Place(Kind.LINE, 129, 7, 99))

    assert isinstance(demand, Demand)
    assert demand.expected.size == 300
    assert demand.expected.tensor >> 112 & 255 == 1
    assert asked.world.demands.record_of(asked.world.id_of(asked.job, demand)) == demand.record


# Deployment


@pytest.mark.parametrize("window", [0, DEMAND_SECONDS // 7 + 1])
def test_deploy__window_out_of_bounds__reverts(world, window):
    with boa.reverts("demands: window out of bounds"):
        net.contract("services/Demands").deploy(world.jobs, world.replicated, window)


def test_deploy__longest_window__is_taken(world):
    demands = net.contract("services/Demands").deploy(
        world.jobs, world.replicated, DEMAND_SECONDS // 7
    )

    assert demands.WINDOW() == DEMAND_SECONDS // 7
    assert demands.max_lock() == 0
    assert demands.JOBS() == world.jobs.address
