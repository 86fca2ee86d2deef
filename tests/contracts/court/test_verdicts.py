"""Lies beside wrong elements, and how they are found in what was served."""

import dataclasses

import pytest

from tests.contracts.court.disputes import Dispute, dispute, statement_of
from worker.protocol.demands import Kind, Place
from worker.tensor.commit import Tree
from worker.tensor.dispute import Missing, Statement
from worker.tensor.openings import Whole
from worker.tensor.program import Opcode
from worker.tensor.trace import Trace

MARK = b"\x01" * 32


def _dispute(is_wanted) -> Dispute:
    """Return the first dispute that has what a test needs."""
    return next(about for about in map(_small, range(200)) if is_wanted(about))


def _small(seed: int) -> Dispute:
    return dispute(Opcode.REQUANT, seed)


def _honest(about: Dispute) -> Statement:
    return statement_of(about.program, about.tensors)


def _with_leaf(trace: Trace, leaf: int) -> Trace:
    """Return the trace with one more leaf set, maybe behind the operators'."""
    leaves = [*trace.leaves, *[bytes(32)] * (2**trace.tree.depth - len(trace.leaves))]
    leaves[leaf] = MARK
    return Trace(leaves, trace.segment)


def _unkept(about: Dispute) -> list[int]:
    return [k for k, op in enumerate(about.program.ops) if not op.is_checkpoint]


def _corrupt_at(about: Dispute, operator: int) -> Statement:
    return about.corrupted(operator, 0, 0, int(about.tensors[operator][0, 0]) ^ 1)


def test_judge__leaf_without_checkpoint__convicts(court):
    about = _dispute(_unkept)
    leaf = _unkept(about)[0]
    honest = _honest(about)
    lie = about.convict(dataclasses.replace(honest, trace=_with_leaf(honest.trace, leaf)))
    assert lie.operator == leaf
    assert court.judge(lie.claim, lie.proof) is None


def test_judge__leaf_behind_the_last_operator__convicts(court):
    about = _dispute(lambda about: len(about.tensors) == 3)
    honest = _honest(about)
    lie = about.convict(dataclasses.replace(honest, trace=_with_leaf(honest.trace, 3)))
    assert lie.operator == 3
    assert court.judge(lie.claim, lie.proof) is None


def _reads_inner(about: Dispute) -> bool:
    ops = about.program.ops
    last = max(k for k, op in enumerate(ops) if op.is_checkpoint)
    return last > 0 and not ops[last - 1].is_checkpoint and ops[last - 1].segment == 1


@pytest.mark.parametrize("leaf", [0, -1], ids=["another segment's", "a checkpoint's"])
def test_judge__leaf_in_a_segments_trace__convicts(court, leaf):
    about = _dispute(_reads_inner)
    said = _corrupt_at(about, len(about.tensors) - 1)
    leaf %= len(about.tensors)
    inner = {1: _with_leaf(said.inner[1], leaf)}
    lie = about.convict(dataclasses.replace(said, inner=inner))
    assert lie.operator == leaf
    assert court.judge(lie.claim, lie.proof) is None


class _Padded(Whole):
    """A tensor that commits to something behind its last line."""

    def __init__(self, tensor) -> None:
        super().__init__(tensor)
        self.tree = Tree([*self.tree.leaves, MARK])


def test_judge__line_behind_the_last_one__convicts(court):
    about = _dispute(lambda about: len(Whole(about.tensors[about.target]).tree.leaves) == 3)
    held = _Padded(about.tensors[about.target])
    honest = _honest(about)
    digests = [held.digest if k == about.target else Whole(t).digest
               for k, t in enumerate(about.tensors)]  # fmt: skip
    said = statement_of(about.program, about.tensors)
    for trace in (said.trace, *said.inner.values()):
        leaves = [digests[k] if leaf != bytes(32) else leaf for k, leaf in enumerate(trace.leaves)]
        trace.tree = Tree(leaves)
    tensors = {**honest.tensors, about.target: held}
    lie = about.convict(dataclasses.replace(said, tensors=tensors))
    assert lie.operator == about.target
    assert court.judge(lie.claim, lie.proof) is None


def test_find_lie__honest_statement__finds_nothing():
    about = _small(1)
    assert about.find(_honest(about)) is None


def test_find_lie__withheld_segment__names_it():
    about = _dispute(_reads_inner)
    said = _corrupt_at(about, len(about.tensors) - 2)
    assert about.find(dataclasses.replace(said, inner={})) == Missing(Place(Kind.SEGMENT, 1, 0, 0))


def test_find_lie__withheld_tensor__names_its_operator():
    about = _small(1)
    last = len(about.tensors) - 1
    said = _corrupt_at(about, last)
    found = about.find(dataclasses.replace(said, tensors={}))
    first = min(k for k in about.visible if _differs(about, said, k))
    assert isinstance(found, Missing)
    assert found.place == Place(Kind.TENSOR, first, 0, 0)


def _differs(about: Dispute, said: Statement, operator: int) -> bool:
    return said.tensors[operator].tree.root != Whole(about.tensors[operator]).tree.root
