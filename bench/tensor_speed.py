"""How fast the backends multiply: exact int8 with all that ends the operator, against float32.

A ratio is the time of a plain float32 product of the same shape over the operator's, both measured
alternately in one process: 1 is as fast as float32. Float32 needs no requantisation and is the best
that the machine's BLAS offers. With one thread processor time is compared, which other processes
disturb least; with two, time on the clock, and only while the machine is otherwise idle.

    python bench/tensor_speed.py           measures, writes speed.* of results/tensor.json
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._results import merge

SHAPES = [(1024, 4096, 4096), (2048, 384, 1536), (2048, 1536, 384)]
TARGETS = {"numpy": 0.75, "torch": 3.0}  # of the first shape, one thread
RUNS = 7
IDLE_LOAD = 0.5  # processes that may run beside a measurement of two threads


def measure(threads: int) -> dict[str, Any]:
    """Return the ratios of this process, which was started with so many threads."""
    clock = time.process_time if threads == 1 else time.perf_counter
    found: dict[str, Any] = {}
    for shape in SHAPES:
        name = "x".join(map(str, shape))
        found.setdefault("numpy", {})[name] = ratio(*numpy_pair(*shape), clock)
        if find_spec("torch") is not None:
            found.setdefault("torch", {})[name] = ratio(*torch_pair(*shape, threads), clock)
    return found


def ratio(
    ours: Callable[[], object], floats: Callable[[], object], clock: Callable[[], float]
) -> dict[str, float]:
    """Return the best times of alternating runs, in milliseconds, and their ratio."""
    times: dict[Callable[[], object], list[float]] = {ours: [], floats: []}
    for _ in range(RUNS + 1):  # the first warms up
        for run, taken in times.items():
            started = clock()
            run()
            taken.append(clock() - started)
    best_ours, best_floats = (min(taken[1:]) for taken in times.values())
    return {
        "ms": round(1e3 * best_ours, 2),
        "float32_ms": round(1e3 * best_floats, 2),
        "ratio": round(best_floats / best_ours, 3),
    }


def program_of(rows: int, inner: int, cols: int) -> tuple[Any, Any]:
    """Return a MATMUL to int8 with weights as quantisation gives them, and an input."""
    import numpy as np

    from worker.tensor.build import Builder, Fin
    from worker.tensor.numbers import multiplier
    from worker.tensor.tensors import DType

    draw = np.random.default_rng(0)
    weights = draw.normal(size=(cols, inner))
    weights = np.round(weights * 127 / np.abs(weights).max(1, keepdims=True))
    m, s = multiplier(32 / (74 * weights.std() * inner**0.5))  # sums to a quarter of int8
    build = Builder()
    x = build.input(DType.I8, rows, inner)
    w = build.weights(weights, draw.integers(-1000, 1000, cols), [m] * cols, [s] * cols)
    build.output(build.matmul(x, w, Fin(DType.I8)))
    return build.build(), draw.integers(-128, 128, (rows, inner)).astype(np.int8)


def numpy_pair(*shape: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the operator, and the float32 product."""
    import numpy as np

    from worker.tensor.backends.numpy import NumpyBackend

    program, x = program_of(*shape)
    backend = NumpyBackend()
    weights, op = backend.load(program.constants[0]), program.ops[0]
    left, right = x.astype(np.float32), program.constants[0].w.astype(np.float32)
    return lambda: backend.compute(op, [x, weights]), lambda: left @ right.T


def torch_pair(
    rows: int, inner: int, cols: int, threads: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the operator, and the float32 product, on the CPU."""
    import torch

    from worker.tensor.backends.torch import TorchBackend
    from worker.tensor.backends.torch_place import place_on

    torch.set_num_threads(threads)
    program, array = program_of(rows, inner, cols)
    backend = TorchBackend(place_on("cpu"))
    x, weights, op = backend.load(array), backend.load(program.constants[0]), program.ops[0]
    left, right = x.float(), weights.w.float()
    return lambda: backend.compute(op, [x, weights]), lambda: left @ right.t()


def child(file: str, threads: int, *options: str) -> dict[str, Any]:
    """Measure in a process of its own, since BLAS reads its number of threads at the start."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    command = [sys.executable, file, "--threads", str(threads), *options]
    output = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def has_vnni() -> bool:
    """Tell whether the processor multiplies int8 natively."""
    return "vnni" in Path("/proc/cpuinfo").read_text()


def main() -> None:
    """Measure with one thread and, on an idle machine, with two; compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int)
    threads = parser.parse_args().threads
    if threads:
        print(json.dumps(measure(threads)))
        return
    load = os.getloadavg()[0]
    speed: dict[str, Any] = {"one_thread": child(__file__, 1), "vnni": has_vnni()}
    if load <= IDLE_LOAD:
        speed["two_threads"] = child(__file__, 2)
    else:
        print(f"two threads: skipped, {load:.1f} processes run beside")
    speed["machine"] = platform.processor() or platform.machine()
    merge("tensor.json", {"speed": speed})
    for backend, target in TARGETS.items():
        found = speed["one_thread"].get(backend)
        if found is None or (backend == "torch" and not speed["vnni"]):
            why = "is not installed" if found is None else "no VNNI here, no target"
            print(f"{backend}: {why}")
            continue
        reached = found["x".join(map(str, SHAPES[0]))]["ratio"]
        print(f"{backend}: {reached} times float32, target {target}")


if __name__ == "__main__":
    main()
