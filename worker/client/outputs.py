"""Fetches what tasks put out, from the workers that were paid for it, and checks all of it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.client.network import Network
from worker.client.view import BatchState, JobView, TaskState
from worker.errors import FetchError, NotFoundError, UsageError, VerificationError
from worker.protocol.bundle import Bundle
from worker.protocol.merkle import chunk_root
from worker.protocol.record import FAILED
from worker.protocol.results import TaskResult
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.storage.http import GuardedHttp
from worker.storage.locators import endpoint_locator, is_plain_http
from worker.types import Digest, OperatorId, TaskIndex, Timestamp

_MAX_RESULT_BYTES = 4096
_AT_ONCE = 8

Progress = Callable[[TaskIndex, int], None]
"""Called with a task and the bytes of its outputs once they are here and checked."""


@dataclass(frozen=True)
class Claim:
    """The value that a task's result must have, and who can show it."""

    task: TaskIndex
    value: bytes
    operators: tuple[OperatorId, ...]


@dataclass(frozen=True)
class Output:
    """One task's checked result. `bundle` is the file that holds all of its outputs."""

    task: TaskIndex
    result: TaskResult
    bundle: Path
    operator: OperatorId

    def read(self, name: str) -> bytes:
        """Return "stdout", "stderr" or a file "out/…". Raises NotFoundError."""
        with self.bundle.open("rb") as file:
            try:
                return Bundle(file).read(name)
            except KeyError:
                raise NotFoundError(f"task {self.task} put out no {name}") from None

    def extract(self, folder: Path) -> list[Path]:
        """Write the outputs to `folder`/task-<number>, in place of what was there."""
        target = folder / f"task-{self.task:05d}"
        part = folder / f".task-{self.task:05d}.part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            with self.bundle.open("rb") as file:
                paths = Bundle(file).extract(part)
            shutil.rmtree(target, ignore_errors=True)
            part.replace(target)
        except OSError as error:
            raise UsageError(f"cannot write to {target}: {error.strerror}") from error
        return [target / path.relative_to(part) for path in paths]


class Outputs:
    """Fetches outputs into a blob store, where they stay for the next time."""

    def __init__(
        self, network: Network, http: GuardedHttp, fetcher: Fetcher, store: BlobStore
    ) -> None:
        self._network = network
        self._http = http
        self._fetcher = fetcher
        self._store = store
        self._endpoints: dict[OperatorId, str] = {}

    async def fetch(
        self, view: JobView, tasks: Sequence[int], progress: Progress = lambda *_: None
    ) -> AsyncIterator[Output]:
        """Yield each task's output as it comes. Raises FetchError when no worker has it,
        VerificationError when all that they have is false, NotFoundError for a task without
        result."""
        claims = [claim_of(view, index) for index in tasks]
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(claim: Claim) -> Output:
            async with places:
                output = await self._one(view, claim)
            progress(claim.task, output.result.output_bytes)
            return output

        running = [asyncio.create_task(one(claim)) for claim in claims]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, view: JobView, claim: Claim) -> Output:
        told: list[str] = []
        is_false = False
        for operator in claim.operators:
            try:
                return await self._from(view, claim, operator)
            except (FetchError, VerificationError) as error:
                is_false |= isinstance(error, VerificationError)
                told.append(f"operator {operator}: {error}")
        text = f"task {claim.task}: " + ("; ".join(told) or "nobody was paid for it")
        raise VerificationError(text) if is_false else FetchError(text)

    async def _from(self, view: JobView, claim: Claim, operator: OperatorId) -> Output:
        endpoint = await self._endpoint(operator)
        url = f"{endpoint}/results/{view.key.hex()}/{claim.task}"
        data = await self._http.get(url, _MAX_RESULT_BYTES)
        result = TaskResult.decode(data, claim.value)
        path = await self._fetcher.fetch(
            Digest(bytes.fromhex(result.bundle)),
            (endpoint_locator(endpoint),),
            result.output_bytes,
            Timestamp(view.terms.expiry),
        )
        await asyncio.to_thread(_check_bundle, path, result)
        return Output(claim.task, result, path, operator)

    async def _endpoint(self, operator: OperatorId) -> str:
        if operator not in self._endpoints:
            profile = await self._network.view("Registry", "profile_of", operator)
            if not is_plain_http(profile[0]):
                raise FetchError("announces no endpoint")
            self._endpoints[operator] = profile[0].rstrip("/")
        return self._endpoints[operator]


def claim_of(view: JobView, index: int) -> Claim:
    """Return what a task's result must be: as settled, or as a single seat revealed it.

    Raises NotFoundError where there is none.
    """
    task = view.task(index)
    if task.state is TaskState.DONE and task.value is not None:
        return Claim(task.index, task.value, task.operators)
    batch = view.batch(index // view.terms.batch_size)
    if view.terms.seats == 1 and batch.state is BatchState.REVEALED:
        operator, values = next(iter(batch.revealed.items()))
        value = values[index % view.terms.batch_size]
        if value != FAILED:
            return Claim(task.index, value, (operator,))
    raise NotFoundError(f"task {index} has no result: it is {task.state}")


def available(view: JobView) -> list[TaskIndex]:
    """Return the tasks whose outputs can be fetched."""
    found = []
    for task in view.tasks:
        try:
            found.append(claim_of(view, task.index).task)
        except NotFoundError:
            continue
    return found


def _check_bundle(path: Path, result: TaskResult) -> None:
    with path.open("rb") as file:
        root = chunk_root(file)
    if path.stat().st_size != result.output_bytes or root.hex() != result.output_root:
        raise VerificationError("the outputs are not those of the record")
