# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Demand places
@author Proofmesh
@license AGPL-3.0-only
@notice What a seat that opened a trace must be able to show (docs/tensor.md §2, §5): nodes of the
        trace, of a segment's trace and of a tensor's tree of lines, and the bytes of a line.
@dev Whoever demands proves out of the program's root that the place exists, and by a path to what
     the seat committed to what must stand there. So nobody honest is asked for what it has not.
"""

from ..courts.modules import calldata
from ..courts.modules import cases
from ..courts.modules import descriptors
from ..courts.modules import merkle
from ..courts.modules import tensors
from ..courts.modules import verdicts
from ..interfaces import ICourt
from . import reverts

# Kinds
TRACE: constant(uint256) = 0
SEGMENT: constant(uint256) = 1
TENSOR: constant(uint256) = 2
LINE: constant(uint256) = 3

STEP: constant(uint256) = 6  # levels that one answer goes down

# A number that no operator has: the head names the root of the operators instead.
NO_OPERATOR: constant(uint256) = max_value(uint256)


# Where in what a seat committed to.
struct Place:
    kind: uint256
    number: uint256  # of the segment, or of the tensor's operator; 0 in the trace
    level: uint256  # from the root of the tree: 0, 6, 12, 18; of a line the tree's depth
    position: uint256  # within the level


# What an answer must be.
struct Expected:
    digest: bytes32  # what it hashes to; empty where nothing says: at the top of a segment's trace
    tensor: uint256  # of TENSOR and LINE: the tensor's reference, as in the descriptor
    size: uint256  # bytes


@internal
@view
def _segment(place: Place, at: uint256) -> uint256:
    """@return The segment that the place is about: its own, or that of its operator."""
    if place.kind == SEGMENT:
        return place.number
    if place.kind == TRACE:
        return 0
    return calldata._unsigned(at + cases.FIXED + 2, 2)


@internal
@view
def _find(claim: ICourt.Claim, place: Place, at: uint256) -> (Expected, uint256):
    """
    @notice Find a place in what the claim commits to; reverts unless it exists.
    @param at Where the evidence lies in the call's data: the head of a proof (docs/tensor.md §8,
           from the counts on; of TRACE and SEGMENT without a descriptor), then the digest that
           stands at the place and its path, of a tensor or line also the tensor's path; no digest
           and no path at the top of TRACE and SEGMENT.
    @return What an answer must be, and where the evidence ends.
    """
    if place.kind == TRACE or place.kind == SEGMENT:
        return self._find_node(cases._about(claim, NO_OPERATOR, at), place)
    if place.kind != TENSOR and place.kind != LINE:
        reverts._fail("demands: no such kind")
    case: cases.Case = cases._about(claim, place.number, at)
    if cases._is_beyond(case):
        reverts._fail("demands: no such operator")
    descriptor: uint256 = at + cases.FIXED
    op: descriptors.Operator = descriptors._read(descriptor)
    found: Expected = empty(Expected)
    end: uint256 = 0
    found, end = self._find_in_tensor(case, verdicts._output(case, op), place)
    found.tensor = calldata._word(descriptor + descriptors.OUTPUT) >> 128
    return found, end


@internal
@view
def _find_node(case: cases.Case, place: Place) -> (Expected, uint256):
    """@return As `_find`, of a node of the trace or of a segment's trace."""
    tree: uint256 = descriptors.FROM_TRACE
    digest: bytes32 = case.claim.trace
    if place.kind == SEGMENT:
        if place.number >= case.segments:
            reverts._fail("demands: no such segment")
        tree = descriptors.FROM_SEGMENT
        digest = empty(bytes32)
    elif place.number != 0:
        reverts._fail("demands: no such trace")
    at: uint256 = case.at
    size: uint256 = self._node_bytes(place, case.operators)
    if place.level != 0:
        digest = convert(calldata._word(at), bytes32)
        self._check_padding(place, case.operators, digest)
        leaves: uint256 = 1 << place.level
        at = tensors._check_leaf(case, tree, digest, place.position, leaves, at + 32)
    return Expected(digest=digest, tensor=0, size=size), at


@internal
@view
def _find_in_tensor(case: cases.Case, ref: descriptors.Ref, place: Place) -> (Expected, uint256):
    """@return As `_find`, of a node of a tensor's tree of lines, or of a line."""
    t: tensors.Tensor = tensors._tensor(ref, 0)
    lines: uint256 = tensors._lines(t)
    digest: bytes32 = convert(calldata._word(case.at), bytes32)
    at: uint256 = case.at + 32
    found: Expected = Expected(digest=digest, tensor=0, size=0)
    if place.kind == LINE:
        if place.level != merkle._depth(lines) or place.position >= lines:
            reverts._fail("demands: no such line")
        found.size = tensors._line_bytes(t, place.position)
    else:
        found.size = self._node_bytes(place, lines)
        self._check_padding(place, lines, digest)
        if place.level == 0:
            at = tensors._check_leaf(case, ref.source, digest, ref.index, case.operators, at)
            return found, at
    root: bytes32 = empty(bytes32)
    root, at = merkle._climb(digest, place.position, 1 << place.level, at)
    return found, tensors._place(case, ref, root, at)


@internal
@pure
def _node_bytes(place: Place, leaves: uint256) -> uint256:
    """@return The bytes of a node's descendants six levels down, or fewer above the leaves."""
    depth: uint256 = merkle._depth(leaves)
    is_step: bool = place.level % STEP == 0 and (place.level == 0 or place.level < depth)
    if not is_step or place.position >> place.level != 0:
        reverts._fail("demands: no such node")
    return 32 << min(depth - place.level, STEP)


@internal
@pure
def _check_padding(place: Place, leaves: uint256, digest: bytes32):
    """
    @notice Revert where a node has padding alone, as it should be: there is nothing to show.
    @dev Anything else there is a lie that nobody honest has, and may be asked for.
    """
    height: uint256 = merkle._depth(leaves) - place.level
    if place.position << height >= leaves and digest == merkle._padding(height):
        reverts._fail("demands: padding alone")
