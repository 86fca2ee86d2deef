"""A float model as a graph: named tensors and the nodes between them, in an order that runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from worker.tensor.arrays import Array


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of the float model; `inputs` holds "" where an optional one is left out."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.op} "{self.name or self.outputs[0]}"'


@dataclass(frozen=True)
class Graph:
    """A whole model. `inputs` maps names to shapes; None is an extent that the caller chooses."""

    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]

    def producers(self) -> dict[str, Node]:
        """Return which node makes each tensor."""
        return {name: node for node in self.nodes for name in node.outputs}

    def consumers(self) -> dict[str, list[Node]]:
        """Return which nodes read each tensor."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
        return readers

    def without_dead_nodes(self) -> "Graph":
        """Return the same model without nodes and constants that no output needs."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(node.inputs)
        constants = {name: value for name, value in self.constants.items() if name in needed}
        return replace(self, nodes=tuple(reversed(kept)), constants=constants)
