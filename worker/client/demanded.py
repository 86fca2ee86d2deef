"""Outputs put together from pieces that were demanded on the chain, checked as if fetched."""

import asyncio
from collections.abc import Sequence

from worker.client.demands import Answer, Demander, Piece
from worker.client.output import Claim, Output, available, claim_of
from worker.client.source import WORK, open_tensor_job
from worker.client.tensor_output import TensorOutput, read_outputs
from worker.client.view import JobView
from worker.client.wasm_output import WasmOutput, check_bundle
from worker.errors import NotFoundError, VerificationError
from worker.protocol.merkle import CHUNK_BYTES, depth
from worker.protocol.record import RECORD_BYTES, Record
from worker.protocol.results import TaskResult
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.tensor.commit import Layout
from worker.tensor.program import Program
from worker.tensor.proof import program_head
from worker.types import Digest, TaskIndex, Timestamp
from worker.work.pieces import BUNDLE, RECORD

_DIGEST = 32


def settled_claims(view: JobView, tasks: Sequence[int] | None) -> list[Claim]:
    """Return what the results of `tasks` are, by default of all that are settled with one.

    Raises NotFoundError where there is none.
    """
    claims = [claim_of(view, task) for task in (available(view) if tasks is None else tasks)]
    if tasks is None:
        claims = [claim for claim in claims if claim.is_final]
    elif early := [claim.task for claim in claims if not claim.is_final]:
        raise NotFoundError(f"task {early[0]} is not settled yet")
    if not claims:
        raise NotFoundError("no task is settled with a result yet")
    return claims


async def demand_wasm(
    demander: Demander, claims: Sequence[Claim], store: BlobStore
) -> list[Output]:
    """Return the outputs of replicated tasks: their records first, then the chunks of the bundles
    that these commit to. Raises as `Demander.obtain`, VerificationError, StoreFullError."""
    heads = {claim: Piece(claim.task, RECORD, 0, b"", RECORD_BYTES) for claim in claims}
    told = await demander.obtain(list(heads.values()))
    records = {claim: Record.decode(told[head].data) for claim, head in heads.items()}
    chunks = {claim: _chunks(claim.task, record) for claim, record in records.items()}
    answers = await demander.obtain([chunk for one in chunks.values() for chunk in one])
    outputs: list[Output] = []
    for claim, record in records.items():
        parts = [answers[chunk] for chunk in chunks[claim]]
        digest = await _store(store, parts, demander)
        document = TaskResult.of(record, digest).encode()
        result, path = TaskResult.decode(document, claim.value), store.path(digest)
        await asyncio.to_thread(check_bundle, path, result)
        operator = [told[heads[claim]], *parts][-1].operator
        outputs.append(WasmOutput(claim, operator, path, result))
    return outputs


async def demand_tensors(
    demander: Demander, claims: Sequence[Claim], store: BlobStore, fetcher: Fetcher
) -> list[Output]:
    """Return the outputs of provable tasks, without the leaves of their traces: the contract held
    every line against the trace that stands. Raises as `Demander.obtain` and `open_tensor_job`,
    StoreFullError."""
    async with open_tensor_job(demander.view, fetcher) as opened:
        program = Program.decode(await asyncio.to_thread(opened.job.program.read_bytes))
    lines = {claim: _lines(claim.task, program) for claim in claims}
    answers = await demander.obtain([line for one in lines.values() for line in one])
    outputs: list[Output] = []
    for claim in claims:
        parts = [answers[line] for line in lines[claim]]
        path = store.path(await _store(store, parts, demander))
        tensors = dict(read_outputs(program.ops, path.read_bytes()))
        outputs.append(TensorOutput(claim, parts[-1].operator, path, (), tensors))
    return outputs


def _chunks(task: TaskIndex, record: Record) -> list[Piece]:
    """Return the chunks of the bundle that a record tells of; liars may have settled any size."""
    if record.output_bytes > WORK.output_bytes:
        raise VerificationError(f"task {task}: {record.output_bytes} bytes put out are too many")
    starts = range(0, record.output_bytes, CHUNK_BYTES)
    path, evidence = _DIGEST * depth(len(starts)), record.encode()
    return [
        Piece(
            task,
            BUNDLE,
            position,
            evidence,
            min(CHUNK_BYTES, record.output_bytes - start) + path,
        )
        for position, start in enumerate(starts)
    ]


def _lines(task: TaskIndex, program: Program) -> list[Piece]:
    """Return the lines of all outputs, in the order of the blob that a worker serves."""
    pieces: list[Piece] = []
    for number, op in enumerate(program.ops):
        if op.is_output:
            layout, evidence = Layout(op.output.type), program_head(program, number)
            path = _DIGEST * (layout.depth + depth(len(program.ops)))
            pieces += [
                Piece(task, number, line, evidence, layout.line_bytes(line) + path)
                for line in range(layout.lines)
            ]
    return pieces


async def _store(store: BlobStore, parts: Sequence[Answer], demander: Demander) -> Digest:
    """Keep the pieces as one blob as long as the job can be fetched."""
    data = b"".join(part.data for part in parts)
    until = Timestamp(demander.view.terms.expiry)
    return await asyncio.to_thread(store.put, data, until)
