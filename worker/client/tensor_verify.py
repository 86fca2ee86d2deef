"""Runs tasks of tensor programs again here, and finds where a wrong result begins to be wrong."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.client.output import Claim, Output, claim_of
from worker.client.source import TensorJob
from worker.client.tensor_output import TensorOutput, split_leaves
from worker.client.verify import Verdict
from worker.client.view import JobView
from worker.errors import FetchError, JobError
from worker.executors.tensor import TensorTaskRun
from worker.tensor.commit import Commitment
from worker.tensor.tensors import Array, Weights, from_bytes
from worker.tensor.trace import first_element
from worker.types import JobKey, OperatorId, TaskIndex, Timestamp
from worker.work.peers import PeerClient


@dataclass(frozen=True)
class Difference:
    """Where the run of a network's operator first differs from the one here: in which operator of
    the program, and, if it served that tensor, in which element."""

    by: OperatorId
    operator: int
    opcode: str
    element: tuple[int, int] | None = None
    theirs: int | None = None
    ours: int | None = None

    def __str__(self) -> str:
        where = f"operator {self.by} differs first in step {self.operator} ({self.opcode})"
        if self.element is None:
            return where
        row, col = self.element
        return f"{where}, element [{row}, {col}]: {self.theirs}, here {self.ours}"


@dataclass(frozen=True)
class TensorVerdict(Verdict):
    """A verdict; where it disagrees and the result could be fetched, with the difference."""

    is_final: bool
    difference: Difference | None = None


class Source(Protocol):
    """Who has what operators tell of their results."""

    async def one(self, view: JobView, claim: Claim) -> Output:
        """Return a checked output. Raises FetchError, VerificationError."""
        ...

    async def endpoint(self, operator: OperatorId) -> str:
        """Return where an operator's worker answers. Raises FetchError."""
        ...


class TensorVerifier:
    """Verifies tasks of one provable job."""

    def __init__(self, view: JobView, job: TensorJob, source: Source, peers: PeerClient) -> None:
        self._view = view
        self._job = job
        self._source = source
        self._peers = peers

    async def verify(self, tasks: Sequence[int]) -> AsyncIterator[TensorVerdict]:
        """Yield a verdict on each task, in order.

        Raises NotFoundError for a task without result, FetchError when the inputs are gone,
        ExecutionFailedError when this machine cannot finish a run.
        """
        keep = Timestamp(self._view.terms.expiry)
        for claim in [claim_of(self._view, index) for index in tasks]:
            batch = await self._job.preparer.prepare_batch(self._job.job, claim.task, 1, keep)
            run = batch.tasks[claim.task]
            done = await self._job.executor.run(run)
            if done.trace == claim.value:
                yield TensorVerdict(claim.task, True, claim.is_final)
                continue
            difference = await self._difference(claim, run, split_leaves(done.leaves))
            yield TensorVerdict(claim.task, False, claim.is_final, difference)

    async def _difference(
        self, claim: Claim, run: TensorTaskRun, ours: Sequence[bytes]
    ) -> Difference | None:
        try:
            output = await self._source.one(self._view, claim)
        except (FetchError, JobError):
            return None  # that it differs is known all the same
        assert isinstance(output, TensorOutput)  # noqa: S101 - the job is provable
        pairs = enumerate(zip(ours, output.leaves, strict=True))
        operator = next(k for k, (mine, their) in pairs if mine != their)  # the roots differ
        found = Difference(output.operator, operator, self._job.job.facts.ops[operator].opcode.name)
        theirs = await self._tensor(output, operator)
        if theirs is None:
            return found
        right = self._array(operator, await self._job.executor.tensor(run, operator))
        place = first_element(right, theirs)
        if place is None:
            return found
        return Difference(
            found.by, operator, found.opcode, place, int(theirs[place]), int(right[place])
        )

    async def _tensor(self, output: TensorOutput, operator: int) -> Array | None:
        """Return what the other side committed to for an operator, None if it does not serve it."""
        if operator in output.tensors:
            return output.tensors[operator]
        size = self._job.job.facts.ops[operator].output.type.nbytes
        key, task = JobKey(self._view.key), TaskIndex(output.task)
        try:
            endpoint = await self._source.endpoint(output.operator)
            data = await self._peers.fetch_tensor(endpoint, key, task, operator, size)
        except FetchError:
            return None
        tensor = self._array(operator, data)
        return tensor if Commitment(tensor).digest == output.leaves[operator] else None

    def _array(self, operator: int, data: bytes) -> Array:
        tensor = from_bytes(self._job.job.facts.ops[operator].output.type, data)
        assert not isinstance(tensor, Weights)  # noqa: S101 - no operator writes weights
        return tensor
