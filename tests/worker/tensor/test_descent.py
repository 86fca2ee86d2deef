"""Lies found by demands alone: in few rounds, and the same as when all is served."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.contracts.court.disputes import Dispute, dispute, statement_of
from tests.contracts.court.liars import LIES, MOST_ROUNDS, ask_for_lie
from worker.protocol.demands import Kind, Place
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin
from worker.tensor.commit import Tree
from worker.tensor.dispute import Job, Lie, Missing, Statement, ToldTrace, find_lie
from worker.tensor.execute import Runner
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType, Opcode
from worker.tensor.told import Grafted, Position, ToldTree, descend
from worker.tensor.trace import task_input

SEEDS = 2


@pytest.mark.parametrize("lying", LIES, ids=lambda lying: lying.__name__)
@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_find_lie__demanded_node_by_node__is_the_one_found_in_what_is_served(opcode, lying):
    for seed in range(SEEDS):
        about, rng = dispute(opcode, seed), Random(seed)
        said = lying(about, rng)
        lie, rounds = ask_for_lie(about, said)
        assert lie == about.find(said)
        assert rounds <= MOST_ROUNDS
        assert (lie is None) == (said.trace.root == about.statement.trace.root)


def _deep(ops: int, rows: int) -> Dispute:
    """A chain of `ops` operators without checkpoints on a tensor of as many lines as rows."""
    build = Builder()
    value = build.input(DType.I8, rows, 256)
    for _ in range(ops):
        value = build.requant(value, IDENTITY, Fin(DType.I8))
    build.output(value)
    program = build.build()
    inputs = [np.random.default_rng(1).integers(-99, 99, (rows, 256), np.int8)]
    job = Job(Runner(program, NumpyBackend()), Tree([task_input(inputs)]), 0, inputs)
    return Dispute(job, [inputs[0]] * ops, 0)


def test_find_lie__many_operators_and_lines__takes_seven_rounds():
    about = _deep(ops=80, rows=4096)
    target = 70
    right = statement_of(about.program, about.tensors)
    wrong = about.tensors[0].copy()
    wrong[4000, 7] ^= 1
    tensors = [*about.tensors[:target], *[wrong] * (80 - target)]
    about.__dict__["statement"] = right

    lie, rounds = ask_for_lie(about, statement_of(about.program, tensors))

    assert rounds == MOST_ROUNDS
    assert lie.operator == target
    assert lie.element == (4000, 7)


def test_find_lie__segment_is_right__accuses_its_checkpoint():
    about = _deep(ops=3, rows=2)
    right = statement_of(about.program, about.tensors)
    wrong = about.tensors[0].copy()
    wrong[1, 1] ^= 1
    said = statement_of(about.program, [*about.tensors[:2], wrong])

    found = find_lie(about.job, right.trace, replace(said, tensors={}))

    assert isinstance(found, Missing)
    assert found.place == (Kind.TENSOR, 2, 0, 0)
    assert found.digest == said.trace.leaves[2]
    assert isinstance(find_lie(about.job, right.trace, said), Lie)


def test_find_lie__nothing_told__asks_for_the_trace():
    about = dispute(Opcode.ADD, 1)
    found = find_lie(about.job, about.statement.trace, Statement(ToldTrace(), {}, {}))
    assert found == Missing(Place(Kind.TRACE, 0, 0, 0))


def test_find_lie__tensor_that_was_not_committed_to__raises():
    about = dispute(Opcode.ADD, 1)
    said = LIES[0](about, Random(1))
    with pytest.raises(ValueError, match="not what was committed to"):
        find_lie(about.job, about.statement.trace, replace(said, tensors=about.statement.tensors))


LEAVES = [bytes([k]) * 32 for k in range(100)]


def test_descend__inside__spans_six_levels_or_the_rest():
    tree = Tree(LEAVES)
    assert tree.depth == 7
    assert descend(tree, Position(0, 0)) == [tree.node(6, k) for k in range(64)]
    assert descend(tree, Position(6, 49)) == LEAVES[98:100]
    assert descend(tree, Position(6, 50)) == [bytes(32)] * 2


def test_tell__one_level__knows_all_above_it():
    own, told = Tree(LEAVES), ToldTree()
    told.tell(0, 0, descend(own, Position(0, 0)))
    assert told.node(0, 0) == own.root
    assert told.node(5, 31) == own.node(5, 31)
    assert told.node(7, 0) is None


@pytest.mark.parametrize("count", [0, 3, 63])
def test_tell__no_whole_level__is_refused(count):
    with pytest.raises(ValueError, match="no level"):
        ToldTree().tell(0, 0, [bytes(32)] * count)


def test_path_of__node_within__leads_to_the_root():
    tree = Grafted(Tree(LEAVES), ToldTree())
    assert tree.path_of(Position(1, 1)) == [Tree(LEAVES).node(1, 0)]
    assert tree.path(5) == Tree(LEAVES).path(5)
