"""The float encoder, and what calibration sees of it."""

from collections.abc import Callable

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.bert.weights import Dense, Encoder, Layer, Norm
from worker.tensor.importers.floats.elementwise import gelu
from worker.tensor.importers.floats.rows import normalise, softmax

_MASKED = np.float32(-1e9)

Observer = Callable[[str, Array], None]
"""Is shown tensors by name, such as "3.q"; all but scores are real tokens' rows."""


def forward(
    encoder: Encoder, ids: Array, mask: Array, observe: Observer = lambda name, x: None
) -> Array:
    """Return each text's embedding, of length 1. `mask` is 1 for tokens and 0 for padding."""
    real = mask.astype(bool)

    def seen(name: str, x: Array) -> Array:
        observe(name, x[real])
        return x

    x = encoder.words[ids] + encoder.positions[: ids.shape[1]]
    x = seen("0.x", _norm(encoder, seen("embedded", x), encoder.norm))
    for i, layer in enumerate(encoder.layers):
        x = _layer(encoder, layer, i, x, real, seen, observe)
    sums = np.where(real[..., None], x, 0).sum(1)
    observe("sums", sums)
    result: Array = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return result


def _layer(
    encoder: Encoder,
    layer: Layer,
    i: int,
    x: Array,
    real: Array,
    seen: Callable[[str, Array], Array],
    observe: Observer,
) -> Array:
    q, k, v = (
        seen(f"{i}.{name}", apply(dense, x))
        for name, dense in (
            ("q", layer.q),
            ("k", Dense(layer.k.w, np.zeros_like(layer.k.b))),
            ("v", layer.v),
        )
    )
    context = seen(f"{i}.context", _attention(encoder, i, q, k, v, real, observe))
    attended = seen(f"{i}.o", apply(layer.o, context))
    middle = _norm(encoder, seen(f"{i}.middle_sum", x + attended), layer.attention_norm)
    inner = seen(f"{i}.inner", apply(layer.inner, seen(f"{i}.middle", middle)))
    outer = seen(f"{i}.outer", apply(layer.outer, gelu(inner)))
    return seen(f"{i + 1}.x", _norm(encoder, seen(f"{i}.sum", middle + outer), layer.norm))


def _attention(
    encoder: Encoder, i: int, q: Array, k: Array, v: Array, real: Array, observe: Observer
) -> Array:
    batch, length, width = q.shape
    q, k, v = (x.reshape(batch, length, encoder.heads, -1).transpose(0, 2, 1, 3) for x in (q, k, v))
    scores = q @ k.transpose(0, 1, 3, 2) / np.float32(q.shape[-1] ** 0.5)
    kept = np.where(real[:, None, None, :], scores, _MASKED)
    both = np.broadcast_to(real[:, None, :, None] & real[:, None, None, :], scores.shape)
    observe(f"{i}.scores", scores[both])
    context: Array = softmax(kept) @ v
    return context.transpose(0, 2, 1, 3).reshape(batch, length, width)


def apply(dense: Dense, x: Array) -> Array:
    """Return x · wᵀ + b."""
    result: Array = x @ dense.w.T + dense.b
    return result


def _norm(encoder: Encoder, x: Array, norm: Norm) -> Array:
    return normalise(x, (x.ndim - 1,), encoder.epsilon) * norm.gamma + norm.beta
