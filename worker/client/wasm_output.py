"""Outputs of WebAssembly tasks: a record that settled, and the bundle that it commits to."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from worker.client.output import Claim, Output
from worker.errors import NotFoundError, VerificationError
from worker.protocol.bundle import Bundle
from worker.protocol.merkle import chunk_root
from worker.protocol.results import TaskResult
from worker.storage.fetch import Fetcher
from worker.storage.locators import endpoint_locator
from worker.types import Digest, OperatorId, Timestamp


@dataclass(frozen=True)
class WasmOutput(Output):
    """One task's checked result; its file is a bundle of all outputs."""

    result: TaskResult

    def read(self, name: str) -> bytes:
        """See Output."""
        with self.file.open("rb") as file:
            try:
                return Bundle(file).read(name)
            except KeyError:
                raise NotFoundError(f"task {self.task} put out no {name}") from None

    def _write(self, folder: Path) -> list[Path]:
        with self.file.open("rb") as file:
            return Bundle(file).extract(folder)


class WasmReader:
    """Reads the results of a replicated job; see Reader."""

    def __init__(self, fetcher: Fetcher, keep_until: Timestamp) -> None:
        self._fetcher = fetcher
        self._keep_until = keep_until

    async def read(
        self, claim: Claim, operator: OperatorId, endpoint: str, document: bytes
    ) -> WasmOutput:
        """See Reader."""
        result = TaskResult.decode(document, claim.value)
        path = await self._fetcher.fetch(
            Digest(bytes.fromhex(result.bundle)),
            (endpoint_locator(endpoint),),
            result.output_bytes,
            self._keep_until,
        )
        await asyncio.to_thread(check_bundle, path, result)
        return WasmOutput(claim, operator, path, result)


def check_bundle(path: Path, result: TaskResult) -> None:
    """Raise VerificationError unless the file is the bundle that the record commits to."""
    with path.open("rb") as file:
        root = chunk_root(file)
    if path.stat().st_size != result.output_bytes or root.hex() != result.output_root:
        raise VerificationError("the outputs are not those of the record")
