"""What it costs to show a court that an element is wrong: an estimate from a descriptor alone.

The sums were fitted to transactions of `bench/tensor_gas.py` under the rules of Prague, where a
transaction pays for its calldata what EIP-7623 asks at least. A test holds them to what was
measured: never below, and at most 15 % above.
"""

from worker.tensor.program import DType, Op, Opcode, Program
from worker.tensor.proof_size import Extent, extent_of

_TRANSACTION = 21_000
_BYTE, _ZERO_BYTE = 16, 4
_LEAST_BYTE, _LEAST_ZERO_BYTE = 40, 10

_CLAIM_BYTES = 324  # selector, the claim's seven words, the proof's place, length and padding
_ZERO_BYTES = 390  # of the claim and the descriptor; digests and tensors are taken to have none

_FIXED = 22_500
_OPENING = 8_500
_DIGEST = 510
_OPENED_KIB = 155
_GEOMETRY = {Opcode.CONV2D: 8_000, Opcode.DWCONV: 8_000, Opcode.PERMUTE: 8_000}

_MAC, _NORM, _WIDE_SUM, _BYTE_SUM = 22.5, 75.0, 75.0, 31.0
_DEPTHWISE, _POOL = 1_090.0, 680.0


def conviction_gas(program: Program) -> int:
    """Return an estimate of the gas of the transaction that shows a court a lie about the dearest
    element of a program."""
    counts = len(program.inputs), len(program.constants), len(program.ops)
    return max(element_gas(op, *counts) for op in program.ops)


def element_gas(op: Op, inputs: int, constants: int, operators: int) -> int:
    """Return the same for the dearest element of one operator of a program with these counts."""
    extent = extent_of(op, inputs, constants, operators)
    size = _CLAIM_BYTES + extent.nbytes - _ZERO_BYTES
    usual = size * _BYTE + _ZERO_BYTES * _ZERO_BYTE + _execution(op, extent)
    least = size * _LEAST_BYTE + _ZERO_BYTES * _LEAST_ZERO_BYTE
    return _TRANSACTION + max(usual, least)


def _execution(op: Op, extent: Extent) -> int:
    """Return the gas that the court uses: hashing what is opened, and the element's arithmetic."""
    hashing = _OPENING * extent.openings + _DIGEST * extent.digests
    hashing += _OPENED_KIB * extent.opened // 1024
    return _FIXED + _GEOMETRY.get(op.opcode, 0) + hashing + round(_arithmetic(op))


def _arithmetic(op: Op) -> float:
    window, cols = op.window, op.a.type.cols
    taps = window.kernel_height * window.kernel_width
    match op.opcode:
        case Opcode.MATMUL | Opcode.BMM:
            return _MAC * cols
        case Opcode.CONV2D:
            return _MAC * taps * window.channels
        case Opcode.DWCONV:
            return _DEPTHWISE * taps
        case Opcode.MAXPOOL | Opcode.AVGPOOL:
            return _POOL * taps
        case Opcode.NORM:
            return _NORM * cols
        case Opcode.ROWSUM | Opcode.ROWSUMSQ:
            return (_BYTE_SUM if op.a.type.dtype is DType.I8 else _WIDE_SUM) * cols
        case _:
            return 0
