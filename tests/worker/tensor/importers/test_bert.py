"""Encoders from safetensors: a small one made here, since only its mechanics are tested."""

import json

import numpy as np
import pytest

from worker.errors import UsageError
from worker.tensor.build import Keep
from worker.tensor.importers.bert.forward import forward
from worker.tensor.importers.bert.program import quantise
from worker.tensor.importers.bert.weights import read
from worker.tensor.importers.bert.words import Vocabulary
from worker.tensor.importers.judge import cosines
from worker.tensor.importers.pack import pack_encoder

safetensors = pytest.importorskip("safetensors.numpy")

WIDTH, INNER, HEADS, LAYERS = 32, 64, 4, 2
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", ".", ",", "!"]
PIECES += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + ["cat", "##fish", "dog"]


def _tensors():
    rng = np.random.default_rng(3)
    found = {}

    def dense(name, inputs, outputs):
        found[f"{name}.weight"] = rng.normal(0, inputs**-0.5, (outputs, inputs))
        found[f"{name}.bias"] = rng.normal(0, 0.1, outputs)

    def norm(name):
        found[f"{name}.LayerNorm.weight"] = 1 + rng.normal(0, 0.2, WIDTH)
        found[f"{name}.LayerNorm.bias"] = rng.normal(0, 0.1, WIDTH)

    for name, count in (("word", len(PIECES)), ("position", 96), ("token_type", 2)):
        found[f"embeddings.{name}_embeddings.weight"] = rng.normal(0, 1, (count, WIDTH))
    norm("embeddings")
    for layer in range(LAYERS):
        base = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{base}.attention.self.{part}", WIDTH, WIDTH)
        dense(f"{base}.attention.output.dense", WIDTH, WIDTH)
        norm(f"{base}.attention.output")
        dense(f"{base}.intermediate.dense", WIDTH, INNER)
        dense(f"{base}.output.dense", INNER, WIDTH)
        norm(f"{base}.output")
    return {name: value.astype(np.float32) for name, value in found.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder")
    config = {
        "hidden_act": "gelu",
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "layer_norm_eps": 1e-12,
    }
    (path / "config.json").write_text(json.dumps(config))
    (path / "vocab.txt").write_text("\n".join(PIECES))
    safetensors.save_file(_tensors(), path / "model.safetensors")
    return path


def _feeds(count, length, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(4, len(PIECES), (count, length))
    mask = (np.arange(length) < rng.integers(3, length + 1, (count, 1))).astype(np.int64)
    return {"ids": ids * mask, "mask": mask}


@pytest.mark.parametrize("length", [16, 80])
def test_quantise__unseen_ids__is_near_the_float_model(folder, length):
    encoder = read(folder)
    model = quantise(encoder, [_feeds(64, length)], 8, Keep.LAYERS)
    feeds = _feeds(8, length, seed=1)
    real = forward(encoder, feeds["ids"], feeds["mask"])
    near = cosines(real, model.run(feeds)["embeddings"])
    assert near.min() > 0.998


def test_program__ids_under_the_mask__change_nothing(folder):
    model = quantise(read(folder), [_feeds(64, 16)], 8, Keep.OUTPUTS)
    feeds = _feeds(8, 16, seed=1)
    other = {**feeds, "ids": np.where(feeds["mask"], feeds["ids"], 7)}
    results = [model.run(each)["embeddings"] for each in (feeds, other)]
    np.testing.assert_array_equal(*results)


def test_pack_encoder__folder_of_text__says_how_near(folder, tmp_path):
    lines = ["a cat, a dog!", "catfish. dog", "fish", "the cat", "zebra", "dogs and cats."] * 6
    (tmp_path / "text.txt").write_text("\n".join(lines))
    packed = pack_encoder(folder, tmp_path, 4, 12, Keep.LAYERS)
    assert packed.judged == 7
    assert packed.figures["embeddings"]["mean_cosine"] > 0.99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_act": "relu"}, "hidden_act 'relu' is not supported"),
        ({"num_hidden_layers": 3}, "encoder.layer.2"),
        (None, "config.json"),
    ],
)
def test_read__wrong_folder__usage_error(folder, tmp_path, change, words):
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    if change is not None:
        config = json.loads((folder / "config.json").read_text()) | change
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        read(tmp_path)


@pytest.mark.parametrize("bad", ["word", "empty", "shape", "nan"])
def test_quantise__bad_calibration__usage_error(folder, bad):
    encoder, feeds = read(folder), _feeds(8, 16)
    if bad == "word":
        feeds["ids"][3, 0] = len(PIECES)
    elif bad == "empty":
        feeds["mask"][3] = 0
    elif bad == "shape":
        feeds["mask"] = feeds["mask"][:, 1:]
    else:
        encoder.words[feeds["ids"][0, 0]] = np.nan
    with pytest.raises(UsageError):
        quantise(encoder, [feeds], 8, Keep.ALL)


def test_encode__words__are_cut_as_bert_does(folder):
    vocabulary = Vocabulary(folder / "vocab.txt")
    number = {piece: i for i, piece in enumerate(PIECES)}
    pieces = ["[CLS]", "cat", "##fish", ",", "d", "##o", "[UNK]", "e", "!", "[SEP]", "[PAD]"]
    encoded = vocabulary.encode(["Catfish, d\x00o 字 É!"], len(pieces))
    assert encoded["ids"].tolist() == [[number[piece] for piece in pieces]]
    assert encoded["mask"].tolist() == [[1] * 10 + [0]]
    assert vocabulary.encode(["a b c d e f"], 5)["ids"].tolist() == [
        [number[p] for p in ("[CLS]", "a", "b", "c", "[SEP]")]
    ]


def test_vocabulary__special_piece_missing__usage_error(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\ncat")
    with pytest.raises(UsageError, match="CLS"):
        Vocabulary(tmp_path / "vocab.txt")
