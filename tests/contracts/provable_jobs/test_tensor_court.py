"""Convictions from end to end: a program is run, a worker lies, the real court is asked."""

from random import Random

import boa
import pytest

from tests.contracts.court.disputes import Dispute, dispute, other_value
from tests.contracts.provable_world import BOND, PRIORITY, Phase
from tests.contracts.tensor_world import TensorWorld
from worker.tensor.dispute import Lie, Statement
from worker.tensor.program import Opcode

WHOLE = BOND * 10**9


@pytest.fixture(scope="module")
def world() -> TensorWorld:
    return TensorWorld()


def lie_about(opcode: Opcode, needs_segment: bool) -> tuple[Dispute, Statement, Lie]:
    """Return a dispute whose lie is shown with, or without, a segment's trace."""
    for seed in range(100):
        about, rng = dispute(opcode, seed), Random(seed)
        kind = about.program.ops[about.target].output.type
        wrong = other_value(kind, int(about.tensors[about.target][0, 0]), rng)
        statement = about.corrupted(about.target, 0, 0, wrong)
        lie = about.find(statement)
        if isinstance(lie, Lie) and (lie.claim.inner != bytes(32)) == needs_segment:
            return about, statement, lie
    raise AssertionError("no such dispute")


@pytest.mark.parametrize("opcode", [Opcode.MATMUL, Opcode.NORM, Opcode.CONV2D])
def test_convict__lie_in_a_checkpoint__in_one_transaction(world, prover, opcode):
    about, statement, lie = lie_about(opcode, needs_segment=False)
    job, operator = world.opened_with(about, statement.trace.root)
    before = world.token.balanceOf(prover)
    world.announce(prover, lie.proof)
    world.wait(PRIORITY)

    world.convict(job, operator, prover, lie.proof, task=lie.claim.task)

    bond = lie.claim.tasks * WHOLE
    assert world.token.balanceOf(prover) - before == bond * 2 // 5
    assert world.word(job).phase == Phase.OPEN


def test_convict__lie_within_a_segment__by_the_answered_demand(world, prover):
    about, statement, lie = lie_about(Opcode.MATMUL, needs_segment=True)
    job, operator = world.opened_with(about, statement.trace.root)
    task, segment = lie.claim.task, lie.claim.segment
    charge = {"task": task, "segment": segment}
    with boa.reverts():
        world.convict(job, operator, prover, lie.proof, **charge)

    world.demands.fix(world.seat(job, operator), task, segment, lie.claim.inner)
    world.convict(job, operator, prover, lie.proof, **charge)

    assert world.word(job).round == 1


def test_convict__honest_worker__reverts(world, prover):
    about, _, lie = lie_about(Opcode.MATMUL, needs_segment=False)
    job, operator = world.opened_with(about, about.statement.trace.root)

    with boa.reverts():
        world.convict(job, operator, prover, lie.proof, task=lie.claim.task)
    assert world.word(job).phase == Phase.CHALLENGE


def test_convict__proof_for_another_job__reverts(world, prover):
    about, statement, _ = lie_about(Opcode.MATMUL, needs_segment=False)
    _, _, other = lie_about(Opcode.NORM, needs_segment=False)
    job, operator = world.opened_with(about, statement.trace.root)

    with boa.reverts():
        world.convict(job, operator, prover, other.proof, task=about.exhibits().claim.task)
