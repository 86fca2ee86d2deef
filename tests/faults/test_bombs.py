"""Programs that would take more than they may: each ends by its class, and the worker goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import wasmtime

from tests.e2e.network import Posted, events, job_spec, post
from tests.faults.world import SLOW, Worker, World
from tests.worker.executors import modules
from worker.cli.devnet.books import Books
from worker.client import wasm_build
from worker.protocol.record import FAILED, ExitClass
from worker.protocol.results import TaskResult
from worker.protocol.words import SeatOutcome
from worker.services.policy import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")

WINDOWS = {"claim": "30s", "run": "60s", "reveal": "60s"}
GROWTH = 64 << 20
"""Bytes that a worker's own memory may grow by over all bombs: caches, not bombs."""

BOMBS = {
    "trap": (modules.program("(unreachable)"), ExitClass.TRAP),
    "endless loop": (modules.FOREVER, ExitClass.OUT_OF_FUEL),
    "flood of files": (modules.NAME_FLOOD, ExitClass.OUTPUT_LIMIT),
    "one huge file": (modules.FILE_FLOOD, ExitClass.OUTPUT_LIMIT),
    "flood of lines": (modules.LOG_FLOOD, ExitClass.OUTPUT_LIMIT),
    "all memory": (modules.MEMORY_BOMB, ExitClass.TRAP),
    "recursion": (modules.RECURSION, None),  # the stack is the host's
}
"""Programs, and the class by which each ends; None where the host cannot finish it."""

REFUSED = {
    "no module": b"\x00asm\x01\x00\x00\x00 and then nothing that makes sense",
    "forks": b'(module (import "wasi_snapshot_preview1" "proc_fork" (func)))',
}


async def _post(world: World, folder: Path, program: bytes, **changes: Any) -> Posted:
    """Post a task of a program, for both workers."""
    (folder / "bomb.wasm").write_bytes(program)
    spec = job_spec(
        program="bomb.wasm",
        inputs={},
        args=[],
        tasks={"range": {"from": 0, "to": 1}},
        batch=1,
        seats=2,
        windows=WINDOWS,
        **changes,
    )
    return await post(world.network, spec, folder)


def _memory(world: World, worker: Worker) -> int:
    """Return the bytes of the worker's own process that are in memory."""
    pid = world.network.processes.pid(worker.operator.name)
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def _class(world: World, worker: Worker, posted: Posted) -> ExitClass | None:
    """Return how the task ended there, None where the host could not finish it."""

    def look(books: Books) -> ExitClass | None:
        (record,) = books.desks[0].seats.records(posted.key, [0])
        if record.digest == FAILED:
            return None
        return ExitClass(TaskResult.model_validate_json(record.document or b"").exit_class)

    found: ExitClass | None = world.books(worker, look)
    return found


@dataclass(frozen=True)
class Fallout:
    """All bombs, posted at once and settled, between two jobs that mean no harm."""

    posted: Mapping[str, Posted]
    growth: int
    """Bytes by which the larger worker has grown meanwhile."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fallout(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Fallout:
    """Let all bombs go off, once for all tests here."""
    await shared.up()
    await shared.assert_paid(await shared.post_named())
    before = [_memory(shared, worker) for worker in shared.workers]
    posted = {}
    for name, (text, expected) in BOMBS.items():
        # Who runs before it claims does not claim what its host cannot finish.
        limits = {"limits": SLOW} if expected is None else {}
        folder = tmp_path_factory.mktemp("bomb")
        posted[name] = await _post(shared, folder, wasmtime.wat2wasm(text), **limits)
    for one in posted.values():
        await shared.settled(one, within=120)
    await shared.assert_paid(await shared.post_named())
    after = [_memory(shared, worker) for worker in shared.workers]
    return Fallout(posted, max(b - a for a, b in zip(before, after, strict=True)))


async def _check(world: World, fallout: Fallout, *names: str) -> set[ExitClass | None]:
    """Each ended by its class at both workers and was settled by it; return the classes."""
    for name in names:
        posted, expected = fallout.posted[name], BOMBS[name][1]
        for worker in world.workers:
            assert _class(world, worker, posted) is expected, name
        # A class is a result and is paid for; what the host could not finish is nobody's fault.
        price = posted.terms.price
        paid = price if expected is not None else price // 50
        (final,) = await world.settled(posted)
        for seat in map(SeatOutcome.unpack, final["seats"]):
            assert (seat.paid, seat.burnt) == (paid, 0), name
    return {BOMBS[name][1] for name in names}


async def test_fault_26__programs_that_take_too_much__end_by_their_class(
    world: World, fallout: Fallout
) -> None:
    names = "endless loop", "flood of files", "one huge file", "flood of lines"
    await _check(world, fallout, *names)
    assert fallout.growth < GROWTH


async def test_fault_27__programs_too_large_for_the_host__end_alone(
    world: World, fallout: Fallout
) -> None:
    await _check(world, fallout, "all memory", "recursion")
    assert fallout.growth < GROWTH


async def test_fault_28__trap_no_fuel_and_failing_host__three_outcomes(
    world: World, fallout: Fallout
) -> None:
    assert len(await _check(world, fallout, "trap", "endless loop", "recursion")) == 3


@pytest.mark.parametrize("name", REFUSED)
async def test_fault_27__not_a_program__refused_by_everybody_and_costs_nothing(
    world: World, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever means harm does not check a program before it posts it.
    monkeypatch.setattr(wasm_build, "_check_program", lambda _: None)
    program = REFUSED[name]
    sent = [worker.sent("eth_sendRawTransaction") for worker in world.workers]
    code = wasmtime.wat2wasm(program.decode()) if program.startswith(b"(") else program
    posted = await _post(world, tmp_path, code)

    def is_refused(books: Books) -> bool:
        told = [one.job for one in books.jobs.refusals() if one.reason == Reason.UNUSABLE]
        return posted.key in told

    async def all_refused() -> bool:
        return all(world.books(worker, is_refused) for worker in world.workers)

    await world.until(all_refused, "refused by both")
    assert sent == [worker.sent("eth_sendRawTransaction") for worker in world.workers]
    assert await events(world.network, "SeatClaimed", job=posted.key) == []
