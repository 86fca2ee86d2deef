# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Tensors
@author Proofmesh
@license AGPL-3.0-only
@notice Opens what a tensor holds: runs of whole chunks, each proven up to a root of the case.
"""

from ...modules import reverts
from . import calldata
from . import cases
from . import descriptors
from . import merkle

ROW_ALONE: constant(uint256) = 256  # a row of so many bytes is a line of its own
WEIGHTS: constant(uint256) = 17
TAIL: constant(uint256) = 16

# A tensor while it is read; `_tensor` makes it, `_reach` moves it on.
struct Tensor:
    ref: descriptors.Ref
    row_bytes: uint256
    group: uint256  # rows in a line
    root: bytes32  # of its lines; zero before the first opening
    line: uint256  # the line that lies open
    start: uint256  # its open bytes: from start to before end
    end: uint256
    base: uint256  # where the line's first byte lies in msg.data, or would lie (modulo 2^256)
    here: uint256  # where the bytes that were asked for last lie
    at: uint256  # where the next opening lies


@internal
@pure
def _tensor(ref: descriptors.Ref, at: uint256) -> Tensor:
    """@return The tensor that `ref` names, its openings beginning at `at`."""
    code: uint256 = ref.code
    row_bytes: uint256 = ref.cols * code
    if code == WEIGHTS:
        row_bytes = ref.cols + TAIL
    group: uint256 = 1
    if row_bytes < ROW_ALONE:
        group = merkle.CHUNK // row_bytes
    return Tensor(
        ref=ref,
        row_bytes=row_bytes,
        group=group,
        root=empty(bytes32),
        line=0,
        start=0,
        end=0,
        base=0,
        here=0,
        at=at,
    )


@internal
@pure
def _lines(t: Tensor) -> uint256:
    return (t.ref.rows + t.group - 1) // t.group


@internal
@pure
def _line_bytes(t: Tensor, line: uint256) -> uint256:
    return min(t.group, t.ref.rows - line * t.group) * t.row_bytes


@internal
@view
def _read(
    case: cases.Case, ref: descriptors.Ref, row: uint256, col: uint256, at: uint256
) -> (int256, uint256):
    """
    @notice Open one element.
    @return The element [row, col] of `ref`, and where the proof goes on behind its opening.
    """
    t: Tensor = self._reach_elements(case, self._tensor(ref, at), row, col, 1)
    return calldata._signed(t.here, ref.code), t.at


@internal
@view
def _reach_elements(
    case: cases.Case, t: Tensor, row: uint256, col: uint256, count: uint256
) -> Tensor:
    """@return The tensor with `count` elements of `row` from `col` on open at `here`."""
    code: uint256 = t.ref.code
    if code == WEIGHTS:
        reverts._fail("tensors: not elements")
    return self._reach(case, t, row, col * code, count * code)


@internal
@view
def _reach(case: cases.Case, t: Tensor, row: uint256, offset: uint256, size: uint256) -> Tensor:
    """@return The tensor with the `size` bytes of `row` from `offset` on open at `here`."""
    if row >= t.ref.rows or offset + size > t.row_bytes or size == 0:
        reverts._fail("tensors: outside")
    reached: Tensor = t
    line: uint256 = row // t.group
    start: uint256 = row % t.group * t.row_bytes + offset
    # Rows that share a line are opened together: what lies open is not opened again.
    if line != t.line or start < t.start or start + size > t.end:
        reached = self._open(case, t, line, start, start + size)
    reached.here = unsafe_add(reached.base, start)
    return reached


@internal
@view
def _open(case: cases.Case, t: Tensor, line: uint256, start: uint256, end: uint256) -> Tensor:
    """@return The tensor with the chunks open that hold the line's bytes from start to end."""
    length: uint256 = self._line_bytes(t, line)
    first: uint256 = start // merkle.CHUNK
    last: uint256 = (end - 1) // merkle.CHUNK
    opened: Tensor = t
    opened.line = line
    opened.start = first * merkle.CHUNK
    opened.end = min((last + 1) * merkle.CHUNK, length)
    opened.base = unsafe_sub(t.at, opened.start)
    root: bytes32 = empty(bytes32)
    at: uint256 = 0
    root, at = merkle._line(length, first, last, t.at)
    root, at = merkle._climb(root, line, self._lines(t), at)
    if t.root == empty(bytes32):
        opened.root = root
        at = self._place(case, t.ref, root, at)
    elif t.root != root:
        reverts._fail("tensors: another root")
    opened.at = at
    return opened


@internal
@view
def _place(case: cases.Case, ref: descriptors.Ref, root: bytes32, at: uint256) -> uint256:
    """
    @notice Revert unless the tensor with this tree of lines stands where `ref` says.
    @return Where the proof goes on behind the path at `at`.
    """
    digest: bytes32 = self._digest(ref, root)
    source: uint256 = ref.source
    index: uint256 = ref.index
    if source == descriptors.FROM_INPUTS:
        return self._check_input(case, digest, index, at)
    if source == descriptors.FROM_CONSTANTS:
        constants_root: bytes32 = empty(bytes32)
        end: uint256 = 0
        constants_root, end = merkle._climb(digest, index, case.constants, at)
        if constants_root != case.constants_root:
            reverts._fail("tensors: not the constant")
        return end
    return self._check_leaf(case, source, digest, index, case.operators, at)


@internal
@view
def _check_input(case: cases.Case, digest: bytes32, index: uint256, at: uint256) -> uint256:
    """@notice Revert unless the digest is that of the task's input `index`."""
    if index >= case.inputs:
        reverts._fail("tensors: no such input")
    digests: bytes32[16] = empty(bytes32[16])
    place: uint256 = at
    for i: uint256 in range(case.inputs, bound=16):
        if i == index:
            digests[i] = digest
        else:
            digests[i] = convert(calldata._word(place), bytes32)
            place += 32
    listed: Bytes[512] = slice(abi_encode(digests), 0, 32 * case.inputs)
    root: bytes32 = sha256(concat(0x06, listed))
    root, place = merkle._climb(root, case.claim.task, case.claim.tasks, place)
    if root != case.claim.inputs:
        reverts._fail("tensors: not the task's input")
    return place


@internal
@view
def _check_leaf(
    case: cases.Case, tree: uint256, leaf: bytes32, index: uint256, leaves: uint256, at: uint256
) -> uint256:
    """
    @notice Revert unless `leaf` is leaf `index` of the trace or of the segment's trace.
    @param leaves How many there are; fewer than operators where a node is taken for a leaf.
    @return Where its path at `at` ends.
    """
    root: bytes32 = empty(bytes32)
    end: uint256 = 0
    root, end = merkle._climb(leaf, index, leaves, at)
    if tree == descriptors.FROM_TRACE:
        if self._trace(root) != case.claim.trace:
            reverts._fail("tensors: not in the trace")
    elif tree == descriptors.FROM_SEGMENT:
        if self._segment_trace(case.claim.segment, root) != case.claim.inner:
            reverts._fail("tensors: not in the segment")
    else:
        reverts._fail("tensors: no such source")
    return end


@internal
@pure
def _digest(ref: descriptors.Ref, root: bytes32) -> bytes32:
    """@return The digest of the tensor with this tree of lines."""
    return sha256(
        concat(
            0x03,
            convert(convert(ref.code, uint8), bytes1),
            convert(convert(ref.rows, uint32), bytes4),
            convert(convert(ref.cols, uint32), bytes4),
            root,
        )
    )


@internal
@pure
def _trace(root: bytes32) -> bytes32:
    """@return The trace whose leaves have this root."""
    return sha256(concat(0x07, root))


@internal
@pure
def _segment_trace(segment: uint256, root: bytes32) -> bytes32:
    """@return The trace of a segment whose leaves have this root."""
    return sha256(concat(0x08, convert(convert(segment, uint16), bytes2), root))
