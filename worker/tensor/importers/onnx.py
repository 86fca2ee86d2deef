"""ONNX models to tensor programs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Keep, Value
from worker.tensor.importers.calibrate import batches, calibrate
from worker.tensor.importers.commute import pool_first
from worker.tensor.importers.evaluate import check_supported, evaluate
from worker.tensor.importers.fold import fold
from worker.tensor.importers.graph import Graph
from worker.tensor.importers.lower.inputs import declare
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.rules import RULES, check_lowerable
from worker.tensor.importers.model import Model
from worker.tensor.importers.onnx_file import read
from worker.tensor.importers.ports import Port
from worker.tensor.importers.recognise import recognise
from worker.tensor.importers.region import shapes_of
from worker.tensor.validate import validate


@dataclass(frozen=True)
class FloatModel:
    """An ONNX model ready for calibration, for batches of a fixed size.

    A softmax that ends the model is left out: its outputs are logits.
    """

    graph: Graph
    batch: int

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs for one batch."""
        return evaluate(self.graph, feeds)


def load(path: Path, samples: Mapping[str, Array], batch: int) -> FloatModel:
    """Read an ONNX file for batches of `batch` samples, shaped like those given.

    Raises UsageError when the file, an operator or a shape is not supported.
    """
    graph = read(path)
    check_supported(graph)
    graph = recognise(fold(graph, next(batches(samples, batch))))
    graph = _without_last_softmax(graph)
    check_lowerable(graph)
    return FloatModel(graph, batch)


def quantise(model: FloatModel, samples: Mapping[str, Array], keep: Keep) -> Model:
    """Return the integer program of a model, calibrated on `samples`."""
    graph = pool_first(model.graph, samples, model.batch)
    seen = calibrate(graph, samples, model.batch)
    low = Lowering(graph, shapes_of(graph), seen.ranges, seen.moments, RULES)
    inputs = [declare(low, name) for name in graph.inputs]
    ends = [_end(low, name) for name in dict.fromkeys(graph.outputs)]
    for _, value in ends:
        low.builder.output(value)
    outputs = [port for port, value in sorted(ends, key=lambda end: end[1].index)]
    program = low.builder.build(keep)
    validate(program)
    return Model(program, inputs, outputs)


def _end(low: Lowering, name: str) -> tuple[Port, Value]:
    tensor = low.get(name, Form.WIDE)
    port = Port(name, tensor.shape, tensor.order, tensor.value.rows, tensor.scale)
    return port, tensor.value


def _without_last_softmax(graph: Graph) -> Graph:
    """Return the graph with logits in the place of probabilities."""
    producers = graph.producers()
    outputs = []
    for name in graph.outputs:
        if name not in producers:
            raise UsageError(f'output "{name}" does not depend on any input')
        node = producers[name]
        outputs.append(node.inputs[0] if node.op == "Softmax" else name)
    return replace(graph, outputs=tuple(outputs)).without_dead_nodes()
