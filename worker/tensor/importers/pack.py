"""From a model's file and a folder of data to a program, and how near it is to the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Keep
from worker.tensor.importers import onnx, onnx_file, samples
from worker.tensor.importers.bert import program, weights, words
from worker.tensor.importers.bert.forward import forward
from worker.tensor.importers.calibrate import batches
from worker.tensor.importers.judge import Run, agreement, cosines, outputs, relative_error
from worker.tensor.importers.model import Model


@dataclass(frozen=True)
class Packed:
    """A program with what was measured on samples that did not calibrate it."""

    model: Model
    judged: int
    figures: dict[str, dict[str, float]]  # by output


def pack_onnx(file: Path, data: Path, batch: int, keep: Keep) -> Packed:
    """Pack an ONNX model, calibrated on .npy or .npz files. Raises UsageError."""
    given = samples.arrays(data)
    if "" in given:
        given = {_only_input(file): given.pop("")} if len(given) == 1 else given
    calibration, held_back = samples.split(given)
    floats = onnx.load(file, calibration, batch)
    model = onnx.quantise(floats, calibration, keep)
    return _judged(model, floats.run, held_back, batch)


def pack_encoder(folder: Path, data: Path, batch: int, length: int, keep: Keep) -> Packed:
    """Pack a BERT-style encoder, calibrated on .txt files. Raises UsageError."""
    encoder = weights.read(folder)
    vocabulary = words.Vocabulary(folder / "vocab.txt")
    tokens = vocabulary.encode(samples.lines(data), length)
    calibration, held_back = samples.split(tokens)
    model = program.quantise(encoder, list(batches(calibration, batch)), batch, keep)

    def run(feeds: Mapping[str, Array]) -> dict[str, Array]:
        return {"embeddings": forward(encoder, feeds["ids"], feeds["mask"])}

    return _judged(model, run, held_back, batch)


def _only_input(file: Path) -> str:
    names = list(onnx_file.read(file).inputs)
    if len(names) > 1:
        raise UsageError(f"{file} has the inputs {names}: give .npz files that name them")
    return names[0]


def _judged(model: Model, floats: Run, held_back: Mapping[str, Array], batch: int) -> Packed:
    real, integer = (outputs(run, held_back, batch) for run in (floats, model.run))
    figures = {name: _figures(real[name], integer[name]) for name in real}
    return Packed(model, len(next(iter(held_back.values()))), figures)


def _figures(real: Array, integer: Array) -> dict[str, float]:
    near = cosines(real, integer)
    return {
        "same_largest": agreement(real, integer),
        "mean_cosine": round(float(near.mean()), 5),
        "least_cosine": round(float(near.min()), 5),
        "relative_error": round(relative_error(real, integer), 5),
    }
