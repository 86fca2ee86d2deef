# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Cases
@author Proofmesh
@license AGPL-3.0-only
@notice What a proof is about: the roots it must fit, and the operator it accuses.
"""

from ...interfaces import ICourt
from ...modules import reverts
from . import calldata
from . import descriptors
from . import merkle

ELEMENT: constant(uint256) = 1
TRACE_LEAF: constant(uint256) = 2
SEGMENT_LEAF: constant(uint256) = 3
LINE: constant(uint256) = 4

# Selector, eight words and the length of the proof come first in the call's data.
PROOF: constant(uint256) = 4 + 9 * 32
# verdict u8, operator u16; then the head begins
HEAD: constant(uint256) = PROOF + 1 + 2
# the header's four counts u16, the roots of inputs and constants; then the descriptor, if any
FIXED: constant(uint256) = 8 + 32 + 32
# So short a proof is filled with zero bytes: `calldata._run` needs 1024 bytes of data.
MIN_SIZE: constant(uint256) = 768


struct Case:
    claim: ICourt.Claim
    inputs: uint256
    constants: uint256
    operators: uint256
    segments: uint256
    constants_root: bytes32
    verdict: uint256
    operator: uint256  # or the leaf, in a verdict on a leaf beyond the last operator
    at: uint256  # where the rest of the proof begins


@internal
@view
def _open(claim: ICourt.Claim) -> Case:
    """@return The case that the proof makes; reverts unless it is of the claimed program."""
    case: Case = self._about(claim, calldata._unsigned(PROOF + 1, 2), HEAD)
    case.verdict = calldata._unsigned(PROOF, 1)
    return case


@internal
@view
def _about(claim: ICourt.Claim, operator: uint256, head: uint256) -> Case:
    """
    @param operator What the case is about. One beyond the last has no descriptor.
    @param head Where the header's counts lie.
    @return The case that the head makes; reverts unless it is of the claimed program.
    """
    counts: uint256 = calldata._unsigned(head, 8)
    case: Case = Case(
        claim=claim,
        inputs=counts >> 48,
        constants=counts >> 32 & (2**16 - 1),
        operators=counts >> 16 & (2**16 - 1),
        segments=counts & (2**16 - 1),
        constants_root=convert(calldata._word(head + 40), bytes32),
        verdict=0,
        operator=operator,
        at=head + FIXED,
    )
    operators_root: bytes32 = empty(bytes32)
    if self._is_beyond(case):
        operators_root = convert(calldata._word(case.at), bytes32)
        case.at += 32
    else:
        descriptor: Bytes[192] = slice(msg.data, case.at, descriptors.SIZE)
        leaf: bytes32 = sha256(concat(0x04, descriptor))
        operators_root, case.at = merkle._climb(
            leaf, case.operator, case.operators, case.at + descriptors.SIZE
        )
    version: bytes2 = 0x0001
    header: Bytes[11] = concat(b"\x05", version, slice(msg.data, head, 8))
    unused: bytes6 = 0x000000000000
    roots: Bytes[64] = slice(msg.data, head + 8, 64)
    if sha256(concat(header, unused, roots, operators_root)) != claim.program:
        reverts._fail("court: another program")
    return case


@internal
@pure
def _is_beyond(case: Case) -> bool:
    """@return Whether the case is about a leaf behind the last operator's."""
    return case.operator >= case.operators


@internal
@view
def _operator(case: Case) -> descriptors.Operator:
    """@return The operator that the case is about."""
    return descriptors._read(HEAD + FIXED)


@internal
@view
def _close(at: uint256):
    """@notice Revert unless the proof ends at `at`."""
    if calldata._word(PROOF - 32) != max(at - PROOF, MIN_SIZE):
        reverts._fail("court: wrong length")
