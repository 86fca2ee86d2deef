"""The golden vectors of docs/tensor.md: small programs, and all that comes of running them.

Everything is computed by the reference, an element at a time. Bytes are hexadecimal.

    python scripts/golden_tensor.py          writes tests/worker/tensor/golden/
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from worker.tensor.build import Builder, Fin, Value, window  # noqa: E402
from worker.tensor.commit import Commitment  # noqa: E402
from worker.tensor.execute import Runner  # noqa: E402
from worker.tensor.numbers import IDENTITY, Multiplier, multiplier  # noqa: E402
from worker.tensor.reference import ReferenceBackend  # noqa: E402
from worker.tensor.tensors import Array, DType, to_bytes  # noqa: E402
from worker.tensor.trace import run_traced, task_input, trace_segment  # noqa: E402
from worker.tensor.validate import validate  # noqa: E402

FOLDER = ROOT / "tests" / "worker" / "tensor" / "golden"
I8, I16, I32, I64 = DType.I8, DType.I16, DType.I32, DType.I64


def numbers(rows: int, cols: int, lo: int, hi: int, step: int = 7919) -> Array:
    """Return a matrix that looks random: multiples of a prime, folded into [lo, hi]."""
    return (np.arange(1, rows * cols + 1).reshape(rows, cols) * step) % (hi - lo + 1) + lo


def weights(build: Builder, rows: int, cols: int, scale: float) -> Value:
    """Add weights with a multiplier that grows from row to row."""
    by = [multiplier(scale * (row + 1)) for row in range(rows)]
    bias = numbers(1, rows, -5000, 5000)[0]
    return build.weights(
        numbers(rows, cols, -128, 127), bias, [m for m, _ in by], [s for _, s in by]
    )


def mlp(build: Builder) -> None:
    """Two layers with a table between, the answer and its score."""
    x = build.input(I8, 3, 20)
    hidden = build.matmul(x, weights(build, 12, 20, 0.0004), Fin(I8, zp=-3))
    table = build.constant(numbers(1, 256, -128, 127).astype(np.int8))
    build.segment()
    scores = build.matmul(build.lut(hidden, table), weights(build, 5, 12, 0.01), Fin(I16))
    answer = build.argmax(scores)
    build.output(answer)
    build.output(build.pick(scores, answer))


def attention(build: Builder) -> None:
    """Softmax over two heads, as §4 words it."""
    query, key, value = (build.input(I8, 8, width) for width in (16, 16, 4))
    score = build.bmm(query, key, 2, multiplier(0.002), Fin(I16))
    largest = build.pick(score, build.argmax(score))
    below = build.add(score, largest, Fin(I8, zp=127), mb=-1)
    exp = np.round(127 * np.exp(np.arange(-255, 1) / 30)).astype(np.int8)
    weight = build.lut(below, build.constant(exp.reshape(1, 256)))
    build.segment()
    columns = build.permute(value, [2, 4, 4], [0, 2, 1], 8, 4)
    mixed = build.bmm(weight, columns, 2, IDENTITY, Fin(I32))
    one = build.constant(np.array([[1]], np.int32))
    share = build.div(one, build.row_sum(weight, Fin(I32)), 1 << 30, Fin(I32))
    build.output(build.mul(mixed, share, Multiplier(1, 30), Fin(I8)))


def layer_norm(build: Builder) -> None:
    """A sum of two scales, normalised, in two precisions."""
    x, y = build.input(I16, 4, 150), build.input(I8, 1, 150)
    total = build.add(x, y, Fin(I16), ma=3, mb=-200, c=17, s=2)
    normal = build.norm(total, Fin(I16), c=1 << 20)
    build.segment()
    gamma = build.constant(numbers(1, 150, -2000, 2000).astype(np.int16))
    beta = build.constant(numbers(1, 150, -90000, 90000).astype(np.int32))
    build.output(build.scale(normal, gamma, beta, multiplier(0.001), Fin(I16)))
    build.output(build.scale(normal, gamma, beta, multiplier(0.00002), Fin(I8, 5, -100, 100)))


def images(build: Builder) -> None:
    """Two images through both kinds of convolution and of pool."""
    x = build.input(I8, 2 * 7, 6 * 2)
    first = window((7, 6, 2), (3, 2), (2, 1), (1, 1, 1, 0))
    mixed = build.conv(x, weights(build, 3, 12, 0.001), first, Fin(I8), za=-7)
    second = window((4, 6, 3), (3, 3), (1, 1), (1, 1, 1, 1))
    each = build.depthwise(mixed, weights(build, 3, 9, 0.002), second, Fin(I8), za=4)
    build.segment()
    halved = build.max_pool(each, window((4, 6, 3), (2, 3), (2, 2), (0, 1, 0, 0)))
    build.output(halved)
    build.output(
        build.average_pool(halved, window((2, 3, 3), (2, 3)), multiplier(1 / 6), Fin(I16, zp=9))
    )


def statistics(build: Builder) -> None:
    """Sums, squares, roots and quotients of rows."""
    x = build.input(I16, 5, 33)
    mean = build.row_sum(x, Fin(I32), multiplier(1 / 33))
    power = build.row_sum_squares(x, Fin(I64))
    root = build.isqrt(power, Fin(I32))
    build.segment()
    centred = build.add(x, mean, Fin(I32), mb=-1)
    build.output(build.div(centred, root, 1 << 15, Fin(I16)))
    build.output(build.requant(power, Multiplier(1, 31), Fin(I32), c=1 << 20))


def moves(build: Builder) -> None:
    """Operators that compute nothing; i64 rows of the longest size."""
    index, table = build.input(I16, 4, 1), build.input(I64, 3, 2050)
    rows = build.gather(index, table)
    part = build.slice(rows, 1, 2048, 3, 2)
    build.segment()
    wide = build.concat_cols(part, part)
    tall = build.concat_rows(wide, wide)
    build.output(build.pad(tall, 1, 2, 8, 7, c=-(1 << 63)))
    build.output(build.reshape(tall, 2, 12))


PROGRAMS: dict[str, Callable[[Builder], None]] = {
    "mlp": mlp,
    "attention": attention,
    "layer_norm": layer_norm,
    "images": images,
    "statistics": statistics,
    "moves": moves,
}
EDGES = {"moves": {0: np.array([[2], [-1], [1], [3]], np.int16)}}  # indices outside the table


def vector(name: str) -> dict[str, Any]:
    """Return the vector of a program."""
    build = Builder()
    PROGRAMS[name](build)
    program = build.build()
    validate(program)
    inputs = [
        numbers(type.rows, type.cols, max(type.dtype.min, -(1 << 40)), min(type.dtype.max, 1 << 40))
        .astype(type.dtype.numpy)
        for type in program.inputs
    ]  # fmt: skip
    for place, values in EDGES.get(name, {}).items():
        inputs[place] = values
    runner = Runner(program, ReferenceBackend())
    everything = dict(runner.run(inputs, range(len(program.ops))))
    _, trace = run_traced(runner, inputs)
    segments = [trace_segment(runner, inputs, segment) for segment in range(program.segments)]
    return {
        "file": program.encode().hex(),
        "root": program.root.hex(),
        "inputs": [to_bytes(tensor).tobytes().hex() for tensor in inputs],
        "task_input": task_input(inputs).hex(),
        "tensors": [
            {
                "type": str(program.ops[k].output.type),
                "bytes": to_bytes(tensor).tobytes().hex(),
                "digest": Commitment(tensor).digest.hex(),
            }
            for k, tensor in everything.items()
        ],
        "outputs": program.outputs,
        "trace": trace.root.hex(),
        "segment_traces": [segment.root.hex() for segment in segments],
    }


def main() -> None:
    """Write a file for each program."""
    FOLDER.mkdir(exist_ok=True)
    for name in PROGRAMS:
        (FOLDER / f"{name}.json").write_text(json.dumps(vector(name), indent=1) + "\n")


if __name__ == "__main__":
    main()
