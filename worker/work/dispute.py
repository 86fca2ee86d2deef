"""What was told of a run, on the chain or by a worker, and what answers a demand (tensor.md §5)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from worker.errors import InvalidBlobError
from worker.executors.tensor import ProgramFacts, TensorExecutor, TensorTaskRun, read_inputs
from worker.protocol.demands import Kind, Place
from worker.protocol.tensor_job import decode_tensor_task
from worker.storage.demands import Demanded
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.commit import Tree
from worker.tensor.dispute import Job, SaidTensor, SaidTrace, Statement, ToldTensor, ToldTrace
from worker.tensor.execute import Runner
from worker.tensor.openings import Whole
from worker.tensor.program import Program
from worker.tensor.tensors import from_bytes
from worker.tensor.told import Position, descend
from worker.tensor.trace import Trace, run_traced
from worker.types import TaskIndex
from worker.work.prepare_tensor import PreparedTensorBatch

_NODE = 32


def told_on_chain(demands: Iterable[Demanded]) -> Statement:
    """Return what a seat answered to demands about one task; the contract has checked it."""
    trace = ToldTrace()
    inner: dict[int, ToldTrace] = {}
    tensors: dict[int, ToldTensor] = {}
    for demanded in demands:
        if demanded.data is None:
            continue
        kind, number, level, position = demanded.demand.place
        if kind is Kind.LINE:
            tensors.setdefault(number, ToldTensor()).lines[position] = demanded.data
            continue
        if kind is Kind.TENSOR:
            tree = tensors.setdefault(number, ToldTensor()).tree
        else:
            tree = (trace if kind is Kind.TRACE else inner.setdefault(number, ToldTrace())).tree
        tree.tell(level, position, split_nodes(demanded.data))
    return Statement(trace, inner, tensors)


def with_served(
    told: Statement, trace: Trace | None, tensors: Mapping[int, SaidTensor]
) -> Statement:
    """Return a statement with what the worker itself served; that is whole, so it comes first."""
    said: SaidTrace = told.trace if trace is None else trace
    return Statement(said, told.inner, {**told.tensors, **tensors})


def read_trace(leaves: Sequence[bytes], root: bytes) -> Trace:
    """Return a served trace. Raises InvalidBlobError unless it is what `root` commits to."""
    trace = Trace(leaves)
    if trace.root != root:
        raise InvalidBlobError("trace: not what was opened")
    return trace


def read_tensor(program: Program, operator: int, data: bytes, digest: bytes) -> Whole:
    """Return a served tensor. Raises InvalidBlobError unless it is what `digest` commits to."""
    try:
        tensor = from_bytes(program.ops[operator].output.type, data)
    except ValueError as error:
        raise InvalidBlobError(f"tensor {operator}: {error}") from error
    whole = Whole(tensor)
    if whole.digest != digest:
        raise InvalidBlobError(f"tensor {operator}: not what was committed to")
    return whole


async def answer(
    executor: TensorExecutor, task: TensorTaskRun, facts: ProgramFacts, place: Place
) -> bytes:
    """Return what answers a demand for a place of a task, computed here again.

    Raises ExecutionFailedError.
    """
    kind, number, level, position = place
    at = Position(level, position)
    if kind is Kind.TRACE:
        run = await executor.run(task)
        return b"".join(descend(Tree(split_nodes(run.leaves)), at))
    if kind is Kind.SEGMENT:
        leaves = await executor.segment(task, number)
        return b"".join(descend(Tree(split_nodes(leaves)), at))
    data = await executor.tensor(task, number)
    whole = await asyncio.to_thread(Whole, from_bytes(facts.ops[number].output.type, data))
    return whole.line(position) if kind is Kind.LINE else b"".join(descend(whole.tree, at))


def open_dispute(batch: PreparedTensorBatch, task: TaskIndex) -> tuple[Job, Trace]:
    """Return what a dispute about a task starts from, and the trace of a fresh run on NumPy.

    Takes as long as a run. Raises InvalidBlobError when a file has changed.
    """
    run = batch.tasks[task]
    program = Program.decode(run.program.read_bytes())
    runner = Runner(program, NumpyBackend())
    inputs = read_inputs(program.inputs, run.inputs)
    digests = [decode_tensor_task(row, index).digest for index, row in enumerate(batch.job.rows)]
    tasks = Tree([bytes.fromhex(digest) for digest in digests])
    _, trace = run_traced(runner, inputs)
    return Job(runner, tasks, task, inputs), trace


def split_nodes(data: bytes) -> list[bytes]:
    """Return the digests that stand one after the other in `data`."""
    return [data[start : start + _NODE] for start in range(0, len(data), _NODE)]
