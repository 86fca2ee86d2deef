"""The feed-forward part of one layer, up to the sum with its input."""

from functools import reduce

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.build import Value
from worker.tensor.importers.bert.draft import Draft, Hidden
from worker.tensor.importers.bert.statistics import moments
from worker.tensor.importers.bert.weights import Dense, Layer
from worker.tensor.importers.floats.elementwise import gelu
from worker.tensor.quantise.groups import grouped
from worker.tensor.quantise.observe import Moments
from worker.tensor.quantise.scale import Scale, affine
from worker.tensor.quantise.smoothing import Columns
from worker.tensor.quantise.tables import table
from worker.tensor.tensors import DType

_GROUPS = 4  # of neurons, each with a scale and a table of its own
_FLAT = -3.3  # below it GELU is nearly 0
_GELU_LOW = -0.17  # GELU's least value


def feed(draft: Draft, layer: Layer, i: int, x: Hidden, out: Scale) -> Value:
    """Return the output, in the scale of the sum that it goes into."""
    inner = draft.seen.rows(f"{i}.inner")
    low, high = np.maximum(inner.min(0), _FLAT), inner.max(0)
    groups = grouped(np.maximum(high, -low), _GROUPS)
    ints = moments(x.columns.integers(draft.seen.rows(f"{i}.middle")))
    parts = [_neurons(draft, layer, x, ints, inner[:, group], group) for group in groups]
    joined = reduce(draft.builder.concat_cols, (value for value, _ in parts))
    order = np.concatenate(groups)
    units = [np.full(len(g), scale.scale) for g, (_, scale) in zip(groups, parts, strict=True)]
    centres = [-scale.zero * scale.scale for _, scale in parts]
    spread = [np.full(len(g), c) for g, c in zip(groups, centres, strict=True)]
    columns = Columns(np.concatenate(spread), np.concatenate(units))
    outer = Dense(layer.outer.w[:, order], layer.outer.b)
    after = moments(columns.integers(gelu(inner[:, order])))
    return draft.linear(joined, outer, columns, after, np.array(out.scale), out.fin())


def _neurons(
    draft: Draft, layer: Layer, x: Hidden, ints: Moments, values: Array, group: Array
) -> tuple[Value, Scale]:
    """Return GELU of some neurons, and its scale."""
    before = affine(DType.I8, max(float(values.min()), _FLAT), float(values.max()))
    after = affine(DType.I8, _GELU_LOW, float(values.max()))
    dense = Dense(layer.inner.w[group], layer.inner.b[group])
    scale = np.array(before.scale)
    sums = draft.linear(x.narrow, dense, x.columns, ints, scale, before.fin())
    entries = draft.builder.constant(table(gelu, before, after))
    return draft.builder.lut(sums, entries), after
