"""Withheld traces, from the trace root that a liar opened to its conviction, or to its silence.

Whoever asks knows the program, an honest run of its own, and what the chain logged; nothing else.
"""

from dataclasses import dataclass, field
from random import Random

import pytest

from tests.contracts.court.disputes import dispute
from tests.contracts.court.liars import LIES
from tests.contracts.demands.asked import Asked
from tests.contracts.jobs_world import STANDING
from tests.contracts.provable_world import BOND, PRIORITY, Phase
from tests.contracts.tensor_world import WINDOW
from worker.protocol.demands import Demand, Kind, Place
from worker.tensor.dispute import Lie, Missing, Statement, ToldTensor, ToldTrace, find_lie
from worker.tensor.evidence import evidence
from worker.tensor.program import Opcode

MOST_ROUNDS = 7
WHOLE = 2 * BOND * 10**9


@dataclass
class Asker:
    """Somebody who finds a lie by demands alone."""

    asked: Asked
    told: Statement = field(default_factory=lambda: Statement(ToldTrace(), {}, {}))
    rounds: int = 0

    def next(self) -> Lie | Missing | None:
        about = self.asked.about
        return find_lie(about.job, about.statement.trace, self.told)

    def demand(self, missing: Missing) -> Demand:
        self.rounds += 1
        return self.asked.ask(missing.place, evidence(self.asked.about.program, *missing))

    def listen(self, demand: Demand) -> None:
        """Take what the last answer's log says."""
        place, data = demand.place, self.asked.world.logged("DemandAnswered").data
        if place.kind is Kind.LINE:
            self._tensor(place.number).lines[place.position] = data
            return
        nodes = [data[at : at + 32] for at in range(0, len(data), 32)]
        self._tree(place).tell(place.level, place.position, nodes)

    def _tree(self, place: Place):
        if place.kind is Kind.TRACE:
            return self.told.trace.tree
        if place.kind is Kind.SEGMENT:
            return self.told.inner.setdefault(place.number, ToldTrace()).tree
        return self._tensor(place.number).tree

    def _tensor(self, number: int) -> ToldTensor:
        return self.told.tensors.setdefault(number, ToldTensor())


def convict(asker: Asker, lie: Lie, prover: str) -> None:
    asked = asker.asked
    asked.world.announce(prover, lie.proof)
    asked.world.wait(PRIORITY)
    where = {"task": lie.claim.task, "segment": lie.claim.segment}
    asked.world.convict(asked.job, asked.operator, prover, lie.proof, **where)


def descend_to(asker: Asker, answers: int = MOST_ROUNDS) -> Lie | Demand | None:
    """Ask until there is a lie; or return the demand behind so many answers."""
    while isinstance(found := asker.next(), Missing):
        demand = asker.demand(found)
        if asker.rounds > answers:
            return demand
        asker.asked.answer(demand)
        asker.listen(demand)
    return found


@pytest.mark.parametrize("lying", LIES, ids=lambda lying: lying.__name__)
def test_descent__any_lie__is_convicted_by_what_the_chain_says(world, stranger, lying):
    convicted = 0
    for opcode in (Opcode.MATMUL, Opcode.ADD, Opcode.ARGMAX, Opcode.CONV2D, Opcode.NORM):
        about = dispute(opcode, 100 * opcode + 1)
        said = lying(about, Random(opcode))
        if said.trace.root == about.statement.trace.root:
            continue
        asker = Asker(Asked.opened(world, about, said))

        lie = descend_to(asker)

        assert isinstance(lie, Lie)
        assert asker.rounds <= MOST_ROUNDS
        convict(asker, lie, stranger)
        assert world.word(asker.asked.job).phase == Phase.OPEN
        convicted += 1
    assert convicted


@pytest.fixture(scope="module")
def lie_deep_inside(deep) -> Statement:
    """A lie about one element of a tensor without checkpoint: as far down as it goes."""
    return deep.corrupted(40, 70, 123, int(deep.tensors[40][70, 123]) ^ 1)


def test_descent__deepest__in_seven_rounds(world, deep, lie_deep_inside, stranger):
    asker = Asker(Asked.opened(world, deep, lie_deep_inside))

    lie = descend_to(asker)

    assert isinstance(lie, Lie)
    assert (lie.operator, lie.element) == (40, (70, 123))
    assert asker.rounds == MOST_ROUNDS
    convict(asker, lie, stranger)
    assert world.last("OperatorConvicted").prover == stranger
    assert world.word(asker.asked.job).round == 1


@pytest.mark.parametrize("answers", range(MOST_ROUNDS))
def test_descent__silent_in_any_round__loses_all(world, deep, lie_deep_inside, stranger, answers):
    asker = Asker(Asked.opened(world, deep, lie_deep_inside))
    asked = asker.asked
    demand = descend_to(asker, answers)
    assert isinstance(demand, Demand)
    supply, credit = world.token.totalSupply(), world.escrow.credit_of(stranger, 0)
    world.go_to(demand.bond.due)

    asked.close(demand)

    assert supply - world.token.totalSupply() == WHOLE
    assert world.escrow.credit_of(stranger, 0) - credit == demand.bond.amount
    assert world.staking.lane(asked.operator.id, world.jobs) == STANDING
    assert (world.word(asked.job).phase, world.word(asked.job).round) == (Phase.OPEN, 1)


def test_descent__begun_in_the_challenges_last_second__fits(world, deep, lie_deep_inside, stranger):
    """Every answer comes in the last second before it is due."""
    asker = Asker(Asked.opened(world, deep, lie_deep_inside))
    asked = asker.asked
    world.go_to(world.until(asked.job) - 1)

    while isinstance(found := asker.next(), Missing):
        demand = asker.demand(found)
        world.wait(WINDOW - 1)
        asked.answer(demand)
        asker.listen(demand)

    assert isinstance(found, Lie)
    where = {"task": found.claim.task, "segment": found.claim.segment}
    world.convict(asked.job, asked.operator, stranger, found.proof, **where)
    assert world.word(asked.job).round == 1


def test_descent__liar_tells_something_else_of_a_segment__is_bound_to_it(world, deep, stranger):
    """What it makes up is wrong somewhere too, and is found there."""
    said = deep.corrupted(64, 5, 5, int(deep.tensors[64][5, 5]) ^ 1)
    inner = dict(said.inner)
    other = deep.corrupted(3, 1, 1, int(deep.tensors[3][1, 1]) ^ 1)
    inner[0], tensors = other.inner[0], {**said.tensors}
    for k in range(64):
        tensors[k] = other.tensors[k]
    asker = Asker(Asked.opened(world, deep, Statement(said.trace, inner, tensors)))

    lie = descend_to(asker)

    assert isinstance(lie, Lie)
    assert lie.operator == 3
    convict(asker, lie, stranger)


def test_descent__honest_seat__has_nothing_to_find(world, deep):
    asker = Asker(Asked.opened(world, deep))

    missing = asker.next()
    assert isinstance(missing, Missing)
    demand = asker.demand(missing)
    asker.asked.answer(demand)
    asker.listen(demand)

    assert asker.next() is None
