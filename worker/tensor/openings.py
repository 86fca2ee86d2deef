"""Openings: runs of a tensor's chunks with all that ties them to a root (docs/tensor.md §7, §8)."""

from collections.abc import Sequence
from typing import Protocol

from worker.tensor.commit import (
    CHUNK_BYTES,
    Commitment,
    Layout,
    Tree,
    chunk_digests,
    line_bytes,
)
from worker.tensor.tensors import Constant, TensorType


class Held(Protocol):
    """A committed tensor, as far as it is at hand."""

    type: TensorType
    tree: Tree
    """The tree of its lines; behind them it may have leaves that should be zero."""

    def digests(self, line: int) -> Sequence[bytes]:
        """Return the digests of a line's chunks."""

    def chunks(self, line: int, first: int, last: int) -> bytes:
        """Return the bytes of the chunks from first to before last."""


class Whole(Commitment):
    """A committed tensor of which all is at hand."""

    def __init__(self, tensor: Constant) -> None:
        """Hash a tensor."""
        super().__init__(tensor)
        self.tensor = tensor

    def digests(self, line: int) -> Sequence[bytes]:
        """See Held."""
        return chunk_digests(line_bytes(self.tensor, line))

    def chunks(self, line: int, first: int, last: int) -> bytes:
        """See Held."""
        return line_bytes(self.tensor, line)[first * CHUNK_BYTES : last * CHUNK_BYTES]


class Opening:
    """The openings of one tensor in a proof, one after the other."""

    def __init__(self, held: Held, place: bytes) -> None:
        """Begin; `place` ties the tensor's digest to a root and follows the first opening."""
        self._held = held
        self._place = place
        self._layout = Layout(held.type)
        self._open: tuple[int, int, int] | None = None  # line, and its bytes that lie open

    def reach(self, row: int, start: int, stop: int) -> bytes:
        """Return what opens the row's bytes from start to before stop; b"" if they lie open."""
        line, place = self._layout.place(row, 0)
        start, stop = place + start, place + stop
        if self._open is not None:
            opened, low, high = self._open
            if opened == line and low <= start and stop <= high:
                return b""
        first, last = start // CHUNK_BYTES, -(-stop // CHUNK_BYTES)
        data = self._held.chunks(line, first, last)
        digests = self._held.digests(line)
        others = [*digests[:first], *digests[last:]]
        end = b"" if self._open is not None else self._place
        self._open = line, first * CHUNK_BYTES, first * CHUNK_BYTES + len(data)
        return b"".join([data, *others, *self._held.tree.path(line), end])
