"""How fast a whole model runs as an integer program, and what its commitments cost.

The sentence encoder on 32 texts of 64 tokens: the program on each backend against the same network
in torch's float32, alternately in one process, and the time to commit to its tensors over that of
the fastest backend's run. With one thread processor time is compared, with two time on the clock.

    python bench/tensor_model.py           measures, writes model.* of results/tensor.json
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._float_encoder import FloatEncoder
from bench._results import merge
from bench.tensor_speed import IDLE_LOAD, RUNS, child, ratio

RATIO_TARGETS = {"numpy": 0.7, "torch": 1.3}  # the latter where int8 has units of its own
SHARE_TARGETS = {"outputs": 0.01, "layers": 0.06}


def measure(program_file: Path, threads: int) -> dict[str, Any]:
    """Return the figures of this process, which was started with so many threads."""
    import numpy as np
    import torch

    from worker.tensor.backends.numpy import NumpyBackend
    from worker.tensor.backends.torch import TorchBackend
    from worker.tensor.backends.torch_place import place_on
    from worker.tensor.execute import Runner
    from worker.tensor.importers.model import Model

    torch.set_num_threads(threads)
    model = Model.load(program_file)
    feeds = texts(*(port.name for port in model.inputs))
    inputs = [port.encode(feeds[port.name]) for port in model.inputs]
    floats = FloatEncoder(feeds)
    clock = process_time if threads == 1 else perf_counter
    found: dict[str, Any] = {}
    backends: dict[str, Any] = {"numpy": NumpyBackend(), "torch": TorchBackend(place_on("cpu"))}
    for name, backend in backends.items():
        runner = Runner(model.program, backend)
        found[name] = ratio(lambda r=runner: list(r.run(inputs)), floats, clock)
    result = next(iter(model.run(feeds).values()))
    close = (result * floats()).sum(1) / np.linalg.norm(result, axis=1)
    found["cosine_to_float"] = round(float(close.mean()), 5)
    if threads == 1:
        found["commitments"] = shares(model.program, inputs, clock, found)
    return found


def shares(
    program: Any, inputs: Sequence[Any], clock: Callable[[], float], runs: dict[str, Any]
) -> dict[str, float]:
    """Return what committing costs over the faster backend's run, by what is committed to."""
    from worker.tensor.backends.numpy import NumpyBackend
    from worker.tensor.commit import Commitment
    from worker.tensor.execute import Runner
    from worker.tensor.trace import checkpoints

    run_ms = min(runs[name]["ms"] for name in ("numpy", "torch"))
    kept = {
        "outputs": program.outputs,
        "layers": checkpoints(program),
        "everything": list(range(len(program.ops))),
    }
    tensors = dict(Runner(program, NumpyBackend()).run(inputs, kept["everything"]))
    found = {}
    for name, operators in kept.items():
        taken = []
        for _ in range(RUNS):
            started = clock()
            for k in operators:
                Commitment(tensors[k])
            taken.append(clock() - started)
        found[name] = round(1e3 * min(taken) / run_ms, 4)
    return found


def texts(ids: str, mask: str) -> dict[str, Any]:
    """Return 32 held-out texts of 64 tokens as the network reads them."""
    from examples.minilm.data import tokens

    feeds = tokens("judge", 64)
    return {ids: feeds[ids][:32], mask: feeds[mask][:32]}


def pack(target: Path) -> None:
    """Make the program."""
    from examples.minilm.data import MODEL
    from examples.minilm.pack import SHORT
    from examples.minilm.pack import pack as packed
    from worker.tensor.importers.bert.weights import read

    packed(read(MODEL), *SHORT).save(target)


def main() -> None:
    """Measure with one thread and, on an idle machine, with two; compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--program", type=Path, help="a program packed before")
    options = parser.parse_args()
    if options.threads:
        print(json.dumps(measure(options.program, options.threads)))
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        program = options.program or Path(folder) / "minilm.ptp"
        if options.program is None:
            pack(program)
        model = {"one_thread": child(__file__, 1, "--program", str(program))}
        if load <= IDLE_LOAD:
            model["two_threads"] = child(__file__, 2, "--program", str(program))
        else:
            print(f"two threads: skipped, {load:.1f} processes run beside")
    merge("tensor.json", {"model": {"minilm_32x64": model}})
    for name, target in RATIO_TARGETS.items():
        print(f"{name}: {model['one_thread'][name]['ratio']} times float32 torch, target {target}")
    for name, share in model["one_thread"]["commitments"].items():
        print(f"commitments, {name}: {share:.2%} of the run, target {SHARE_TARGETS.get(name)}")


if __name__ == "__main__":
    main()
