"""Every reason for which the court refuses a proof."""

from dataclasses import replace

import numpy as np
import pytest

from tests.contracts.court.disputes import Dispute, one_operator
from worker.tensor import tensors
from worker.tensor.build import Fin, Keep, window
from worker.tensor.commit import Tree
from worker.tensor.dispute import Lie
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType, Program, Source
from worker.tensor.proof import Claim, prove_element, prove_leaf, prove_line
from worker.tensor.tensors import TensorType


@pytest.fixture
def about() -> Dispute:
    return _one(lambda build, x: build.requant(x, IDENTITY, Fin(DType.I8)))


def _one(make, rows=3, cols=300, keep=Keep.ALL) -> Dispute:
    """Return a dispute about one operator on an input of random elements."""
    x = np.random.default_rng(1).integers(-128, 127, (rows, cols), np.int8)
    return one_operator(make, [x], keep)


def _proven(about: Dispute, row: int = 1, col: int = 2) -> tuple[Claim, bytes]:
    exhibits = about.exhibits()
    return exhibits.claim, prove_element(exhibits, about.target, row, col)


def _spoiled(about: Dispute, **changes) -> tuple[Claim, bytes]:
    """Return the proof of an honest element, with other fields in the operator's descriptor."""
    claim, proof = _proven(about)
    op = about.program.ops[about.target]
    bad = replace(op, **changes)
    ops = [*about.program.ops[: about.target], bad]
    program = Program(about.program.inputs, about.program.constants, ops)
    return claim._replace(program=program.root), proof.replace(op.encode(), bad.encode())


def _at(proof: bytes, place: int, byte: int) -> bytes:
    """Return the proof with another byte."""
    changed = bytearray(proof)
    changed[place] = byte if changed[place] != byte else byte ^ 1
    return bytes(changed)


def test_judge__another_program__is_refused(court, about):
    claim, proof = _proven(about)
    answer = court.judge(claim._replace(program=b"\x01" * 32), proof)
    assert answer == "court: another program"


def _lie(about: Dispute) -> Lie:
    return about.convict(about.corrupted(about.target, 1, 2, 5 - int(about.tensors[-1][1, 2] == 5)))


@pytest.mark.parametrize("length", [1, 31, 32, 1024])
def test_judge__bytes_behind_the_proof__are_refused(court, about, length):
    lie = _lie(about)
    assert court.judge(lie.claim, lie.proof) is None
    assert court.judge(lie.claim, lie.proof + bytes(length)) == "court: wrong length"


@pytest.mark.parametrize("length", [1, 31, 32, 700])
def test_judge__truncated_proof__is_refused(court, about, length):
    lie = _lie(about)
    assert court.judge(lie.claim, lie.proof[:-length]) is not None


def test_judge__short_proof_that_is_not_filled__is_refused(court):
    about = _one(lambda build, x: build.slice(x, 0, 0, 1, 1), cols=1)
    claim, proof = _proven(about, 0, 0)
    assert len(proof) == 768
    assert court.judge(claim, proof) == "court: the element is right"
    lie = about.convict(about.corrupted(0, 0, 0, 1 - int(about.tensors[0][0, 0] == 1)))
    assert court.judge(lie.claim, lie.proof) is None
    assert court.judge(lie.claim, lie.proof + b"\0") == "court: wrong length"


def test_judge__element_of_no_operator__is_refused(court, about):
    exhibits = about.exhibits()
    exhibits = replace(exhibits, trace=type(exhibits.trace)([*exhibits.trace.leaves, b"\x01" * 32]))
    proof = prove_leaf(exhibits, Source.CHECKPOINT, 1)
    assert court.judge(exhibits.claim, _at(proof, 0, 1)) == "court: no such operator"
    assert court.judge(exhibits.claim, _at(proof, 0, 4)) == "court: no such operator"


@pytest.mark.parametrize("verdict", [0, 5, 255])
def test_judge__no_such_verdict__is_refused(court, about, verdict):
    claim, proof = _proven(about)
    assert court.judge(claim, _at(proof, 0, verdict)) == "court: no such verdict"


def test_judge__honest_leaves__are_refused(court):
    about = _one(
        lambda build, x: build.slice(build.slice(x, 0, 0, 3, 300), 0, 0, 3, 300),
        keep=Keep.OUTPUTS,
    )
    exhibits = about.exhibits()
    ask = [(Source.CHECKPOINT, 1), (Source.INNER, 0), (Source.CHECKPOINT, 0), (Source.INNER, 1)]
    answers = [court.judge(exhibits.claim, prove_leaf(exhibits, *one)) for one in ask]
    assert answers[:2] == ["court: the leaf is due"] * 2
    assert answers[2:] == ["court: the leaf is empty"] * 2


def test_judge__honest_lines__are_refused(court, about):
    exhibits = about.exhibits()
    held = exhibits.tensors[0]
    held.tree = Tree([*held.tree.leaves, bytes(32)])
    answers = [court.judge(exhibits.claim, prove_line(exhibits, 0, line)) for line in (0, 1, 2, 3)]
    assert answers == ["court: the line is right"] * 4


def test_judge__leaf_outside_of_the_tree__is_refused(court, about):
    exhibits = about.exhibits()
    proof = bytearray(prove_leaf(exhibits, Source.CHECKPOINT, 0))
    operators = about.program.operators_tree.root
    head = bytes(proof[:75])
    # As if leaf 0 was number 1, beyond the only operator: it would have to be zero.
    beyond = head[:1] + (1).to_bytes(2, "big") + head[3:] + operators
    proof = (beyond + exhibits.trace.leaves[0]).ljust(768, b"\0")
    assert court.judge(exhibits.claim, proof) == "merkle: outside of the tree"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"s": 63}, "fixed_point: no such shift"),
        ({"m": 2}, "fixed_point: no such multiplier"),
        ({"m": 2**31}, "fixed_point: no such multiplier"),
        ({"m": 2**30 - 1}, "fixed_point: no such multiplier"),
        ({"c": 2**62, "m": 2**30}, "fixed_point: beyond 64 bits"),
        ({"c": -(2**63), "m": 2**30}, "fixed_point: beyond 64 bits"),
        ({"lo": 5, "hi": 4}, "fixed_point: empty range"),
        ({"opcode": 0}, "operators: no such operator"),
        ({"opcode": 24}, "operators: no such operator"),
    ],
)
def test_judge__fields_out_of_range__are_refused(court, about, changes, reason):
    assert court.judge(*_spoiled(about, **changes)) == reason


@pytest.mark.parametrize(("x", "end"), [(7, 2**63 - 1), (-7, -(2**63))])
def test_judge__sums_at_the_ends_of_64_bits__are_taken_and_none_beyond(court, x, end):
    rows = np.full((3, 300), x, np.int8)
    about = one_operator(
        lambda build, a: build.requant(a, IDENTITY, Fin(DType.I8)), [rows], Keep.ALL
    )
    beyond = end + (1 if x > 0 else -1)
    assert court.judge(*_spoiled(about, c=beyond - x)) == "fixed_point: beyond 64 bits"
    # The output is what x gives without so large an offset: a lie.
    assert court.judge(*_spoiled(about, c=end - x)) is None


def test_judge__operand_that_does_not_exist__is_refused(court, about):
    a = about.program.ops[0].a
    none = replace(a, source=Source.OUTPUT)
    assert court.judge(*_spoiled(about, a=none)) == "tensors: no such source"
    assert court.judge(*_spoiled(about, a=replace(a, index=1))) == "tensors: no such input"
    weights = replace(a, type=TensorType(DType.W8, 3, 300))
    assert court.judge(*_spoiled(about, a=weights)) == "tensors: not elements"


@pytest.mark.parametrize("place", [267, 271], ids=["row", "column"])
def test_judge__element_outside__is_refused(court, about, place):
    claim, proof = _proven(about)
    assert court.judge(claim, _at(proof, place, 1)) == "tensors: outside"


def _conv(build, x):
    weights = build.weights(np.ones((1, 6)), [0], [1], [0])
    return build.conv(x, weights, window((3, 300, 1), (3, 2)), Fin(DType.I32))


def test_judge__changed_bytes__are_refused(court, about):
    claim, proof = _proven(about)
    assert court.judge(claim, _at(proof, 280, 1)) == "tensors: not in the trace"
    assert court.judge(claim, _at(proof, -1, 1)) == "tensors: not the task's input"
    inner = _one(
        lambda build, x: build.slice(build.slice(x, 0, 0, 3, 300), 0, 0, 3, 300),
        keep=Keep.OUTPUTS,
    )
    claim, proof = _proven(inner)
    assert court.judge(claim, _at(proof, -1, 1)) == "tensors: not in the segment"
    conv = _one(_conv)
    claim, proof = _proven(conv, 0, 2)
    assert court.judge(claim, proof) == "court: the element is right"
    assert court.judge(claim, _at(proof, -1, 1)) == "tensors: another root"
    at = proof.index(bytes([1] * 6) + bytes(7) + b"\x01")
    assert court.judge(claim, _at(proof, at, 2)) == "tensors: not the constant"


@pytest.mark.parametrize("bias", [2**30, -(2**30), -(2**31)])
def test_judge__malformed_tail__is_refused(court, bias):
    def matmul(build, x):
        weights = build.weights(np.ones((3, 300)), [bias] * 3, [1] * 3, [0] * 3)
        return build.matmul(x, weights, Fin(DType.I64))

    assert court.judge(*_proven(_one(matmul))) == "products: malformed tail"


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_judge__tail_whose_zeros_are_none__is_refused(court, monkeypatch, place, bit):
    """No encoder of ours writes such weights, but anybody may commit to them."""
    encode = tensors._weight_bytes

    def spoil(weights, rows):
        encoded = encode(weights, rows)
        encoded[:, -place] = bit
        return encoded

    monkeypatch.setattr(tensors, "_weight_bytes", spoil)

    def matmul(build, x):
        weights = build.weights(np.ones((3, 300)), [0] * 3, [1] * 3, [0] * 3)
        return build.matmul(x, weights, Fin(DType.I64))

    assert court.judge(*_proven(_one(matmul))) == "products: malformed tail"


def test_judge__empty_window__is_refused(court):
    about = _one(lambda build, x: build.max_pool(x, window((3, 300, 1), (1, 1))))
    geometry = list(about.program.ops[0].geometry)
    geometry[3] = 0
    assert court.judge(*_spoiled(about, geometry=tuple(geometry))) == "windows: empty"


def test_version__is_that_of_the_programs(court):
    assert court.contract.version() == 1
