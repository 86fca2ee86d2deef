"""Tensor programs, tensors, and what a worker tells of a trace piece by piece."""

import json
import struct
from collections.abc import Sequence
from functools import cache

import numpy as np

from tests.conftest import ROOT
from tests.fuzz.target import Target
from worker.errors import InvalidBlobError, InvalidProgramError
from worker.protocol.demands import Kind, Place
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.commit import Tree, chunk_digests, line_digest, tensor_digest
from worker.tensor.dispute import (
    Job,
    Lie,
    Missing,
    Statement,
    ToldTensor,
    ToldTrace,
    find_lie,
)
from worker.tensor.execute import Runner
from worker.tensor.openings import Whole
from worker.tensor.program import Program
from worker.tensor.tensors import DType, TensorType, from_bytes, to_bytes
from worker.tensor.told import Position, descend
from worker.tensor.trace import Trace, run_traced, trace_segment
from worker.tensor.validate import TensorLimits, validate
from worker.work.dispute import read_tensor, read_trace, split_nodes

_GOLDEN = ROOT / "tests" / "worker" / "tensor" / "golden"
_LIMITS = TensorLimits(constant_bytes=1 << 20, steps=10**9, peak_bytes=1 << 24)
_TYPE = struct.Struct(">BII")
_MOST_ROUNDS = 64


def _programs() -> list[bytes]:
    files = [json.loads(path.read_text())["file"] for path in sorted(_GOLDEN.glob("*.json"))]
    return [bytes.fromhex(file) for file in files]


def _program(data: bytes) -> bool:
    program = Program.decode(data)
    assert program.encode() == data
    assert len(program.root) == 32
    validate(program, _LIMITS)
    return True


def _tensor(data: bytes) -> bool:
    """The first 9 bytes say what the rest is taken for."""
    if len(data) < _TYPE.size:
        return False
    code, rows, cols = _TYPE.unpack_from(data)
    type = TensorType(list(DType)[code % len(DType)], rows, cols)
    if not type.fits:
        return False
    assert to_bytes(from_bytes(type, data[_TYPE.size :])).tobytes() == data[_TYPE.size :]
    return True


def _tensors() -> list[bytes]:
    return [
        _TYPE.pack(code, 2, 3) + bytes(TensorType(dtype, 2, 3).nbytes)
        for code, dtype in enumerate(DType)
    ]


@cache
def _dispute() -> tuple[Job, Trace]:
    """A job with an honest run, about which an accused tells something."""
    vector = json.loads((_GOLDEN / "mlp.json").read_text())
    program = Program.decode(bytes.fromhex(vector["file"]))
    inputs = [
        from_bytes(type, bytes.fromhex(data))
        for type, data in zip(program.inputs, vector["inputs"], strict=True)
    ]
    runner = Runner(program, NumpyBackend())
    assert all(isinstance(tensor, np.ndarray) for tensor in inputs)
    _, trace = run_traced(runner, inputs)  # type: ignore[arg-type]
    return Job(runner, Tree([bytes(32)]), 0, inputs), trace  # type: ignore[arg-type]


class _Accused:
    """Commits to one bent tensor, and to whatever it likes where zeros are due; answers all."""

    def __init__(self, data: bytes) -> None:
        job, mine = _dispute()
        ops = job.runner.program.ops
        self.wrong = data[0] % len(ops)
        ((_, right),) = job.runner.run(job.inputs, {self.wrong})
        own = Whole(right)
        self.lines = [_bent(own.line(k), data[1 + k :]) for k in range(own.layout.lines)]
        leaves = [line_digest(chunk_digests(line)) for line in self.lines]
        self.tensor = Tree(_padded(leaves, data[1:2]))
        digest = tensor_digest(own.type, self.tensor.root)
        inner = trace_segment(job.runner, job.inputs, ops[self.wrong].segment)
        self.trees = {
            Kind.TRACE: Tree(_padded(_with(mine, self.wrong, digest), data[2:3])),
            Kind.SEGMENT: Tree(_padded(_with(inner, self.wrong, digest), data[3:4])),
            Kind.TENSOR: self.tensor,
        }

    def answer(self, place: Place, told: Statement) -> None:
        """Add what answers a demand to what was told."""
        kind, number, level, position = place
        if kind is Kind.LINE:
            told.tensors[number].lines[position] = self.lines[position]
            return
        nodes = descend(self.trees[kind], Position(level, position))
        if kind is Kind.TENSOR:
            told.tensors[number].tree.tell(level, position, nodes)
        else:
            said = told.trace if kind is Kind.TRACE else told.inner[number]
            said.tree.tell(level, position, nodes)


def _bent(line: bytes, by: bytes) -> bytes:
    return bytes(byte ^ flip for byte, flip in zip(line, by.ljust(len(line), b"\0"), strict=False))


def _padded(leaves: Sequence[bytes], junk: bytes) -> list[bytes]:
    """Return a whole level of leaves; those behind the last one are junk, zeros without it."""
    count = 1 << (len(leaves) - 1).bit_length()
    return [*leaves, *[junk.rjust(32, b"\0")] * (count - len(leaves))]


def _with(trace: Trace, operator: int, digest: bytes) -> list[bytes]:
    """Return a trace's leaves with another digest for the operator, or, where the trace has none
    for it, with junk for the next one that it has."""
    leaves = list(trace.leaves)
    at = next((k for k in range(operator, len(leaves)) if any(leaves[k])), operator)
    leaves[at] = digest if at == operator and any(leaves[at]) else b"\1" * 32
    return leaves


def _told(data: bytes) -> bool:
    """Whatever is bent, demands lead to a proof: no answer that contracts take leads elsewhere."""
    if not data:
        return False
    job, mine = _dispute()
    accused = _Accused(data)
    inner = {segment: ToldTrace() for segment in range(job.runner.program.segments)}
    told = Statement(ToldTrace(), inner, {accused.wrong: ToldTensor()})
    found = find_lie(job, mine, told)
    for _ in range(_MOST_ROUNDS):
        if not isinstance(found, Missing):
            break
        if found.place.kind in (Kind.TENSOR, Kind.LINE) and found.place.number != accused.wrong:
            return False  # of a tensor that it has no bytes of
        accused.answer(found.place, told)
        found = find_lie(job, mine, told)
    is_honest = accused.trees[Kind.TRACE].root == mine.tree.root
    assert found is None if is_honest else isinstance(found, Lie), found
    return True


def _told_seeds() -> list[bytes]:
    return [bytes([k, *more]) for k in range(8) for more in (b"\1", b"\0\0\1", b"\1\1\1\0\5")]


def _served(data: bytes) -> bool:
    """What a worker serves for a trace it opened, and for a tensor that it committed to."""
    job, mine = _dispute()
    program = job.runner.program
    leaves = split_nodes(data[: 32 * len(program.ops)].ljust(32 * len(program.ops), b"\0"))
    try:
        taken = read_trace(leaves, mine.root)
    except InvalidBlobError:
        read_tensor(program, 0, data, leaves[0])
        return True
    assert list(taken.leaves) == list(mine.leaves)
    return True


def _served_seeds() -> list[bytes]:
    job, mine = _dispute()
    return [b"".join(mine.leaves), bytes(job.runner.program.ops[0].output.type.nbytes)]


TARGETS = (
    Target("tensor_program", _program, _programs, (InvalidProgramError,)),
    Target("tensor", _tensor, _tensors, (ValueError,)),
    Target("told_nodes", _told, _told_seeds),
    Target("served_trace", _served, _served_seeds, (InvalidBlobError,)),
)
