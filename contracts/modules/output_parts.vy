# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Output parts
@author Proofmesh
@license AGPL-3.0-only
@notice The pieces that outputs are demanded in: the execution record of a replicated task, and a
        chunk of the bundle that it commits to; or a line of an output tensor of a provable one.
@dev Whoever demands shows that the piece exists: by the record behind the value that stands, or by
     the operator's descriptor out of the program's root. So nobody is asked for what nobody has.
     The paths are the operator's to bring: a payer that was served nothing knows none.
"""

from ..courts.modules import calldata
from ..courts.modules import cases
from ..courts.modules import descriptors
from ..courts.modules import merkle
from ..courts.modules import tensors
from ..interfaces import ICourt
from . import demand_answers as answers
from . import reverts

# What pieces of a replicated task are known by.
IN_BUNDLE: constant(uint256) = 0
RECORD: constant(uint256) = 1

RECORD_BYTES: constant(uint256) = 6 * 32
ROOT: constant(uint256) = 3 * 32  # in a record: of the bundle's chunks
BYTES: constant(uint256) = 4 * 32  # in a record: of the bundle

CHUNK_LEAF: constant(bytes1) = 0x20
CHUNK_NODE: constant(bytes1) = 0x21
TENSOR_NODE: constant(bytes1) = 0x02

MAX_PATH: constant(uint256) = 40  # the trees of 2^24 lines and of 2^16 operators


# What an answer must show.
struct Part:
    root: bytes32  # of the bundle's chunks, or the value that stands; or the trace
    leaves: uint256  # how many chunks, 1 record; or operators, the leaves of the trace
    tensor: uint256  # the tensor's reference, as in the descriptor; 0 in ReplicatedJobs
    size: uint256  # bytes of the piece


@internal
@pure
def _of_run(stands: bytes32, record: Bytes[2048], number: uint256, position: uint256) -> Part:
    """
    @param stands What stands for the task.
    @param record The execution record behind it, its six words; nothing where that is asked for.
    @param number RECORD for the record, IN_BUNDLE for the chunk at `position` of the bundle.
    """
    if number == RECORD:
        if position != 0 or len(record) != 0:
            reverts._fail("deliveries: no such record")
        return Part(root=stands, leaves=1, tensor=0, size=RECORD_BYTES)
    if len(record) != RECORD_BYTES or keccak256(keccak256(record)) != stands:
        reverts._fail("deliveries: another record")
    size: uint256 = convert(slice(record, BYTES, 32), uint256)
    chunks: uint256 = (size + merkle.CHUNK - 1) // merkle.CHUNK
    if number != IN_BUNDLE or position >= chunks:
        reverts._fail("deliveries: no such chunk")
    return Part(
        root=convert(slice(record, ROOT, 32), bytes32),
        leaves=chunks,
        tensor=0,
        size=min(merkle.CHUNK, size - position * merkle.CHUNK),
    )


@internal
@view
def _line(
    program: bytes32, trace: bytes32, number: uint256, position: uint256, at: uint256
) -> (Part, uint256):
    """
    @param number Of the operator that writes the output.
    @param at Where the head of a proof lies in the call's data (docs/tensor.md §8, from the counts
           on).
    @return Line `position` of that tensor, and where the head ends.
    """
    claim: ICourt.Claim = empty(ICourt.Claim)
    claim.program = program
    case: cases.Case = cases._about(claim, number, at)
    descriptor: uint256 = at + cases.FIXED
    if cases._is_beyond(case) or calldata._word(descriptor) & descriptors.OUTPUT_FLAG == 0:
        reverts._fail("deliveries: no such output")
    tensor: uint256 = calldata._word(descriptor + descriptors.OUTPUT) >> 128
    t: tensors.Tensor = self._tensor(tensor)
    if position >= tensors._lines(t):
        reverts._fail("deliveries: no such line")
    size: uint256 = tensors._line_bytes(t, position)
    return Part(root=trace, leaves=case.operators, tensor=tensor, size=size), case.at


@internal
@pure
def _path_length(part: Part) -> uint256:
    """@return How many siblings lead from the part up to its root."""
    length: uint256 = merkle._depth(part.leaves)
    if part.tensor != 0:
        length += merkle._depth(tensors._lines(self._tensor(part.tensor)))
    return length


@internal
@pure
def _is_part(
    part: Part,
    number: uint256,
    position: uint256,
    data: Bytes[answers.MAX_BYTES],
    path: DynArray[bytes32, MAX_PATH],
) -> bool:
    """
    @param path The siblings from the part up, the lowest first; from a tensor's tree on in the
           trace's.
    @return Whether `data` is the part.
    """
    if len(data) != part.size or len(path) != self._path_length(part):
        return False
    if part.tensor == 0 and number == RECORD:
        return part.root == keccak256(keccak256(data))
    if part.tensor == 0:
        chunk: bytes32 = sha256(concat(CHUNK_LEAF, data))
        return part.root == self._climb(CHUNK_NODE, chunk, position, path, 0, len(path))
    t: tensors.Tensor = self._tensor(part.tensor)
    top: uint256 = merkle._depth(tensors._lines(t))
    lines: bytes32 = self._climb(TENSOR_NODE, answers._line(data), position, path, 0, top)
    digest: bytes32 = tensors._digest(t.ref, lines)
    leaves: bytes32 = self._climb(TENSOR_NODE, digest, number, path, top, len(path))
    return part.root == tensors._trace(leaves)


@internal
@pure
def _tensor(reference: uint256) -> tensors.Tensor:
    return tensors._tensor(descriptors._ref(reference), 0)


@internal
@pure
def _climb(
    tag: bytes1,
    leaf: bytes32,
    index: uint256,
    path: DynArray[bytes32, MAX_PATH],
    start: uint256,
    end: uint256,
) -> bytes32:
    """@return The root over leaf `index` by the siblings from `start` to before `end`."""
    node: bytes32 = leaf
    place: uint256 = index
    for level: uint256 in range(start, end, bound=MAX_PATH):
        if place & 1 == 0:
            node = sha256(concat(tag, node, path[level]))
        else:
            node = sha256(concat(tag, path[level], node))
        place >>= 1
    return node
