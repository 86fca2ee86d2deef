"""Index-bound Merkle trees: a proof says what stands at which place of how many.

A tree of n leaves has depth ceil(log2 n); a level of odd length is padded with 32 zero bytes.
Leaves and nodes are hashed under tags of their own, and a proof's path has exactly the tree's
depth, so that neither a node nor a leaf of another place can pass for the leaf asked about.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import BinaryIO

from eth_utils.crypto import keccak

CHUNK_BYTES = 1024
"""Size of an output's chunks; the last one may be shorter."""

ZERO = bytes(32)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class Scheme:
    """A kind of tree: its hash and the one-byte tags of leaves and nodes."""

    hash: Callable[[bytes], bytes]
    leaf_tag: bytes
    node_tag: bytes

    def leaf(self, content: bytes) -> bytes:
        """Return the hash of a leaf's content."""
        return self.hash(self.leaf_tag + content)

    def node(self, left: bytes, right: bytes) -> bytes:
        """Return the hash of two children."""
        return self.hash(self.node_tag + left + right)


CHUNKS = Scheme(_sha256, b"\x20", b"\x21")
"""Over an output bundle's chunks."""

ROWS = Scheme(_sha256, b"\x22", b"\x23")
"""Over the encoded rows of a task table."""

NAMED = Scheme(keccak, b"\x00", b"\x01")
"""Over the operators a job names; contracts check these proofs."""


def depth(count: int) -> int:
    """Return the length of every path in a tree of `count` leaves, ceil(log2 count)."""
    return (count - 1).bit_length()


class RootBuilder:
    """Takes leaf contents one by one and keeps only one hash a level."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._count = 0
        self._pending: list[bytes | None] = []

    def add(self, content: bytes) -> None:
        """Append a leaf."""
        self._count += 1
        carry = self._scheme.leaf(content)
        for level, left in enumerate(self._pending):
            if left is None:
                self._pending[level] = carry
                return
            self._pending[level] = None
            carry = self._scheme.node(left, carry)
        self._pending.append(carry)

    def root(self) -> bytes:
        """Return the root of all leaves so far. Raises ValueError when there is none."""
        if self._count == 0:
            raise ValueError("a tree has at least one leaf")
        carry: bytes | None = None
        for left in self._pending[: depth(self._count)]:
            if left is not None:
                carry = self._scheme.node(left, carry or ZERO)
            elif carry is not None:
                carry = self._scheme.node(carry, ZERO)
        root = carry or self._pending[-1]
        assert root is not None  # noqa: S101 - the top level is pending when nothing was carried
        return root


def root(scheme: Scheme, contents: Iterable[bytes]) -> bytes:
    """Return the root over leaf contents. Raises ValueError when there is none."""
    builder = RootBuilder(scheme)
    for content in contents:
        builder.add(content)
    return builder.root()


def proof(scheme: Scheme, contents: Iterable[bytes], index: int) -> list[bytes]:
    """Return the siblings of leaf `index`, lowest first. Raises IndexError."""
    level = [scheme.leaf(content) for content in contents]
    if not 0 <= index < len(level):
        raise IndexError(f"leaf {index} of {len(level)}")
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        path.append(level[sibling] if sibling < len(level) else ZERO)
        pairs = zip_longest(level[::2], level[1::2], fillvalue=ZERO)
        level = [scheme.node(left, right) for left, right in pairs]
        index >>= 1
    return path


def verify(
    scheme: Scheme, root: bytes, index: int, count: int, content: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether `content` is leaf `index` of the `count` leaves under `root`."""
    if not 0 <= index < count or len(path) != depth(count):
        return False
    digest = scheme.leaf(content)
    for sibling in path:
        digest = scheme.node(sibling, digest) if index & 1 else scheme.node(digest, sibling)
        index >>= 1
    return digest == root


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's chunks from where it stands; an empty file is one empty chunk."""
    chunk = file.read(CHUNK_BYTES)
    yield chunk
    while len(chunk) == CHUNK_BYTES and (chunk := file.read(CHUNK_BYTES)):
        yield chunk


def chunk_count(size: int) -> int:
    """Return how many chunks `size` bytes have."""
    return max(1, -(-size // CHUNK_BYTES))


def chunk_root(file: BinaryIO) -> bytes:
    """Return an output's root, reading the file once from where it stands."""
    return root(CHUNKS, chunks_of(file))


def root_of_rows(rows: Iterable[bytes]) -> bytes:
    """Return the inputs root that stands in a job's terms, over the encoded task rows."""
    return root(ROWS, rows)


def named_root(ids: Iterable[int]) -> bytes:
    """Return the root of a job's named operators, in the order given."""
    return root(NAMED, map(_word, ids))


def named_proof(ids: Iterable[int], index: int) -> list[bytes]:
    """Return the path that shows a contract that operator `ids[index]` is named."""
    return proof(NAMED, map(_word, ids), index)


def _word(operator_id: int) -> bytes:
    if not 0 < operator_id < 1 << 24:
        raise ValueError(f"operator id {operator_id} is not in 1 … 2^24 - 1")
    return operator_id.to_bytes(32, "big")
