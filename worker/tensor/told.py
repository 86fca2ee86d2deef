"""Trees of which somebody told a part, beside the whole one of a run here (docs/tensor.md §5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.tensor.commit import Tree, node

STEP = 6
"""How many levels one answer to a demand goes down."""


@dataclass(frozen=True)
class Position:
    """A node of a tree: its level, 0 at the root, and its index within the level."""

    level: int
    index: int


class Nodes(Protocol):
    """A tree as far as it was told. A node is told together with all above it."""

    def node(self, level: int, index: int) -> bytes | None:
        """Return the node at a place; None if it was not told."""


class ToldTree:
    """A tree that is told from the root down, some levels at once."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._nodes: dict[Position, bytes] = {}

    def tell(self, level: int, index: int, nodes: Sequence[bytes]) -> None:
        """Take all nodes of one level below the node at a place, from the left.

        Raises ValueError unless their number is a power of two.
        """
        count = len(nodes)
        if count < 1 or count & count - 1:
            raise ValueError(f"{count} nodes are no level of a tree")
        level += count.bit_length() - 1
        first = index * count
        while True:
            self._nodes.update({Position(level, first + k): told for k, told in enumerate(nodes)})
            if len(nodes) == 1:
                return
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [node(left, right) for left, right in pairs]
            level, first = level - 1, first // 2

    def node(self, level: int, index: int) -> bytes | None:
        """See Nodes."""
        return self._nodes.get(Position(level, index))


class Grafted:
    """Somebody's tree: what was told, and below equal nodes the own tree's.

    Paths are right for leaves before the first difference, and for its own where it is a leaf.
    """

    def __init__(self, own: Tree, told: Nodes) -> None:
        """Join two trees of the same shape."""
        self._own = own
        self._told = told
        self.depth = own.depth

    @property
    def root(self) -> bytes:
        """The root as it was told."""
        return self.node(0, 0)

    def node(self, level: int, index: int) -> bytes:
        """Return the node at a position."""
        return self._told.node(level, index) or self._own.node(level, index)

    def leaf(self, index: int) -> bytes:
        """Return a leaf."""
        return self.node(self.depth, index)

    def path(self, index: int) -> list[bytes]:
        """Return the siblings from leaf `index` up."""
        return self.path_of(Position(self.depth, index))

    def path_of(self, position: Position) -> list[bytes]:
        """Return the siblings from the node at a place up."""
        levels = range(position.level)
        return [self.node(position.level - up, position.index >> up ^ 1) for up in levels]

    def first_difference(self) -> Position | None:
        """Return the deepest node that is known to be above, or to be, the first leaf that differs.

        None if the roots are equal. A root that was not told is taken to differ.
        """
        if self._told.node(0, 0) == self._own.root:
            return None
        position = Position(0, 0)
        while position.level < self.depth:
            left = Position(position.level + 1, 2 * position.index)
            told = self._told.node(left.level, left.index)
            if told is None:
                return position
            is_left = told != self._own.node(left.level, left.index)
            position = left if is_left else Position(left.level, left.index + 1)
        return position

    def is_leaf(self, position: Position) -> bool:
        """Whether it is a leaf, and told: nothing is left to ask below."""
        return (
            position.level == self.depth
            and self._told.node(position.level, position.index) is not None
        )

    def first_leaf(self, position: Position) -> int:
        """Return the first leaf below a node."""
        return position.index << self.depth - position.level


def descend(tree: Tree, position: Position) -> list[bytes]:
    """Return what answers a demand for a node: all nodes STEP levels below, or the leaves."""
    down = min(STEP, tree.depth - position.level)
    first, level = position.index << down, position.level + down
    return [tree.node(level, first + k) for k in range(1 << down)]
