"""Programs whose trees are deeper than one answer goes, with the honest runs of their jobs."""

from random import Random

import numpy as np

from tests.contracts.court.disputes import Dispute, run
from worker.protocol.demands import Kind, Place
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.commit import Layout, Tree
from worker.tensor.dispute import Job
from worker.tensor.execute import Runner
from worker.tensor.program import DType, Op, Opcode, Program, Ref, Source
from worker.tensor.tensors import TensorType
from worker.tensor.trace import task_input

STEP = 6


def copies(count: int, rows: int, cols: int, segment_length: int) -> Dispute:
    """Return the honest run of a program that copies its input again and again.

    Only the last copy of each segment is a checkpoint.
    """
    type = TensorType(DType.I8, rows, cols)
    ops: list[Op] = []
    for k in range(count):
        was_kept = bool(ops) and ops[-1].is_checkpoint
        source = (Source.CHECKPOINT if was_kept else Source.INNER) if ops else Source.INPUT
        is_last = k == count - 1
        ops.append(
            Op(
                Opcode.SLICE,
                Ref(Source.OUTPUT, k, type),
                Ref(source, max(k - 1, 0), type),
                is_checkpoint=is_last or (k + 1) % segment_length == 0,
                is_output=is_last,
                segment=k // segment_length,
            )
        )
    program = Program([type], [], tuple(ops))
    inputs = [np.random.default_rng(7).integers(-128, 128, (rows, cols), np.int8)]
    tasks = Tree([b"\x07" * 32, task_input(inputs)])
    job = Job(Runner(program, NumpyBackend()), tasks, 1, inputs)
    return Dispute(job, run(program, inputs, {}), count // 2)


def places(program: Program) -> list[Place]:
    """Return every place that an honest seat has."""
    count = len(program.ops)
    found = nodes(Kind.TRACE, 0, count)
    for segment in range(program.segments):
        found += nodes(Kind.SEGMENT, segment, count)
    for k, op in enumerate(program.ops):
        layout = Layout(op.output.type)
        found += nodes(Kind.TENSOR, k, layout.lines)
        found += [Place(Kind.LINE, k, layout.depth, line) for line in range(layout.lines)]
    return found


def nodes(kind: Kind, number: int, leaves: int) -> list[Place]:
    """Return the places of one tree that can be asked for, padding left out."""
    depth = (leaves - 1).bit_length()
    levels = range(0, depth, STEP) if depth else [0]
    return [
        Place(kind, number, level, position)
        for level in levels
        for position in range(-(-leaves >> (depth - level)) or 1)
    ]


def bent(place: Place, rng: Random) -> Place:
    """Return a place that is another, and mostly none at all."""
    field = rng.choice(["kind", "number", "level", "position"])
    value = getattr(place, field)
    others = [value + 1, value + 6, value ^ 1, rng.randrange(300), 1 << rng.randrange(256)]
    other = rng.choice([number for number in others if number != value])
    return place._replace(**{field: other})
