# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Descriptors
@author Proofmesh
@license AGPL-3.0-only
@notice What an operator is: the fields of its 192 bytes, docs/tensor.md §3.
"""

from . import calldata
from . import fixed_point

SIZE: constant(uint256) = 192
OUTPUT: constant(uint256) = 64  # where the reference to the output lies
OUTPUT_FLAG: constant(uint256) = 1 << 241  # in the first word, of what the program gives out

# Where an operand lies.
FROM_INPUTS: constant(uint256) = 1
FROM_CONSTANTS: constant(uint256) = 2
FROM_TRACE: constant(uint256) = 3
FROM_SEGMENT: constant(uint256) = 4

MATMUL: constant(uint256) = 1
BMM: constant(uint256) = 2
ADD: constant(uint256) = 3
MUL: constant(uint256) = 4
REQUANT: constant(uint256) = 5
SCALE: constant(uint256) = 6
LUT8: constant(uint256) = 7
NORM: constant(uint256) = 8
ARGMAX: constant(uint256) = 9
PICK: constant(uint256) = 10
ROWSUM: constant(uint256) = 11
ROWSUMSQ: constant(uint256) = 12
ISQRT: constant(uint256) = 13
DIV: constant(uint256) = 14
GATHER: constant(uint256) = 15
CONV2D: constant(uint256) = 16
DWCONV: constant(uint256) = 17
MAXPOOL: constant(uint256) = 18
AVGPOOL: constant(uint256) = 19
PERMUTE: constant(uint256) = 20
SLICE: constant(uint256) = 21
CONCAT: constant(uint256) = 22
PAD: constant(uint256) = 23

# A tensor as an operator names it.
struct Ref:
    source: uint256
    code: uint256  # the type: the bytes of an element, or 17 for weights
    index: uint256
    rows: uint256
    cols: uint256
    div: uint256


# An operator's fields; `y` is its output, `a`, `b` and `d` its operands, `g` the packed geometry.
struct Operator:
    opcode: uint256
    checkpoint: bool
    segment: uint256
    s: uint256
    m: uint256
    zp: int256
    lo: int256
    hi: int256
    c: int256
    ma: int256
    mb: int256
    za: int256
    zb: int256
    y: Ref
    a: Ref
    b: Ref
    d: Ref
    g: uint256[2]


@internal
@view
def _read(at: uint256) -> Operator:
    """@return The operator whose descriptor lies at `at`."""
    w: uint256[6] = abi_decode(slice(msg.data, at, SIZE), uint256[6])
    return Operator(
        opcode=w[0] >> 248,
        checkpoint=w[0] >> 240 & 1 == 1,
        segment=w[0] >> 224 & (2**16 - 1),
        s=w[0] >> 216 & 255,
        m=w[0] >> 160 & (2**32 - 1),
        zp=calldata._extended(w[0] >> 128, 4),
        lo=calldata._extended(w[0] >> 64, 8),
        hi=calldata._extended(w[0], 8),
        c=calldata._extended(w[1] >> 192, 8),
        ma=calldata._extended(w[1] >> 160, 4),
        mb=calldata._extended(w[1] >> 128, 4),
        za=calldata._extended(w[1] >> 112, 2),
        zb=calldata._extended(w[1] >> 96, 2),
        y=self._ref(w[2] >> 128),
        a=self._ref(w[2]),
        b=self._ref(w[3] >> 128),
        d=self._ref(w[3]),
        g=[w[4], w[5]],
    )


@internal
@pure
def _geometry(op: Operator) -> uint256[16]:
    """@return The operator's geometry, g0 to g15."""
    g: uint256[16] = empty(uint256[16])
    for i: uint256 in range(16):
        g[i] = op.g[i // 8] >> (224 - 32 * (i % 8)) & (2**32 - 1)
    return g


@internal
@pure
def _ref(word: uint256) -> Ref:
    """@return The reference in the lowest 16 bytes of `word`."""
    return Ref(
        source=word >> 120 & 255,
        code=word >> 112 & 255,
        index=word >> 96 & (2**16 - 1),
        rows=word >> 64 & (2**32 - 1),
        cols=word >> 32 & (2**32 - 1),
        div=word & (2**32 - 1),
    )


@internal
@pure
def _fin(op: Operator, v: int256) -> int256:
    """@return `v` with the operator's zero point, clamped to its range."""
    return fixed_point._clamped(v + op.zp, op.lo, op.hi)
