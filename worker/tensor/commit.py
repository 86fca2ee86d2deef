"""Commitments to tensors: chunks, lines, trees (docs/tensor.md §2).

A *line* is a long row, or as many short rows as fit in 1024 bytes. It is hashed chunk by chunk and
is a leaf of its tensor's tree, so that a court can open one chunk of one line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from worker.tensor.tensors import Constant, TensorType, to_bytes, type_of

CHUNK_BYTES = 1024
SHORT_ROW_BYTES = 256
"""Rows below this size are packed to lines."""

ZERO = bytes(32)

_SLICE_BYTES = 1 << 20  # rows are turned to bytes by slices that stay in the cache


def tagged(tag: int, *parts: bytes) -> bytes:
    """Return H(tag, parts…)."""
    return sha256(bytes([tag]) + b"".join(parts)).digest()


def chunk_digest(chunk: bytes) -> bytes:
    """Return the digest of a chunk's bytes."""
    return sha256(b"\x00" + chunk).digest()


def line_digest(chunks: Iterable[bytes]) -> bytes:
    """Return the digest of a line from its chunks' digests."""
    return sha256(b"\x01" + b"".join(chunks)).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the digest of two nodes' parent."""
    return sha256(b"\x02" + left + right).digest()


def tensor_digest(type: TensorType, lines_root: bytes) -> bytes:
    """Return a tensor's digest from the root of its lines' tree."""
    shape = type.rows.to_bytes(4, "big") + type.cols.to_bytes(4, "big")
    return tagged(0x03, bytes([type.dtype]), shape, lines_root)


class Tree:
    """A binary tree over leaves of 32 bytes, padded on the right with zero leaves."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Hash all levels. Raises ValueError when there is no leaf."""
        if not leaves:
            raise ValueError("a tree has at least one leaf")
        self._levels = [list(leaves)]  # each without the part that is padding only
        self._padding = [ZERO]  # by level
        while len(self._levels[-1]) > 1:
            level, padding = self._levels[-1], self._padding[-1]
            if len(level) % 2:
                level = [*level, padding]
            pairs = zip(level[::2], level[1::2], strict=True)
            self._levels.append([sha256(b"\x02" + x + y).digest() for x, y in pairs])
            self._padding.append(node(padding, padding))

    @property
    def leaves(self) -> Sequence[bytes]:
        """The leaves without the padding."""
        return self._levels[0]

    @property
    def root(self) -> bytes:
        """The root; of one leaf, the leaf."""
        return self._levels[-1][0]

    @property
    def depth(self) -> int:
        """The length of every path, ⌈log2 leaves⌉."""
        return len(self._levels) - 1

    def node(self, level: int, index: int) -> bytes:
        """Return a node by its level, 0 at the root, and its index there; padding has nodes too."""
        if not (0 <= level <= self.depth and 0 <= index < 1 << level):
            raise IndexError(f"node {index} on level {level} of a tree of depth {self.depth}")
        height = self.depth - level
        nodes = self._levels[height]
        return nodes[index] if index < len(nodes) else self._padding[height]

    def leaf(self, index: int) -> bytes:
        """Return a leaf, of the padding too."""
        return self.node(self.depth, index)

    def path(self, index: int) -> list[bytes]:
        """Return the siblings from leaf `index` up; padding leaves have paths too."""
        if not 0 <= index < 1 << self.depth:
            raise IndexError(f"leaf {index} of a tree of depth {self.depth}")
        return [self.node(self.depth - up, index >> up ^ 1) for up in range(self.depth)]


@dataclass(frozen=True)
class Layout:
    """How a tensor of a type is cut into lines and chunks."""

    type: TensorType

    @property
    def row_bytes(self) -> int:
        """How many bytes a row has."""
        return self.type.row_bytes

    @property
    def group(self) -> int:
        """How many rows a line holds; the last one may hold fewer."""
        return 1 if self.row_bytes >= SHORT_ROW_BYTES else CHUNK_BYTES // self.row_bytes

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return -(-self.type.rows // self.group)

    @property
    def depth(self) -> int:
        """The depth of the lines' tree."""
        return (self.lines - 1).bit_length()

    def line_bytes(self, line: int) -> int:
        """Return how many bytes a line has."""
        return min(self.group, self.type.rows - line * self.group) * self.row_bytes

    def chunks(self, line: int) -> int:
        """Return how many chunks a line has."""
        return -(-self.line_bytes(line) // CHUNK_BYTES)

    def place(self, row: int, col: int) -> tuple[int, int]:
        """Return the line of element [row, col] and its first byte's offset within the line."""
        line, slot = divmod(row, self.group)
        return line, slot * self.row_bytes + col * self.type.dtype.size


class Commitment:
    """A tensor's commitment with the whole tree of its lines, from which openings are cut."""

    def __init__(self, tensor: Constant) -> None:
        """Hash a tensor."""
        self.type = type_of(tensor)
        self.layout = Layout(self.type)
        self.tree = Tree(line_digests(tensor))

    @cached_property
    def digest(self) -> bytes:
        """The tensor's digest."""
        return tensor_digest(self.type, self.tree.root)


def line_bytes(tensor: Constant, line: int) -> bytes:
    """Return the bytes of one line."""
    group = Layout(type_of(tensor)).group
    return to_bytes(tensor, line * group, (line + 1) * group).tobytes()


def chunk_digests(line: bytes) -> list[bytes]:
    """Return the digests of a line's chunks."""
    return [
        chunk_digest(line[start : start + CHUNK_BYTES])
        for start in range(0, len(line), CHUNK_BYTES)
    ]


def line_digests(tensor: Constant) -> list[bytes]:
    """Return the digests of all lines: the leaves of the tensor's tree."""
    layout = Layout(type_of(tensor))
    size = layout.group * layout.row_bytes
    step = layout.group * max(1, _SLICE_BYTES // size)
    digests: list[bytes] = []
    for row in range(0, layout.type.rows, step):
        data = to_bytes(tensor, row, row + step).tobytes()
        lines = (data[at : at + size] for at in range(0, len(data), size))
        if size > CHUNK_BYTES:
            digests += [line_digest(chunk_digests(line)) for line in lines]
        else:  # by far the most lines, so no call that can be spared
            chunks = [sha256(b"\x00" + line).digest() for line in lines]
            digests += [sha256(b"\x01" + chunk).digest() for chunk in chunks]
    return digests
