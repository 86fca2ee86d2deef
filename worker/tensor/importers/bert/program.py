"""A sentence encoder as a tensor program: ids and mask in, embeddings of length 1 out."""

from collections.abc import Mapping, Sequence

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Builder, Fin, Keep, Value
from worker.tensor.importers.bert.attention import attend
from worker.tensor.importers.bert.draft import Draft, Hidden
from worker.tensor.importers.bert.feed_forward import feed
from worker.tensor.importers.bert.statistics import observe
from worker.tensor.importers.bert.weights import Encoder
from worker.tensor.importers.model import Model
from worker.tensor.importers.ports import Port
from worker.tensor.numbers import IDENTITY, multiplier
from worker.tensor.quantise.scale import Scale, symmetric
from worker.tensor.quantise.smoothing import Columns, smooth
from worker.tensor.tensors import DType
from worker.tensor.validate import validate

_HEADROOM = 1.25  # of 16-bit ranges over what calibration saw
_EMBEDDING = Scale(DType.I16, 1 / DType.I16.max)

Feeds = Mapping[str, Array]


def quantise(encoder: Encoder, calibration: Sequence[Feeds], batch: int, keep: Keep) -> Model:
    """Return the program for `batch` texts of the length of the calibration's first batch.

    Calibration feeds are `ids` and `mask`, texts x tokens, of any length that the model takes.
    Raises UsageError when they are not, or when a tensor is not finite.
    """
    for feeds in calibration:
        _check(encoder, feeds)
    length = calibration[0]["ids"].shape[1]
    builder = Builder()
    ids = builder.input(DType.I16, batch * length, 1)
    mask = builder.input(DType.I8, batch, length)
    draft = Draft(encoder, observe(encoder, calibration), builder, batch, length, mask)
    x = _embed(draft, ids)
    for i in range(len(encoder.layers)):
        builder.segment()
        x = _layer(draft, i, x)
    builder.segment()
    result = _pool(draft, x.wide, _wide_scale(draft, len(encoder.layers)))
    builder.output(result)
    program = builder.build(keep)
    validate(program)
    inputs = [
        Port("ids", (batch, length), (0, 1), batch * length, Scale(DType.I16, 1.0)),
        Port("mask", (batch, length), (0, 1), batch, Scale(DType.I8, 1.0)),
    ]
    output = Port("embeddings", (batch, encoder.width), (0, 1), batch, _EMBEDDING)
    return Model(program, inputs, [output])


def _check(encoder: Encoder, feeds: Feeds) -> None:
    ids, mask = feeds["ids"], feeds["mask"]
    if ids.ndim != 2 or mask.shape != ids.shape or ids.shape[1] > len(encoder.positions):
        raise UsageError(f"ids {ids.shape} and mask {mask.shape} must be texts x tokens")
    if ids.min() < 0 or ids.max() >= len(encoder.words) or not mask[:, 0].all():
        raise UsageError("ids must be of the vocabulary, and no text may be empty")
    if len(encoder.words) > DType.I16.max:
        raise UsageError(f"{len(encoder.words)} words are more than 16 bits hold")


def _embed(draft: Draft, ids: Value) -> Hidden:
    """Words, positions and the first layer norm."""
    encoder, build = draft.encoder, draft.builder
    positions = encoder.positions[: draft.length]
    reach = float(np.abs(encoder.words).max() + np.abs(positions).max())
    scale = symmetric(DType.I16, reach)
    words = build.gather(ids, build.constant(scale.quantise(encoder.words)))
    places = build.constant(scale.quantise(positions))
    total = build.add(words, places, Fin(DType.I16))
    return draft.norm(total, encoder.norm, scale, _wide_scale(draft, 0), _columns(draft, 0))


def _layer(draft: Draft, i: int, x: Hidden) -> Hidden:
    """One encoder layer: what x is to this one, the result is to the next."""
    layer, build, seen = draft.encoder.layers[i], draft.builder, draft.seen
    scale = _wide_scale(draft, i)
    total = build.add(x.wide, attend(draft, layer, i, x, scale), Fin(DType.I16))
    reach = seen.reach(f"{i}.middle", f"{i}.outer", f"{i}.sum")
    middle_scale = symmetric(DType.I16, _HEADROOM * reach)
    columns = smooth(seen.rows(f"{i}.middle"), layer.inner.w)
    middle = draft.norm(total, layer.attention_norm, scale, middle_scale, columns)
    fed = feed(draft, layer, i, middle, middle_scale)
    total = build.add(middle.wide, fed, Fin(DType.I16))
    following = _wide_scale(draft, i + 1)
    if i + 1 < len(draft.encoder.layers):
        return draft.norm(total, layer.norm, middle_scale, following, _columns(draft, i + 1))
    wide = draft.scaled(draft.normal(total, middle_scale), layer.norm, following)
    return Hidden(wide, wide, middle.columns)


def _wide_scale(draft: Draft, i: int) -> Scale:
    """Return the i16 scale of layer i's input, in which its sum with attention is made too."""
    is_last = i == len(draft.encoder.layers)
    names = [f"{i}.x"] if is_last else [f"{i}.x", f"{i}.o", f"{i}.middle_sum"]
    return symmetric(DType.I16, _HEADROOM * draft.seen.reach(*names))


def _columns(draft: Draft, i: int) -> Columns:
    layer = draft.encoder.layers[i]
    return smooth(draft.seen.rows(f"{i}.x"), layer.q.w, layer.k.w, layer.v.w)


def _pool(draft: Draft, x: Value, scale: Scale) -> Value:
    """The sum over real tokens, brought to length 1."""
    build, width = draft.builder, draft.encoder.width
    tokens = build.reshape(draft.mask, draft.batch * draft.length, 1)
    kept = build.mul(x, tokens, IDENTITY, Fin(DType.I16))
    dims = [draft.batch, draft.length, width]
    channels = build.permute(kept, dims, [0, 2, 1], draft.batch * width, draft.length)
    total = symmetric(DType.I16, _HEADROOM * draft.seen.reach("sums"))
    sums = build.row_sum(channels, total.fin(), multiplier(scale.scale / total.scale))
    vectors = build.reshape(sums, draft.batch, width)
    squares = build.row_sum_squares(vectors, Fin(DType.I64))
    lengths = build.isqrt(squares, Fin(DType.I32))
    return build.div(vectors, lengths, DType.I16.max, Fin(DType.I16))
