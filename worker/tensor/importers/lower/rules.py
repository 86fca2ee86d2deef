"""Which function lowers which node."""

from collections.abc import Callable

from worker.errors import UsageError
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.importers.lower import (
    attention,
    elementwise,
    inputs,
    layers,
    moves,
    norms,
    pools,
)
from worker.tensor.importers.lower.lowering import Form, Lowering, Rule


def _always(form: Form) -> Callable[[Lowering, Node], set[Form]]:
    return lambda low, node: {form}


_NARROW, _EVEN, _WIDE = _always(Form.NARROW), _always(Form.EVEN), _always(Form.WIDE)
_PASSED = Lowering.wanted_of  # what its readers want of the node, it wants of its input

_RESHAPE = Rule(moves.reshape, _PASSED)
_CLAMP = Rule(moves.clamp, _PASSED)
_SUM = Rule(elementwise.add, _WIDE)

RULES = {
    "Add": _SUM,
    "AveragePool": Rule(pools.average_pool, _WIDE),
    "AxisNorm": Rule(norms.norm, _WIDE, direct=True),
    "Clip": _CLAMP,
    "Concat": Rule(moves.concat, _PASSED),
    "Conv": Rule(layers.conv, _NARROW),
    "Flatten": _RESHAPE,
    "Gather": Rule(inputs.gather, _WIDE),
    "GlobalAveragePool": Rule(pools.global_average, _WIDE),
    "GlobalMaxPool": Rule(pools.global_max, _PASSED),
    "Linear": Rule(layers.linear, _NARROW),
    "MatMul": Rule(attention.product, _EVEN),
    "MaxPool": Rule(pools.max_pool, _PASSED),
    "Mul": Rule(elementwise.multiply, _WIDE),
    "ReduceMean": Rule(norms.mean, _WIDE),
    "Relu": _CLAMP,
    "Rescale": Rule(moves.rescale, _PASSED),
    "Reshape": _RESHAPE,
    "Slice": Rule(moves.part, _PASSED),
    "Softmax": Rule(attention.softmax, _WIDE),
    "Squeeze": _RESHAPE,
    "Sub": _SUM,
    "Table": Rule(elementwise.table, elementwise.table_needs, direct=True),
    "Transpose": Rule(moves.transpose, _PASSED),
    "Unsqueeze": _RESHAPE,
}


def check_lowerable(graph: Graph) -> None:
    """Raise UsageError that names every node which has no integer form."""
    strange = [str(node) for node in graph.nodes if node.op not in RULES]
    if strange:
        raise UsageError(f"operators that have no integer form: {', '.join(strange)}")
