"""Self-attention of one layer, up to the sum with the layer's input."""

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.build import Fin, Value
from worker.tensor.importers.bert.draft import Draft, Hidden
from worker.tensor.importers.bert.statistics import moments
from worker.tensor.importers.bert.weights import Dense, Layer
from worker.tensor.numbers import IDENTITY, multiplier
from worker.tensor.quantise.balance import balance
from worker.tensor.quantise.scale import Scale, symmetric
from worker.tensor.quantise.smoothing import Columns
from worker.tensor.quantise.softmax import (
    FINE_STEP,
    FINE_TOP,
    STEP,
    TOP,
    exp_table,
    exp_tables,
    share,
    to_steps,
)
from worker.tensor.tensors import DType

LONG = 64  # tokens, above which the powers of softmax get 14 bits
_NARROW, _WHOLE = Fin(DType.I8), Fin(DType.I32)
_HEADROOM = 1.15  # of scores
_MASKED = 65_535  # taken off a masked score: more than any two i16 differ by
_STEPS = 127


def attend(draft: Draft, layer: Layer, i: int, x: Hidden, out: Scale) -> Value:
    """Return the attention's output, in the scale of the sum that it goes into."""
    seen = draft.seen
    ints = moments(x.columns.integers(seen.rows(f"{i}.x")))
    scales = balance(seen.rows(f"{i}.q"), seen.rows(f"{i}.k"))
    # A key's bias shifts a whole row of scores, which softmax does not see.
    key = Dense(layer.k.w, -(layer.k.w @ x.columns.centre))
    q = draft.linear(x.narrow, layer.q, x.columns, ints, scales.q, _NARROW)
    k = draft.linear(x.narrow, key, x.columns, ints, scales.k, _NARROW)
    # Shares add up to 1: what all values have in common goes through attention unchanged.
    common = layer.v.b + layer.v.w @ x.columns.centre
    value_rows: Array = seen.rows(f"{i}.v") - common
    v_scale = np.maximum(np.abs(value_rows).max(0).astype(np.float64), 1e-6) / _STEPS
    value = Dense(layer.v.w, -(layer.v.w @ x.columns.centre))
    v = draft.linear(x.narrow, value, x.columns, ints, v_scale, _NARROW)

    steps = _scores(draft, i, q, k, scales.product)
    context_rows: Array = seen.rows(f"{i}.context") - common
    gain = float(_STEPS / (np.abs(context_rows).max(0) / v_scale).max())
    context = _weighted(draft, steps, v, gain)
    columns = Columns(common, v_scale / gain)
    ints = moments(columns.integers(seen.rows(f"{i}.context")))
    return draft.linear(context, layer.o, columns, ints, np.array(out.scale), out.fin())


def _heads(draft: Draft, x: Value, transposed: bool) -> Value:
    """Return rows of (text, head, token), or of (text, head, channel) if transposed."""
    heads, size = draft.encoder.heads, draft.encoder.width // draft.encoder.heads
    dims = [draft.batch, draft.length, heads, size]
    order, cols = ([0, 2, 3, 1], draft.length) if transposed else ([0, 2, 1, 3], size)
    return draft.builder.permute(x, dims, order, x.rows * x.cols // cols, cols)


def _scores(draft: Draft, i: int, q: Value, k: Value, product: float) -> Value:
    """Return each score's distance to its row's largest, in steps of the exponent up to 127."""
    build, heads = draft.builder, draft.encoder.heads
    size = draft.encoder.width // heads
    step = _step(draft)
    reach = _HEADROOM * draft.seen.reach(f"{i}.scores") + 256 * step
    scale = symmetric(DType.I16, reach)
    by = multiplier(product / size**0.5 / scale.scale)
    left, right = (_heads(draft, x, transposed=False) for x in (q, k))
    scores = build.bmm(left, right, draft.batch * heads, by, Fin(DType.I16))
    spread = (0, heads * draft.length)  # a row of the mask serves all rows of its text
    masked = build.add(scores, draft.mask, Fin(DType.I16), mb=_MASKED, c=-_MASKED, divs=spread)
    greatest = build.pick(masked, build.argmax(masked))
    factor, s = to_steps(scale.scale, step)
    return build.add(masked, greatest, Fin(DType.I8, zp=127), ma=factor, mb=-factor, s=s)


def _step(draft: Draft) -> float:
    return STEP if draft.length <= LONG else FINE_STEP


def _weighted(draft: Draft, steps: Value, v: Value, gain: float) -> Value:
    """Return softmax · v times `gain`, in v's integers, as rows of tokens."""
    build, values = draft.builder, _heads(draft, v, transposed=True)
    if draft.length <= LONG:
        sums, products = _products(draft, steps, values, exp_table(STEP))
        by = share(gain, TOP)
    else:
        high, low = (_products(draft, steps, values, t) for t in exp_tables(FINE_STEP))
        sums, products = (build.add(a, b, _WHOLE, ma=128) for a, b in zip(high, low, strict=True))
        by = share(gain, FINE_TOP)
    factors = build.div(draft.one, sums, by.c, by.fin)
    context = build.mul(products, factors, by.by, _NARROW)
    heads, size = draft.encoder.heads, draft.encoder.width // draft.encoder.heads
    dims = [draft.batch, heads, draft.length, size]
    return build.permute(context, dims, [0, 2, 1, 3], v.rows, v.cols)


def _products(draft: Draft, steps: Value, values: Value, table: Array) -> tuple[Value, Value]:
    """Return the sums of powers by row, and powers · values."""
    build = draft.builder
    powers = build.lut(steps, build.constant(table))
    groups = draft.batch * draft.encoder.heads
    return build.row_sum(powers, _WHOLE), build.bmm(powers, values, groups, IDENTITY, _WHOLE)
