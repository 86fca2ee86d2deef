"""The sentence encoder in torch's float32, as fast as torch runs it: what programs are held to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from examples.minilm.data import MODEL
from worker.tensor.importers.bert.weights import Layer, read


class FloatEncoder:
    """Embeds one batch of texts; called, it returns the normalised means."""

    def __init__(self, feeds: Mapping[str, Any]) -> None:
        """Take token ids and mask, a row a text."""
        self._encoder = read(MODEL)
        ids, mask = feeds.values()
        self._ids = torch.tensor(np.asarray(ids, np.int64))
        self._kept = torch.tensor(np.asarray(mask) != 0)
        self._bias = torch.where(self._kept, 0.0, -torch.inf)[:, None, None, :]
        self._layers = [_floats(layer) for layer in self._encoder.layers]
        self._words = torch.tensor(self._encoder.words)
        self._places = torch.tensor(self._encoder.positions[: self._ids.shape[1]])
        self._first = _floats(self._encoder.norm)

    @torch.inference_mode()
    def __call__(self) -> Any:
        x = self._norm(functional.embedding(self._ids, self._words) + self._places, self._first)
        for layer in self._layers:
            x = self._norm(x + self._attend(layer, x), layer.attention_norm)
            inner = functional.gelu(functional.linear(x, *layer.inner))
            x = self._norm(x + functional.linear(inner, *layer.outer), layer.norm)
        kept = self._kept.float()[:, :, None]
        means = (x * kept).sum(1) / kept.sum(1)
        return functional.normalize(means).numpy()

    def _attend(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        texts, tokens, width = x.shape
        shape = (texts, tokens, self._encoder.heads, width // self._encoder.heads)
        q, k, v = (
            functional.linear(x, *dense).view(shape).transpose(1, 2)
            for dense in (layer.q, layer.k, layer.v)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=self._bias)
        return functional.linear(mixed.transpose(1, 2).reshape(x.shape), *layer.o)

    def _norm(self, x: torch.Tensor, norm: Any) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], *norm, self._encoder.epsilon)


def _floats(part: Any) -> Any:
    """Return a layer, or a pair of arrays, as tensors."""
    if isinstance(part, Layer):
        return Layer(**{name: _floats(value) for name, value in vars(part).items()})
    return type(part)(*(torch.tensor(array) for array in part))
