"""Tensor programs: descriptors, root and file (docs/tensor.md §3).

`Program.decode` checks the form of a file: that it has the length its headers imply, and that every
byte is accounted for. Whether the program makes sense is the question of worker.tensor.validate.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple, Self

from worker.errors import InvalidProgramError
from worker.tensor.commit import ZERO, Commitment, Tree, tagged
from worker.tensor.tensors import (
    Array,
    Constant,
    DType,
    TensorType,
    Weights,
    from_bytes,
    to_bytes,
    type_of,
)

__all__ = [
    "Array",
    "Constant",
    "DType",
    "Op",
    "Opcode",
    "Program",
    "Ref",
    "Source",
    "TensorType",
    "Weights",
    "Window",
]

VERSION = 1
DESCRIPTOR_BYTES = 192
GEOMETRY = 16
MAX_INPUTS = 16
MAX_CONSTANTS = 4095
MAX_OPS = 4095

_MAGIC = b"PTPF"
_HEADER = struct.Struct(">HHHHH6s")
_TYPE = struct.Struct(">BII")
_REF = struct.Struct(">BBHIII")
_OP = struct.Struct(">BBHB3sIiqqqiihh12s16s16s16s16s16I")
_CHECKPOINT, _OUTPUT = 1, 2


class Opcode(IntEnum):
    """The operators of docs/tensor.md §4."""

    MATMUL = 1
    BMM = 2
    ADD = 3
    MUL = 4
    REQUANT = 5
    SCALE = 6
    LUT8 = 7
    NORM = 8
    ARGMAX = 9
    PICK = 10
    ROWSUM = 11
    ROWSUMSQ = 12
    ISQRT = 13
    DIV = 14
    GATHER = 15
    CONV2D = 16
    DWCONV = 17
    MAXPOOL = 18
    AVGPOOL = 19
    PERMUTE = 20
    SLICE = 21
    CONCAT = 22
    PAD = 23


class Source(IntEnum):
    """What a reference names."""

    OUTPUT = 0  # the operator's own tensor
    INPUT = 1
    CONSTANT = 2
    CHECKPOINT = 3
    INNER = 4  # an operator's tensor without checkpoint


@dataclass(frozen=True)
class Ref:
    """Where an operand is, and its type and shape; `div` is for broadcasting (§4)."""

    source: Source
    index: int
    type: TensorType
    div: int = 0

    def encode(self) -> bytes:
        """Return the 16 bytes."""
        dtype, rows, cols = self.type.dtype, self.type.rows, self.type.cols
        return _REF.pack(self.source, dtype, self.index, rows, cols, self.div)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read 16 bytes. Raises ValueError."""
        source, dtype, index, rows, cols, div = _REF.unpack(data)
        return cls(Source(source), index, TensorType(DType(dtype), rows, cols), div)


class Window(NamedTuple):
    """The geometry of convolutions and pools: g0 … g10."""

    height: int
    width: int
    channels: int
    kernel_height: int
    kernel_width: int
    stride_height: int
    stride_width: int
    pad_top: int
    pad_left: int
    out_height: int
    out_width: int


@dataclass(frozen=True)
class Op:
    """An operator: all fields of its descriptor."""

    opcode: Opcode
    output: Ref
    a: Ref
    b: Ref | None = None
    d: Ref | None = None
    is_checkpoint: bool = False
    is_output: bool = False
    segment: int = 0
    m: int = 0
    s: int = 0
    zp: int = 0
    lo: int = 0
    hi: int = 0
    c: int = 0
    ma: int = 0
    mb: int = 0
    za: int = 0
    zb: int = 0
    geometry: tuple[int, ...] = (0,) * GEOMETRY

    @property
    def window(self) -> Window:
        """The geometry of a convolution or pool."""
        return Window(*self.geometry[: len(Window._fields)])

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The references in use, in the order a, b, d."""
        return tuple(ref for ref in (self.a, self.b, self.d) if ref is not None)

    def encode(self) -> bytes:
        """Return the descriptor."""
        refs = (self.output, self.a, self.b, self.d)
        flags = _CHECKPOINT * self.is_checkpoint | _OUTPUT * self.is_output
        head = (self.opcode, flags, self.segment, self.s, bytes(3), self.m, self.zp)
        limits = (self.lo, self.hi, self.c, self.ma, self.mb, self.za, self.zb, bytes(12))
        encoded = (bytes(16) if ref is None else ref.encode() for ref in refs)
        return _OP.pack(*head, *limits, *encoded, *self.geometry)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a descriptor. Raises ValueError when a byte has no meaning."""
        (opcode, flags, segment, s, zero, m, zp, lo, hi, c, ma, mb, za, zb, zeros,
         output, a, b, d, *geometry) = _OP.unpack(data)  # fmt: skip
        if flags > _CHECKPOINT | _OUTPUT or any(zero) or any(zeros):
            raise ValueError("a byte that must be zero is not")
        return cls(
            opcode=Opcode(opcode),
            output=Ref.decode(output),
            a=Ref.decode(a),
            b=Ref.decode(b) if any(b) else None,
            d=Ref.decode(d) if any(d) else None,
            is_checkpoint=bool(flags & _CHECKPOINT),
            is_output=bool(flags & _OUTPUT),
            segment=segment,
            **{"m": m, "s": s, "zp": zp, "lo": lo, "hi": hi, "c": c},
            **{"ma": ma, "mb": mb, "za": za, "zb": zb},
            geometry=tuple(geometry),
        )


@dataclass(frozen=True, eq=False)
class Program:
    """A tensor program. Operator k writes tensor k."""

    inputs: Sequence[TensorType]
    constants: Sequence[Constant]
    ops: Sequence[Op]

    @property
    def outputs(self) -> list[int]:
        """The operators whose tensors are the program's outputs, in order."""
        return [index for index, op in enumerate(self.ops) if op.is_output]

    @property
    def segments(self) -> int:
        """How many segments the operators are cut into."""
        return self.ops[-1].segment + 1

    @property
    def header(self) -> bytes:
        """The 16 bytes that the root and the file begin with."""
        counts = len(self.inputs), len(self.constants), len(self.ops), self.segments
        return _HEADER.pack(VERSION, *counts, bytes(6))

    @cached_property
    def inputs_digest(self) -> bytes:
        """The digest of the inputs' types and shapes."""
        return tagged(0x09, *map(_encode_type, self.inputs))

    @cached_property
    def constants_tree(self) -> Tree | None:
        """The tree over the constants' digests; None without constants."""
        digests = [Commitment(constant).digest for constant in self.constants]
        return Tree(digests) if digests else None

    @cached_property
    def operators_tree(self) -> Tree:
        """The tree over the descriptors' digests."""
        return Tree([tagged(0x04, op.encode()) for op in self.ops])

    @cached_property
    def root(self) -> bytes:
        """What names the program: its content, whole."""
        constants = self.constants_tree.root if self.constants_tree else ZERO
        return tagged(0x05, self.header, self.inputs_digest, constants, self.operators_tree.root)

    def encode(self) -> bytes:
        """Return the program's file."""
        types = [*self.inputs, *map(type_of, self.constants)]
        parts = [_MAGIC, self.header, *map(_encode_type, types)]
        parts += [op.encode() for op in self.ops]
        parts += [to_bytes(constant).tobytes() for constant in self.constants]
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a file; constants of 8 bits are views of it.

        Raises InvalidProgramError before anything is allocated that the file does not hold.
        """
        inputs, constants, ops, segments = _decode_header(data)
        at = len(_MAGIC) + _HEADER.size
        types_end = at + _TYPE.size * (inputs + constants)
        ops_end = types_end + DESCRIPTOR_BYTES * ops
        if len(data) < ops_end:
            raise InvalidProgramError(f"file: {len(data)} bytes, its header implies more")
        types = [_decode_type(*fields) for fields in _TYPE.iter_unpack(data[at:types_end])]
        size = ops_end + sum(type.nbytes for type in types[inputs:])
        if len(data) != size:
            raise InvalidProgramError(f"file: {len(data)} bytes, its types imply {size}")
        descriptors = (data[start : start + DESCRIPTOR_BYTES]
                       for start in range(types_end, ops_end, DESCRIPTOR_BYTES))  # fmt: skip
        program = cls(
            tuple(types[:inputs]),
            tuple(_decode_constants(types[inputs:], memoryview(data)[ops_end:])),
            tuple(_decode_op(index, item) for index, item in enumerate(descriptors)),
        )
        if program.segments != segments:
            raise InvalidProgramError(f"header: {segments} segments, not {program.segments}")
        return program


def _decode_header(data: bytes) -> tuple[int, int, int, int]:
    if data[: len(_MAGIC)] != _MAGIC or len(data) < len(_MAGIC) + _HEADER.size:
        raise InvalidProgramError("file: not a tensor program")
    version, inputs, constants, ops, segments, zero = _HEADER.unpack_from(data, len(_MAGIC))
    if version != VERSION:
        raise InvalidProgramError(f"header: version {version}, known is {VERSION}")
    if any(zero):
        raise InvalidProgramError("header: a byte that must be zero is not")
    if not 1 <= inputs <= MAX_INPUTS:
        raise InvalidProgramError(f"header: {inputs} inputs, not 1 to {MAX_INPUTS}")
    if constants > MAX_CONSTANTS:
        raise InvalidProgramError(f"header: {constants} constants, at most {MAX_CONSTANTS}")
    if not 1 <= ops <= MAX_OPS:
        raise InvalidProgramError(f"header: {ops} operators, not 1 to {MAX_OPS}")
    return inputs, constants, ops, segments


def _encode_type(type: TensorType) -> bytes:
    return _TYPE.pack(type.dtype, type.rows, type.cols)


def _decode_type(code: int, rows: int, cols: int) -> TensorType:
    try:
        type = TensorType(DType(code), rows, cols)
    except ValueError as error:
        raise InvalidProgramError(f"types: {error}") from error
    if not type.fits:
        raise InvalidProgramError(f"types: no tensor can be {type}")
    return type


def _decode_constants(types: Sequence[TensorType], data: memoryview) -> list[Constant]:
    constants = []
    for index, type in enumerate(types):
        try:
            constants.append(from_bytes(type, data[: type.nbytes]))
        except ValueError as error:
            raise InvalidProgramError(f"constant {index}: {error}") from error
        data = data[type.nbytes :]
    return constants


def _decode_op(index: int, data: bytes) -> Op:
    try:
        return Op.decode(data)
    except ValueError as error:
        raise InvalidProgramError(f"operator {index}: {error}") from error
