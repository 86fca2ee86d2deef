"""Outputs of tensor programs: a sealed trace, and the tensors that its leaves commit to."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.client.output import Claim, Output
from worker.errors import InvalidManifestError, VerificationError
from worker.executors.tensor import ProgramFacts
from worker.protocol.tensor_job import TensorResult
from worker.storage.fetch import Fetcher
from worker.storage.locators import endpoint_locator
from worker.tensor.commit import Commitment
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Weights, from_bytes
from worker.tensor.trace import Trace
from worker.types import Digest, OperatorId, Timestamp

_LEAF = 32


@dataclass(frozen=True)
class TensorOutput(Output):
    """One task's checked result: its output tensors, by operator, and its trace's leaves, none
    where the outputs were demanded."""

    leaves: tuple[bytes, ...]
    tensors: dict[int, Array]

    def _write(self, folder: Path) -> list[Path]:
        """Write output-0.npy and so on, in the program's order; integers of the machine's own."""
        folder.mkdir(parents=True)
        paths = [folder / f"output-{place}.npy" for place in range(len(self.tensors))]
        for path, tensor in zip(paths, self.tensors.values(), strict=True):
            np.save(path, tensor)
        return paths


class TensorReader:
    """Reads the results of a provable job; see Reader."""

    def __init__(self, facts: ProgramFacts, fetcher: Fetcher, keep_until: Timestamp) -> None:
        self._facts = facts
        self._fetcher = fetcher
        self._keep_until = keep_until

    async def read(
        self, claim: Claim, operator: OperatorId, endpoint: str, document: bytes
    ) -> TensorOutput:
        """See Reader."""
        try:
            result = TensorResult.decode(document)
        except InvalidManifestError as error:
            raise VerificationError(f"a malformed {error}") from error
        size = _LEAF * len(self._facts.ops) + sum(
            op.output.type.nbytes for op in self._facts.ops if op.is_output
        )
        if result.size != size:
            raise VerificationError(f"a result of {result.size} bytes, the program's has {size}")
        path = await self._fetcher.fetch(
            Digest(bytes.fromhex(result.blob)),
            (endpoint_locator(endpoint),),
            size,
            self._keep_until,
        )
        leaves, tensors = await asyncio.to_thread(self._check, path, claim.value)
        return TensorOutput(claim, operator, path, leaves, tensors)

    def _check(self, path: Path, value: bytes) -> tuple[tuple[bytes, ...], dict[int, Array]]:
        """Return leaves and outputs once they are those of the value."""
        data = path.read_bytes()
        end = _LEAF * len(self._facts.ops)
        leaves = split_leaves(data[:end])
        if Trace(leaves).root != value:
            raise VerificationError("its trace is not the one that stands")
        tensors = dict(read_outputs(self._facts.ops, memoryview(data)[end:]))
        for operator, tensor in tensors.items():
            if Commitment(tensor).digest != leaves[operator]:
                raise VerificationError(f"tensor {operator} is not the one of its trace")
        return leaves, tensors


def read_outputs(ops: Sequence[Op], data: bytes | memoryview) -> Iterator[tuple[int, Array]]:
    """Yield a program's outputs, which follow one another in `data`, each with its operator."""
    for operator, op in enumerate(ops):
        if op.is_output:
            tensor = from_bytes(op.output.type, data[: op.output.type.nbytes])
            assert not isinstance(tensor, Weights)  # noqa: S101 - no operator writes weights
            yield operator, tensor
            data = data[op.output.type.nbytes :]


def split_leaves(data: bytes) -> tuple[bytes, ...]:
    """Return a trace's leaves, which follow one another in `data`."""
    return tuple(data[start : start + _LEAF] for start in range(0, len(data), _LEAF))
