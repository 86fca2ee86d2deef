"""The walk from a float graph to a program: what is needed is made, once, in the type it is needed.

Each tensor may be needed in up to three forms; what makes it says which forms it needs itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from worker.tensor.build import Builder, Value
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.importers.lower.tensor import Shape, Tensor
from worker.tensor.quantise.clip import Function, best_affine, best_symmetric
from worker.tensor.quantise.observe import Moments, Range
from worker.tensor.quantise.scale import Scale, symmetric
from worker.tensor.tensors import DType

HEADROOM = 1.25  # of 16-bit ranges over what calibration saw


class Form(Enum):
    """The forms of a tensor: what products, products of two activations and sums read."""

    NARROW = "i8"
    EVEN = "i8 without zero point"
    WIDE = "i16"


@dataclass(frozen=True)
class Rule:
    """How one kind of node is lowered.

    `needs` tells the forms in which it reads its activations. `direct` makes every form itself;
    else i8 is made of i16 where both are wanted.
    """

    lower: Callable[["Lowering", Node, Form], Tensor]
    needs: Callable[["Lowering", Node], set[Form]]
    direct: bool = False


@dataclass
class Lowering:
    """The state of one import."""

    graph: Graph
    shapes: Mapping[str, Shape]
    ranges: Mapping[str, Range]
    moments: Mapping[str, Moments]
    rules: Mapping[str, Rule]
    builder: Builder = field(default_factory=Builder)
    inputs: dict[str, Tensor] = field(default_factory=dict)
    made: dict[tuple[str, Form], Tensor] = field(default_factory=dict)
    wanted: dict[str, set[Form]] = field(default_factory=dict)
    shared: dict[str, Value] = field(default_factory=dict)  # what several forms are made of

    def __post_init__(self) -> None:
        """Find the forms in which each tensor is wanted, from the outputs back."""
        for name in self.graph.outputs:
            self.wanted.setdefault(name, set()).add(Form.WIDE)
        for node in reversed(self.graph.nodes):
            rule = self.rules[node.op]
            for name in self.activations(node):
                self.wanted.setdefault(name, set()).update(rule.needs(self, node))

    def activations(self, node: Node) -> list[str]:
        """Return the node's inputs that are no constants."""
        return [name for name in node.inputs if name and name not in self.graph.constants]

    def wanted_of(self, node: Node) -> set[Form]:
        """Return the forms wanted of the node's outputs."""
        return set().union(*(self.wanted.get(name, set()) for name in node.outputs))

    def get(self, name: str, form: Form) -> Tensor:
        """Return a tensor in a form, made now unless it was before."""
        wanted = self.wanted.get(name, set())
        if form is Form.NARROW and Form.EVEN in wanted:
            form = Form.EVEN
        if (name, form) not in self.made:
            self.made[name, form] = self._make(name, form)
        return self.made[name, form]

    def _make(self, name: str, form: Form) -> Tensor:
        node = self._producers.get(name)
        is_narrowed = form is not Form.WIDE and Form.WIDE in self.wanted.get(name, set())
        if node is not None and (self.rules[node.op].direct or not is_narrowed):
            return self.rules[node.op].lower(self, node, form)
        if node is None and not is_narrowed:
            return self.inputs[name]
        return self.get(name, Form.WIDE).aligned(self.builder, self.scale(name, form))

    def scale(self, name: str, form: Form) -> Scale:
        """Return what a tensor's integers mean in a form, by calibration."""
        seen = self.ranges[name]
        if form is Form.WIDE:
            return symmetric(DType.I16, seen.amax * HEADROOM)
        if form is Form.EVEN:
            return best_symmetric(seen.sample())
        return best_affine(seen.sample(), self._only_table(name))

    def _only_table(self, name: str) -> Function | None:
        """Return the function that alone reads a tensor, if it is so."""
        readers = self._consumers.get(name, [])
        if len(readers) == 1 and readers[0].op == "Table":
            function: Function = readers[0].attributes["function"]
            return function
        return None

    @cached_property
    def _producers(self) -> dict[str, Node]:
        return self.graph.producers()

    @cached_property
    def _consumers(self) -> dict[str, list[Node]]:
        return self.graph.consumers()
