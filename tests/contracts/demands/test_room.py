"""demand: how many may be open on a seat, and for whom the last ones are kept."""

import boa
import pytest

from tests.contracts.demands.asked import Asked
from tests.contracts.demands.programs import places
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import TOKEN
from worker.protocol.demands import PARTIES

MOST = 31
STRANGERS = MOST - PARTIES


@pytest.fixture
def audited(world, deep) -> tuple[Asked, Asked]:
    """The operator and the auditor of one batch; both opened the honest trace."""
    values = world.values_with(deep, deep.statement.trace.root)
    both = world.audited(lambda job: values, lambda job: values, tasks=2, batch_log2=3)
    job, *seats = both
    return tuple(Asked.of(world, deep, deep.statement, job, seat) for seat in seats)


def asks(asked: Asked):
    """Return places that can be demanded at once: those of the trace, and checkpoints' lines."""
    program = asked.about.program
    return iter(
        [
            place
            for place in places(program)
            if place.kind in (2, 3) and program.ops[place.number].is_checkpoint
        ]
    )


def test_demand__slots_of_strangers__then_of_the_parties(world, audited):
    asked, auditor = audited
    other = auditor.operator
    for account in (other.owner, other.worker):
        net.fund(world.net, account, TOKEN)
    todo = asks(asked)
    for _ in range(STRANGERS):
        asked.ask(next(todo))
    with boa.reverts("demands: kept for the parties"):
        asked.ask(next(todo))
    with boa.reverts("demands: kept for the parties"):
        asked.ask(next(todo), demander=world.requesters[1])

    parties = [asked.job.payer, other.owner, other.worker]
    for number in range(PARTIES):
        asked.ask(next(todo), demander=parties[number % 3])

    assert world.word(asked.job).held == (MOST, 0)
    with boa.reverts("provable: too many demands"):
        asked.ask(next(todo), demander=asked.job.payer)
    auditor.ask(next(todo))


def test_demand__the_operator_itself__is_a_stranger(world, audited):
    asked, auditor = audited
    net.fund(world.net, auditor.operator.worker, TOKEN)
    todo = asks(asked)
    for _ in range(STRANGERS):
        auditor.ask(next(todo))

    with boa.reverts("demands: kept for the parties"):
        auditor.ask(next(todo), demander=auditor.operator.worker)
    asked.ask(next(todo), demander=auditor.operator.worker)


def test_demand__batch_without_auditor__nobody_is_taken_for_it(world, asked):
    """Where there is no second seat its number is 0, and so is that of an account without one."""
    todo = asks(asked)
    for _ in range(STRANGERS):
        asked.ask(next(todo))

    with boa.reverts("demands: kept for the parties"):
        asked.ask(next(todo))
    asked.ask(next(todo), demander=asked.job.payer)


def test_demand__payer_of_another_job__is_a_stranger(world, asked):
    todo = asks(asked)
    for _ in range(STRANGERS):
        asked.ask(next(todo))
    _, origin = asked.job.source

    with boa.reverts("provable: wrong origin"):
        asked.ask(next(todo), source=(world.requesters[1], origin))


def test_demand__answered__makes_room(world, asked):
    todo = asks(asked)
    first = asked.ask(next(todo))
    for _ in range(STRANGERS - 1):
        asked.ask(next(todo))
    with boa.reverts("demands: kept for the parties"):
        asked.ask(next(todo))

    asked.answer(first)

    asked.ask(next(todo))


def test_demands__all_at_once__money_is_conserved(world, asked, stranger):
    """31 demands, some answered, then silence: what came in went out, to the wei."""
    held, supply = world.token.balanceOf(world.escrow), world.token.totalSupply()
    staked = world.token.balanceOf(world.staking)
    todo = asks(asked)
    opened = [asked.ask(next(todo)) for _ in range(STRANGERS)]
    opened += [asked.ask(next(todo), demander=asked.job.payer) for _ in range(PARTIES)]
    bonds = sum(demand.bond.amount for demand in opened)
    assert world.token.balanceOf(world.escrow) - held == bonds
    for demand in opened[:5]:
        asked.answer(demand)
    world.go_to(opened[-1].bond.due)
    for demand in opened[5:]:
        asked.close(demand)

    shares = [2 * demand.bond.amount // 3 for demand in opened[:5]]
    burnt = sum(demand.bond.amount for demand in opened[:5]) - sum(shares)
    whole = staked - world.token.balanceOf(world.staking)
    assert supply - world.token.totalSupply() == burnt + whole
    assert world.token.balanceOf(world.escrow) - held == bonds - burnt
    credit = world.escrow.operator_credit(asked.operator.id, 0)
    fees = world.escrow.operator_fees(asked.operator.id, 0)
    returned = sum(world.escrow.credit_of(who, 0) for who in (stranger, asked.job.payer))
    assert credit + fees == sum(shares)
    assert returned == sum(demand.bond.amount for demand in opened[5:])
