"""The golden vectors: files, roots, every tensor and the traces, and that the script makes them."""

import json
from pathlib import Path

import pytest

from scripts import golden_tensor
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.commit import Commitment
from worker.tensor.execute import Runner
from worker.tensor.program import Opcode, Program
from worker.tensor.tensors import from_bytes, to_bytes
from worker.tensor.trace import run_traced, task_input, trace_segment
from worker.tensor.validate import validate

FILES = sorted((Path(__file__).parent / "golden").glob("*.json"))


def load(path):
    vector = json.loads(path.read_text())
    program = Program.decode(bytes.fromhex(vector["file"]))
    pairs = zip(program.inputs, vector["inputs"], strict=True)
    return vector, program, [from_bytes(type, bytes.fromhex(data)) for type, data in pairs]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden__decoded_and_run__gives_every_byte(path):
    vector, program, inputs = load(path)
    runner = Runner(program, NumpyBackend())

    validate(program)
    assert program.encode().hex() == vector["file"]
    assert program.root.hex() == vector["root"]
    assert task_input(inputs).hex() == vector["task_input"]
    for k, tensor in runner.run(inputs, range(len(program.ops))):
        expected = vector["tensors"][k]
        assert to_bytes(tensor).tobytes().hex() == expected["bytes"], k
        assert Commitment(tensor).digest.hex() == expected["digest"], k
    assert program.outputs == vector["outputs"]
    assert run_traced(runner, inputs)[1].root.hex() == vector["trace"]
    segments = [trace_segment(runner, inputs, segment) for segment in range(program.segments)]
    assert [segment.root.hex() for segment in segments] == vector["segment_traces"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden__made_anew__is_what_is_committed(path):
    assert golden_tensor.vector(path.stem) == json.loads(path.read_text())


def test_golden__all_vectors__use_every_operator():
    used = {op.opcode for path in FILES for op in load(path)[1].ops}

    assert used == set(Opcode)
    assert [path.stem for path in FILES] == sorted(golden_tensor.PROGRAMS)
