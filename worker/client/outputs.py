"""Fetches what tasks put out, from the workers that showed it, and checks all of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.output import Claim, Output, Reader, claim_of
from worker.client.source import open_tensor_job
from worker.client.tensor_output import TensorReader
from worker.client.view import JobView
from worker.client.wasm_output import WasmReader
from worker.errors import FetchError, VerificationError
from worker.storage.fetch import Fetcher
from worker.storage.http import GuardedHttp
from worker.storage.locators import is_plain_http
from worker.types import OperatorId, TaskIndex, Timestamp

_MAX_RESULT_BYTES = 4096
_AT_ONCE = 8

Progress = Callable[[TaskIndex, int], None]
"""Called with a task and the bytes of its outputs once they are here and checked."""


class Outputs:
    """Fetches outputs into a blob store, where they stay for the next time."""

    def __init__(self, network: Network, http: GuardedHttp, fetcher: Fetcher) -> None:
        self._network = network
        self._http = http
        self._fetcher = fetcher
        self._endpoints: dict[OperatorId, str] = {}

    async def fetch(
        self, view: JobView, tasks: Sequence[int], progress: Progress = lambda *_: None
    ) -> AsyncIterator[Output]:
        """Yield each task's output as it comes. Raises FetchError when no worker has it,
        VerificationError when all that they have is false, NotFoundError for a task without
        result."""
        claims = [claim_of(view, index) for index in tasks]
        places = asyncio.Semaphore(_AT_ONCE)
        reader = await self._reader(view)

        async def one(claim: Claim) -> Output:
            async with places:
                output = await self._one(view, claim, reader)
            progress(claim.task, output.size)
            return output

        running = [asyncio.create_task(one(claim)) for claim in claims]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def one(self, view: JobView, claim: Claim) -> Output:
        """Return one output; errors as in `fetch`."""
        return await self._one(view, claim, await self._reader(view))

    async def _reader(self, view: JobView) -> Reader:
        keep = Timestamp(view.terms.expiry)
        if view.lane is Lane.REPLICATED:
            return WasmReader(self._fetcher, keep)
        async with open_tensor_job(view, self._fetcher) as opened:
            return TensorReader(opened.job.facts, self._fetcher, keep)

    async def _one(self, view: JobView, claim: Claim, reader: Reader) -> Output:
        told: list[str] = []
        is_false = False
        for operator in claim.operators:
            try:
                endpoint = await self.endpoint(operator)
                url = f"{endpoint}/results/{view.key.hex()}/{claim.task}"
                document = await self._http.get(url, _MAX_RESULT_BYTES)
                return await reader.read(claim, operator, endpoint, document)
            except (FetchError, VerificationError) as error:
                is_false |= isinstance(error, VerificationError)
                told.append(f"operator {operator}: {error}")
        text = f"task {claim.task}: " + ("; ".join(told) or "nobody was paid for it")
        if claim.is_final and claim.operators:
            text += "; `job demand` gets it through the chain, for a day after the settlement"
        raise VerificationError(text) if is_false else FetchError(text)

    async def endpoint(self, operator: OperatorId) -> str:
        """Return where an operator's worker answers. Raises FetchError."""
        if operator not in self._endpoints:
            profile = await self._network.view("Registry", "profile_of", operator)
            if not is_plain_http(profile[0]):
                raise FetchError("announces no endpoint")
            self._endpoints[operator] = profile[0].rstrip("/")
        return self._endpoints[operator]
