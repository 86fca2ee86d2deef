"""What a GPU computes, and how fast: bit-equal to NumPy, and against torch's own int8 product.

Needs a GPU, Python, torch and NumPy, and nothing else of this project's environment:

    PYTHONPATH=. python3 bench/gpu.py            writes bench/results/gpu.json

Every operator is compared on random and extreme elements, then the committed programs of examples/
(or those given with --programs) on random inputs. MATMUL at 8192³, with bias, requantisation and
clamp to int8, is then measured against `torch._int_mm` alone, which writes int32 sums. Times are
medians on the clock, the device waited for. Ends with 1 when a bit differs.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._results import merge
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.backends.torch import TorchBackend
from worker.tensor.backends.torch_place import place_on
from worker.tensor.build import Builder, Fin
from worker.tensor.cases import case
from worker.tensor.execute import Runner
from worker.tensor.numbers import multiplier
from worker.tensor.program import Opcode, Program
from worker.tensor.selftest import self_test
from worker.tensor.tensors import Array, DType

COMMITTED = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*/*.ptp"))
SIZE = 8192
RUNS = 20
SHARE_TARGET = 0.6


def first_wrong(
    program: Program, inputs: list[Array], numpy: NumpyBackend, gpu: TorchBackend
) -> int | None:
    """Return the first operator whose tensors differ in a bit."""
    everything = range(len(program.ops))
    pairs = zip(
        Runner(program, numpy).run(inputs, everything),
        Runner(program, gpu).run(inputs, everything),
        strict=True,
    )
    for (k, expected), (_, found) in pairs:
        if expected.dtype != found.dtype or not np.array_equal(expected, found):
            return k
    return None


def compare_operators(gpu: TorchBackend, seeds: int) -> dict[str, int]:
    """Return how many cases of each operator differ, for those where any does."""
    wrong: dict[str, int] = {}
    for opcode in Opcode:
        for seed in range(seeds):
            made = case(opcode, seed, extreme=seed % 3 == 0)
            if first_wrong(made.program, made.inputs, NumpyBackend(), gpu) is not None:
                wrong[opcode.name] = wrong.get(opcode.name, 0) + 1
    return wrong


def compare_program(gpu: TorchBackend, path: Path) -> bool:
    """Tell whether all tensors of a program file are equal, on random inputs."""
    program = Program.decode(path.read_bytes())
    draw = np.random.default_rng(0)
    inputs = [
        draw.integers(t.dtype.min, t.dtype.max, (t.rows, t.cols), t.dtype.numpy, endpoint=True)
        for t in program.inputs
    ]
    return first_wrong(program, inputs, NumpyBackend(), gpu) is None


def median_ms(run: Callable[[], object]) -> float:
    """Return the median time of a run in milliseconds."""
    times = []
    for _ in range(RUNS + 3):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times[3:])


def measure_matmul(gpu: TorchBackend) -> dict[str, float]:
    """Return the times of MATMUL at 8192³ and of torch's int8 product alone, and their ratio."""
    draw = np.random.default_rng(0)
    numbers = draw.integers(-128, 128, (2, SIZE, SIZE), np.int8)
    m, s = multiplier(2.0**-14)
    build = Builder()
    x = build.input(DType.I8, SIZE, SIZE)
    w = build.weights(numbers[1], draw.integers(-1000, 1000, SIZE), [m] * SIZE, [s] * SIZE)
    build.output(build.matmul(x, w, Fin(DType.I8)))
    program = build.build()
    left, weights = gpu.load(numbers[0]), gpu.load(program.constants[0])
    right = weights.w.t()
    alone = median_ms(lambda: torch._int_mm(left, right))
    ours = median_ms(lambda: gpu.compute(program.ops[0], [left, weights]))
    operations = 2 * SIZE**3
    return {
        "int_mm_ms": round(alone, 4),
        "matmul_ms": round(ours, 4),
        "int_mm_tops": round(operations / alone / 1e9, 1),
        "matmul_tops": round(operations / ours / 1e9, 1),
        "share": round(alone / ours, 3),
    }


def versions() -> dict[str, Any]:
    """Return what was measured with."""
    return {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def main() -> int:
    """Compare, measure, write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=60, help="cases of each operator")
    parser.add_argument("--programs", type=Path, nargs="*", default=COMMITTED)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: nothing compared, nothing measured")
        return 0
    gpu = TorchBackend(place_on("cuda"))
    started = time.perf_counter()
    reason = self_test(gpu)
    seconds = time.perf_counter() - started
    wrong = compare_operators(gpu, asked.seeds)
    programs = {path.name: compare_program(gpu, path) for path in asked.programs}
    matmul = measure_matmul(gpu)
    result = {
        **versions(),
        "self_test": reason or "passed",
        "self_test_seconds": round(seconds, 2),
        "cases_per_operator": asked.seeds,
        "operators_wrong": wrong,
        "programs_equal": programs,
        "matmul_8192": {**matmul, "target_share": SHARE_TARGET},
    }
    merge("gpu.json", result)
    for key, value in result.items():
        print(f"{key}: {value}")
    return int(bool(reason or wrong or not all(programs.values())))


if __name__ == "__main__":
    sys.exit(main())
