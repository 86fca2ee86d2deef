"""What is refused, with the operator and the field named, before anything is allocated."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import InvalidProgramError
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.cases import case
from worker.tensor.execute import execute
from worker.tensor.numbers import IDENTITY, Multiplier
from worker.tensor.program import DType, Opcode, Program, Ref, Source, TensorType, Weights
from worker.tensor.validate import TensorLimits, validate


def layered():
    """input → MATMUL → | REQUANT → ADD → | BMM, with an inner tensor in the second segment."""
    build = Builder()
    x = build.input(DType.I8, 4, 8)
    w = build.weights(np.ones((6, 8)), [0] * 6, [1 << 30] * 6, [31] * 6)
    first = build.matmul(x, w, Fin(DType.I16))
    build.segment()
    inner = build.requant(first, Multiplier(1 << 30, 40), Fin(DType.I8))
    second = build.add(inner, inner, Fin(DType.I8), s=1)
    build.segment()
    build.output(build.bmm(second, second, 2, IDENTITY, Fin(DType.I32)))
    return build.build()


PROGRAM = layered()


def edited(index, **changes):
    """The program with fields of one operator changed."""
    ops = list(PROGRAM.ops)
    ops[index] = replace(ops[index], **changes)
    return Program(PROGRAM.inputs, PROGRAM.constants, ops)


def ref(source, index, dtype, rows, cols, div=0):
    return Ref(source, index, TensorType(dtype, rows, cols), div)


def geometry(*numbers):
    return numbers + (0,) * (16 - len(numbers))


INNER = ref(Source.INNER, 1, DType.I8, 4, 6)
SECOND = ref(Source.CHECKPOINT, 2, DType.I8, 4, 6)
STRUCTURE = {
    "reads itself": (2, {"a": ref(Source.CHECKPOINT, 2, DType.I8, 4, 6)}, "a: checkpoint 2"),
    "reads what comes later": (1, {"a": ref(Source.INNER, 3, DType.I32, 4, 2)}, "a: inner 3"),
    "input missing": (0, {"a": ref(Source.INPUT, 1, DType.I8, 4, 8)}, "a: input 1, there are 1"),
    "constant missing": (0, {"b": ref(Source.CONSTANT, 9, DType.W8, 6, 8)}, "b: constant 9"),
    "wrong type": (1, {"a": ref(Source.CHECKPOINT, 0, DType.I32, 4, 6)}, "a: i32 4x6, it names"),
    "wrong shape": (1, {"a": ref(Source.CHECKPOINT, 0, DType.I16, 6, 4)}, "a: i16 6x4, it names"),
    "source says inner": (1, {"a": ref(Source.INNER, 0, DType.I16, 4, 6)}, "a: source 4"),
    "source says checkpoint": (2, {"a": replace(INNER, source=Source.CHECKPOINT)}, "a: source 3"),
    "inner of another segment": (3, {"a": INNER}, "a: operator 1 has no checkpoint"),
    "source of an output": (1, {"a": ref(Source.OUTPUT, 0, DType.I16, 4, 6)}, "a: source is zero"),
    "div where none belongs": (3, {"a": replace(SECOND, div=2)}, "a: div"),
    "operand missing": (2, {"b": None}, "operands: a, not a, b"),
    "operand too many": (1, {"b": INNER}, "operands: a, b, not a"),
    "operand skipped": (2, {"b": None, "d": INNER}, "operands: a, d, not a, b"),
    "weights as an operand": (
        2,
        {"b": ref(Source.CONSTANT, 0, DType.W8, 6, 8)},
        "b: w8 6x8 has no place here",
    ),
    "no weights": (0, {"b": ref(Source.INPUT, 0, DType.I8, 4, 8)}, "b: i8 4x8 has no place"),
    "output of another": (1, {"output": ref(Source.OUTPUT, 2, DType.I8, 4, 6)}, "output: is not"),
    "output div": (1, {"output": ref(Source.OUTPUT, 1, DType.I8, 4, 6, 1)}, "output: is not"),
    "output of weights": (1, {"output": ref(Source.OUTPUT, 1, DType.W8, 4, 6)}, "output: no tens"),
    "output too wide": (1, {"output": ref(Source.OUTPUT, 1, DType.I8, 4, 16401)}, "output: no ten"),
    "output not checkpointed": (3, {"is_checkpoint": False}, "flags: an output"),
    "first segment": (0, {"segment": 1}, "segment: is not 0"),
    "segment falls": (2, {"segment": 0}, "segment: 0 after 1"),
    "segment skipped": (3, {"segment": 3}, "segment: 3 after 1"),
    "unused field": (0, {"s": 1}, "s: is not used"),
    "unused geometry": (3, {"geometry": geometry(2, 1)}, "g1: is not used"),
    "multiplier": (1, {"m": 2}, "m: 2 is neither"),
    "multiplier too large": (1, {"m": 1 << 31}, "m: 2147483648 is neither"),
    "shift": (2, {"s": 63}, "s: 63, at most 62"),
    "lo above hi": (1, {"lo": 5, "hi": 4}, "lo, hi: 5 to 4"),
    "hi outside the type": (1, {"hi": 128}, "lo, hi: -128 to 128 is no range of i8"),
}


def test_validate__honest_program__gives_its_cost():
    cost = validate(PROGRAM)

    assert cost.macs == 4 * 6 * 8 + 4 * 2 * 6
    assert cost.steps == cost.macs + 24 + 24
    assert cost.constant_bytes == 6 * (8 + 16)
    assert cost.peak_bytes == 4 * 8 + max(4 * 6 * 2 + 4 * 6, 4 * 6 + 4 * 6, 4 * 6 + 4 * 2 * 4)


@pytest.mark.parametrize(("index", "changes", "message"), STRUCTURE.values(), ids=STRUCTURE)
def test_validate__broken_structure__names_operator_and_field(index, changes, message):
    name = PROGRAM.ops[index].opcode.name
    with pytest.raises(InvalidProgramError) as refusal:
        validate(edited(index, **changes))
    assert str(refusal.value).startswith(f"operator {index} ({name}), {message}")


@pytest.mark.parametrize("opcode", Opcode, ids=lambda code: code.name.lower())
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1 << 32), extreme=st.booleans())
def test_validate__every_case__is_valid(opcode, seed, extreme):
    validate(case(opcode, seed, extreme).program)


def one(make, *types):
    """A program of one operator over inputs, as `make` builds it."""
    build = Builder()
    build.output(make(build, *(build.input(*type) for type in types)))
    return build.build(Keep.ALL)


I8, I32 = DType.I8, DType.I32


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ({"b": 1 << 30}, "b of row 1: 1073741824"),
        ({"b": -(1 << 30)}, "b of row 1: -1073741824"),
        ({"m": 2}, "m of row 1: 2"),
        ({"m": 1 << 31}, "m of row 1: 2147483648"),
        ({"s": 63}, "s of row 1: 63"),
    ],
    ids=str,
)
def test_validate__tail_out_of_range__is_refused(tail, message):
    values = {"b": [0, 0], "m": [1, 1], "s": [0, 0]}
    for name, value in tail.items():
        values[name][1] = value
    program = one(lambda b, x: b.matmul(x, b.weights([[1], [1]], **values), Fin(I8)), (I8, 1, 1))
    with pytest.raises(InvalidProgramError, match=f"constant 0, {message}"):
        validate(program)


def test_validate__constants_measured__lets_small_ones_through():
    table, scale = np.full((1, 1), 1 << 20, np.int64), Multiplier((1 << 31) - 1, 31)
    program = one(lambda b, x: b.mul(b.constant(table), x, scale, Fin(I8)), (I8, 1, 1))

    validate(program)


def test_validate__counts_out_of_range__are_refused():
    x = TensorType(I8, 1, 1)
    op = one(lambda b, v: b.slice(v, 0, 0, 1, 1), (I8, 1, 1)).ops[0]
    with pytest.raises(InvalidProgramError, match="inputs: 17, not 1 to 16"):
        validate(Program([x] * 17, [], [op]))
    with pytest.raises(InvalidProgramError, match="operators: 0, not 1 to 4095"):
        validate(Program([x], [], []))
    with pytest.raises(InvalidProgramError, match="input 0: no input can be w8"):
        validate(Program([TensorType(DType.W8, 1, 1)], [], [op]))
    with pytest.raises(InvalidProgramError, match="constant 0: no tensor can be i8 0x1"):
        validate(Program([x], [np.zeros((0, 1), np.int8)], [op]))
    with pytest.raises(InvalidProgramError, match="operators: no output"):
        validate(Program([x], [], [replace(op, is_output=False)]))


@pytest.mark.parametrize("name", TensorLimits.model_fields)
def test_validate__beyond_a_limit__is_refused(name):
    needed = getattr(validate(PROGRAM), name)

    validate(PROGRAM, TensorLimits(**{name: needed}))
    with pytest.raises(InvalidProgramError, match=f"{name}: {needed}, this worker takes at most"):
        validate(PROGRAM, TensorLimits(**{name: needed - 1}))


def test_validate__bomb__is_refused_without_allocating():
    """A few hundred bytes that ask for terabytes and centuries."""
    build = Builder()
    x = build.input(I8, 1, 16_400)
    wide = build.pad(x, 0, 0, 1 << 24, 16_400)
    build.output(build.bmm(wide, wide, 1 << 12, IDENTITY, Fin(I32)))
    file = build.build().encode()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidProgramError, match="this worker takes at most"):
            validate(Program.decode(file), TensorLimits())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20


SEED_FILES = [PROGRAM.encode(), *(case(opcode, 7).program.encode() for opcode in Opcode)]
SMALL = TensorLimits(constant_bytes=1 << 20, steps=1 << 22, peak_bytes=1 << 22)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(SEED_FILES), st.data())
def test_validate__damaged_file__is_refused_or_runs(file, data):
    """Whatever gets past the checks neither crashes nor leaves its declared types."""
    damaged = bytearray(file)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(4, min(len(file) - 1, 900)))
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        program = Program.decode(bytes(damaged))
        validate(program, SMALL)
    except InvalidProgramError:
        return

    inputs = [np.ones((t.rows, t.cols), t.dtype.numpy) for t in program.inputs]
    outputs = execute(program, inputs, NumpyBackend())

    types = [program.ops[index].output.type for index in program.outputs]
    assert [(t.dtype.numpy, (t.rows, t.cols)) for t in types] == [
        (output.dtype, output.shape) for output in outputs
    ]
    assert program.encode() == bytes(damaged)


def test_weights__type__is_checked_when_made():
    with pytest.raises(ValueError, match="one element for each row"):
        Weights(np.zeros((1, 1), np.int8), *(np.zeros(2, t) for t in ("i4", "u4", "u1")))
