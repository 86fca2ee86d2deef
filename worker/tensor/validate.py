"""Whether a program is valid (docs/tensor.md §6), and whether this worker will run it.

Nothing here allocates what a program asks for: descriptors are read, constants are scanned.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, Field

from worker.errors import InvalidProgramError
from worker.tensor import bounds
from worker.tensor.cost import Cost, cost_of
from worker.tensor.numbers import MAX_SHIFT, MIN_MULTIPLIER
from worker.tensor.program import (
    GEOMETRY,
    MAX_CONSTANTS,
    MAX_INPUTS,
    MAX_OPS,
    Op,
    Program,
    Ref,
    Source,
)
from worker.tensor.proof_size import MAX_PROOF_BYTES, longest_proof
from worker.tensor.rules import ELEMENTWISE, RULES, Refused, require
from worker.tensor.tensors import Constant, DType, TensorType, Weights, type_of

_MAX_BIAS = 1 << 30
_OPTIONAL = ("m", "s", "zp", "lo", "hi", "c", "ma", "mb", "za", "zb")


class TensorLimits(BaseModel):
    """The largest programs that a worker takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    constant_bytes: int = Field(default=256 << 20, ge=1)
    steps: int = Field(default=10**12, ge=1)
    peak_bytes: int = Field(default=1 << 30, ge=1)


def validate(program: Program, limits: TensorLimits | None = None) -> Cost:
    """Return what a valid program costs.

    Raises InvalidProgramError, which names the operator and the field, when the program is not
    valid, or when it exceeds the limits given.
    """
    _check_tensors(program)
    for index, op in enumerate(program.ops):
        with _at(index, op):
            _check_op(program, index, op)
    if not program.outputs:
        raise InvalidProgramError("operators: no output")
    cost = cost_of(program)
    if limits is not None:
        _check_limits(cost, limits)
    _check_bounds(program)
    return cost


def _check_limits(cost: Cost, limits: TensorLimits) -> None:
    for name in TensorLimits.model_fields:
        needed, most = getattr(cost, name), getattr(limits, name)
        if needed > most:
            raise InvalidProgramError(f"{name}: {needed}, this worker takes at most {most}")


@contextmanager
def _at(index: int, op: Op) -> Iterator[None]:
    try:
        yield
    except Refused as error:
        name = op.opcode.name
        raise InvalidProgramError(f"operator {index} ({name}), {error}") from error


def _check_tensors(program: Program) -> None:
    counts = {
        "inputs": (len(program.inputs), 1, MAX_INPUTS),
        "constants": (len(program.constants), 0, MAX_CONSTANTS),
        "operators": (len(program.ops), 1, MAX_OPS),
    }
    for name, (count, least, most) in counts.items():
        if not least <= count <= most:
            raise InvalidProgramError(f"{name}: {count}, not {least} to {most}")
    for index, type in enumerate(program.inputs):
        if not type.fits or type.dtype is DType.W8:
            raise InvalidProgramError(f"input {index}: no input can be {type}")
    for index, constant in enumerate(program.constants):
        if not type_of(constant).fits:
            raise InvalidProgramError(f"constant {index}: no tensor can be {type_of(constant)}")


def _check_op(program: Program, index: int, op: Op) -> None:
    rule = RULES[op.opcode]
    _check_output(index, op)
    _check_segment(program, index, op)
    names = [name for name in "abd" if getattr(op, name) is not None]
    wanted = list("abd"[: rule.operands])
    require(names == wanted, "operands", f"{', '.join(names)}, not {', '.join(wanted)}")
    for name in names:
        ref: Ref = getattr(op, name)
        _check_ref(program, index, op, ref, name)
        is_weights = ref.type.dtype is DType.W8
        require(is_weights == (rule.weights and name == "b"), name, f"{ref.type} has no place here")
    _check_fields(op)
    rule.check(op)
    size = longest_proof(op, len(program.inputs), len(program.constants), len(program.ops))
    require(size <= MAX_PROOF_BYTES, "proof", f"{size} bytes, at most {MAX_PROOF_BYTES}")


def _check_output(index: int, op: Op) -> None:
    is_own = op.output == Ref(Source.OUTPUT, index, op.output.type)
    require(is_own, "output", "is not the operator's own tensor")
    is_tensor = op.output.type.fits and op.output.type.dtype is not DType.W8
    require(is_tensor, "output", f"no tensor can be {op.output.type}")
    require(op.is_checkpoint or not op.is_output, "flags", "an output without checkpoint")


def _check_segment(program: Program, index: int, op: Op) -> None:
    before = program.ops[index - 1].segment if index else 0
    follows = op.segment == before or (index > 0 and op.segment == before + 1)
    require(follows, "segment", f"{op.segment} after {before}" if index else "is not 0")


def _check_ref(program: Program, index: int, op: Op, ref: Ref, name: str) -> None:
    require(ref.div == 0 or op.opcode in ELEMENTWISE, name, "div is not zero")
    require(ref.source is not Source.OUTPUT, name, "source is zero")
    type = _named_type(program, index, op, ref, name)
    require(ref.type == type, name, f"{ref.type}, it names {type}")


def _named_type(program: Program, index: int, op: Op, ref: Ref, name: str) -> TensorType:
    counts = {Source.INPUT: len(program.inputs), Source.CONSTANT: len(program.constants)}
    count = counts.get(ref.source, index)
    require(ref.index < count, name, f"{ref.source.name.lower()} {ref.index}, there are {count}")
    if ref.source is Source.INPUT:
        return program.inputs[ref.index]
    if ref.source is Source.CONSTANT:
        return type_of(program.constants[ref.index])
    read = program.ops[ref.index]
    agrees = read.is_checkpoint == (ref.source is Source.CHECKPOINT)
    require(agrees, name, f"source {ref.source} of operator {ref.index}")
    stays = read.is_checkpoint or read.segment == op.segment
    require(stays, name, f"operator {ref.index} has no checkpoint and lies in another segment")
    return read.output.type


def _check_fields(op: Op) -> None:
    rule = RULES[op.opcode]
    for field in _OPTIONAL:
        require(field in rule.fields or getattr(op, field) == 0, field, "is not used, but not zero")
    require(len(op.geometry) == GEOMETRY, "geometry", f"{len(op.geometry)} numbers")
    for place, number in enumerate(op.geometry[rule.geometry :], rule.geometry):
        require(number == 0, f"g{place}", "is not used, but not zero")
    require(op.s <= MAX_SHIFT, "s", f"{op.s}, at most {MAX_SHIFT}")
    if "m" in rule.fields:
        require(_is_multiplier(op.m), "m", f"{op.m} is neither 0, 1 nor in [2^30, 2^31)")
    if rule.has_fin:
        dtype = op.output.type.dtype
        ordered = dtype.min <= op.lo <= op.hi <= dtype.max
        limits = f"{op.lo} to {op.hi} is no range of {dtype.name.lower()}"
        require(ordered, "lo, hi", limits)


def _is_multiplier(m: int) -> bool:
    return m in (0, 1) or MIN_MULTIPLIER <= m < 2 * MIN_MULTIPLIER


def _check_bounds(program: Program) -> None:
    inputs = [bounds.of_type(type.dtype) for type in program.inputs]
    constants = [bounds.of_constant(constant) for constant in program.constants]
    tails = [_tail(index, constant) for index, constant in enumerate(program.constants)]
    tensors: list[bounds.Interval] = []
    found = {Source.INPUT: inputs, Source.CONSTANT: constants}
    for index, op in enumerate(program.ops):
        operands = [found.get(ref.source, tensors)[ref.index] for ref in op.operands]
        weights = op.b is not None and op.b.type.dtype is DType.W8
        tail = tails[op.b.index] if weights and op.b else (0, 0, 0)
        with _at(index, op):
            tensors.append(bounds.result(op, operands, tail))


def _tail(index: int, constant: Constant) -> tuple[int, int, int]:
    """Return the largest |b|, m and s of weights. Raises InvalidProgramError for one too large."""
    if not isinstance(constant, Weights):
        return 0, 0, 0
    b, m, s = constant.b.astype("i8"), constant.m, constant.s
    wrong = {
        "b": abs(b) >= _MAX_BIAS,
        "m": (m > 1) & ((m < MIN_MULTIPLIER) | (m >= 2 * MIN_MULTIPLIER)),
        "s": s > MAX_SHIFT,
    }
    for name, rows in wrong.items():
        if rows.any():
            row = int(rows.argmax())
            value = getattr(constant, name)[row]
            raise InvalidProgramError(f"constant {index}, {name} of row {row}: {value}")
    return int(abs(b).max()), int(m.max()), int(s.max())
