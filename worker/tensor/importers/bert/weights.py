"""Read an encoder's folder: config.json, model.safetensors and vocab.txt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.extras import need


class Dense(NamedTuple):
    """y = x · wᵀ + b."""

    w: Array
    b: Array


class Norm(NamedTuple):
    """A layer norm's scale and shift."""

    gamma: Array
    beta: Array


@dataclass(frozen=True)
class Layer:
    """One encoder layer."""

    q: Dense
    k: Dense
    v: Dense
    o: Dense
    attention_norm: Norm
    inner: Dense
    outer: Dense
    norm: Norm


@dataclass(frozen=True)
class Encoder:
    """A whole encoder. Sentences are the normalised means of its last layer."""

    words: Array
    positions: Array  # with the embedding of token type 0, the only one used
    norm: Norm
    layers: tuple[Layer, ...]
    heads: int
    epsilon: float

    @property
    def width(self) -> int:
        """How many numbers a token is."""
        return int(self.words.shape[1])


def read(folder: Path) -> Encoder:
    """Return the encoder in `folder`. Raises UsageError when something is missing or of a kind
    that is not supported."""
    tensors_of = need("safetensors.numpy").load_file
    try:
        config = json.loads((folder / "config.json").read_text())
        tensors = tensors_of(folder / "model.safetensors")
        _check(folder, config)
        return _encoder(config, tensors)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: {error}") from error
    except KeyError as error:
        raise UsageError(f"{folder}: {error} is missing") from error


def _check(folder: Path, config: Mapping[str, object]) -> None:
    wanted = {"hidden_act": "gelu", "position_embedding_type": "absolute", "model_type": "bert"}
    for key, value in wanted.items():
        if config.get(key, value) != value:
            raise UsageError(f"{folder}: {key} {config[key]!r} is not supported, only {value!r}")


def _encoder(config: Mapping[str, int], tensors: Mapping[str, Array]) -> Encoder:
    kinds = tensors["embeddings.token_type_embeddings.weight"]
    layers = [_layer(tensors, f"encoder.layer.{i}") for i in range(config["num_hidden_layers"])]
    return Encoder(
        words=tensors["embeddings.word_embeddings.weight"],
        positions=tensors["embeddings.position_embeddings.weight"] + kinds[0],
        norm=_norm(tensors, "embeddings"),
        layers=tuple(layers),
        heads=config["num_attention_heads"],
        epsilon=config["layer_norm_eps"],
    )


def _layer(tensors: Mapping[str, Array], name: str) -> Layer:
    attention = f"{name}.attention"
    return Layer(
        q=_dense(tensors, f"{attention}.self.query"),
        k=_dense(tensors, f"{attention}.self.key"),
        v=_dense(tensors, f"{attention}.self.value"),
        o=_dense(tensors, f"{attention}.output.dense"),
        attention_norm=_norm(tensors, f"{attention}.output"),
        inner=_dense(tensors, f"{name}.intermediate.dense"),
        outer=_dense(tensors, f"{name}.output.dense"),
        norm=_norm(tensors, f"{name}.output"),
    )


def _dense(tensors: Mapping[str, Array], name: str) -> Dense:
    return Dense(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _norm(tensors: Mapping[str, Array], name: str) -> Norm:
    return Norm(tensors[f"{name}.LayerNorm.weight"], tensors[f"{name}.LayerNorm.bias"])
