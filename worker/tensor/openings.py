"""Openings: runs of a tensor's chunks with all that ties them to a root (docs/tensor.md §7, §8)."""

from typing import Protocol

from worker.tensor.commit import CHUNK_BYTES, Commitment, Layout, chunk_digests, line_bytes
from worker.tensor.tensors import Constant, TensorType


class Paths(Protocol):
    """A tree out of which leaves are opened."""

    @property
    def root(self) -> bytes:
        """The root."""

    def leaf(self, index: int) -> bytes:
        """Return a leaf; behind the last one are leaves that should be zero."""

    def path(self, index: int) -> list[bytes]:
        """Return the siblings from leaf `index` up."""


class Held(Protocol):
    """A committed tensor, as far as it is at hand."""

    @property
    def type(self) -> TensorType:
        """Its type and shape."""

    @property
    def tree(self) -> Paths:
        """The tree of its lines."""

    def line(self, number: int) -> bytes:
        """Return the bytes of a line."""


class Whole(Commitment):
    """A committed tensor of which all is at hand."""

    def __init__(self, tensor: Constant) -> None:
        """Hash a tensor."""
        super().__init__(tensor)
        self.tensor = tensor

    def line(self, number: int) -> bytes:
        """See Held."""
        return line_bytes(self.tensor, number)


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
        whole = self._held.line(line)
        data = whole[first * CHUNK_BYTES : last * CHUNK_BYTES]
        digests = chunk_digests(whole)
        others = [*digests[:first], *digests[last:]]
        end = b"" if self._open is not None else self._place
        self._open = line, first * CHUNK_BYTES, first * CHUNK_BYTES + len(data)
        return b"".join([data, *others, *self._held.tree.path(line), end])
