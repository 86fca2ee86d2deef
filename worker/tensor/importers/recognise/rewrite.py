"""Run every recogniser over a graph."""

from dataclasses import replace

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.importers.recognise.clamps import as_clamped
from worker.tensor.importers.recognise.embeddings import as_embedding
from worker.tensor.importers.recognise.layers import as_layer
from worker.tensor.importers.recognise.norms import as_layer_norm, as_softmax
from worker.tensor.importers.recognise.pointwise import as_pointwise
from worker.tensor.importers.recognise.probes import Recogniser
from worker.tensor.importers.recognise.splits import without_splits
from worker.tensor.importers.region import regions_into, shapes_of


def recognise(graph: Graph) -> Graph:
    """Return `graph` with what importers lower as one node each; its shapes must be fixed."""
    graph = without_splits(graph)
    for recogniser in (as_softmax, as_layer_norm, as_embedding, as_pointwise, as_layer, as_clamped):
        graph = _rewrite(graph, recogniser)
    return graph


def _rewrite(graph: Graph, recogniser: Recogniser) -> Graph:
    """Replace, from the last target back, the largest region into it that `recogniser` knows."""
    shapes = shapes_of(graph)
    for target in reversed(graph.nodes):
        if target not in graph.nodes:
            continue  # a region that was replaced held it
        for region in reversed(regions_into(graph, target)):
            nodes = recogniser(region, shapes)
            if nodes:
                graph = _replaced(graph, target, nodes)
                shapes = shapes_of(graph) if len(nodes) > 1 else shapes
                break
    return graph


def _replaced(graph: Graph, target: Node, new: tuple[Node, ...]) -> Graph:
    added: dict[str, Array] = {}
    for node in new:
        added |= node.attributes.get("constants", {})
    position = graph.nodes.index(target)
    nodes = (*graph.nodes[:position], *new, *graph.nodes[position + 1 :])
    constants = {**graph.constants, **added}
    return replace(graph, nodes=nodes, constants=constants).without_dead_nodes()
