"""Children live exactly as long as somebody waits for them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.worker.executors import modules
from tests.worker.executors.conftest import LIMITS, REPOSITORY
from worker.errors import ExecutionFailedError
from worker.executors.pool import Pool, _read_all
from worker.executors.wasm import open_executor
from worker.executors.wire import decode_reply, decode_seconds, send_task
from worker.protocol.record import ExitClass

ENDLESS = LIMITS.model_copy(update={"fuel": 1 << 50})
BOUND_SECONDS = 10.0


def children_of(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def descendants_of(pid):
    return [found for child in children_of(pid) for found in (child, *descendants_of(child))]


def is_alive(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(condition):
    deadline = time.monotonic() + BOUND_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return value


def zygote_of(executor):
    return executor.sandbox.pool._zygote.pid


@pytest.fixture
async def own_executor(tmp_path):
    opened = await open_executor(tmp_path / "cache")
    yield opened
    await opened.close()


async def test_submit__cancelled__kills_the_child(own_executor, wat, task):
    program = wat(modules.FOREVER)
    await own_executor.execute(task(wat(modules.HELLO)))
    running = asyncio.create_task(own_executor.execute(task(wat(modules.FOREVER), limits=ENDLESS)))
    assert program.exists()
    idle = len(descendants_of(zygote_of(own_executor)))
    await until(lambda: len(descendants_of(zygote_of(own_executor))) > idle)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: len(descendants_of(zygote_of(own_executor))) == idle)


async def test_submit__deadline__child_is_gone_when_it_returns(own_executor, wat, task):
    idle = len(descendants_of(zygote_of(own_executor)))

    with pytest.raises(ExecutionFailedError, match="time"):
        await own_executor.execute(task(wat(modules.FOREVER), limits=ENDLESS, seconds=0.3))

    assert len(descendants_of(zygote_of(own_executor))) == idle


async def test_submit__child_is_killed_from_outside__says_so(own_executor, wat, task):
    idle = set(descendants_of(zygote_of(own_executor)))
    running = asyncio.create_task(own_executor.execute(task(wat(modules.FOREVER), limits=ENDLESS)))
    compiled = own_executor._cache.path(wat(modules.FOREVER).read_bytes())
    await until(compiled.exists)
    (child,) = await until(lambda: set(descendants_of(zygote_of(own_executor))) - idle)

    os.kill(child, signal.SIGKILL)

    with pytest.raises(ExecutionFailedError, match="signal 9") as caught:
        await running
    assert caught.value.reason == "killed"


async def test_submit__child_dies_before_it_reads__its_end_is_told():
    pool = Pool()
    try:
        with pool._connect() as connection:
            child = (await until(lambda: children_of(pool._zygote.pid)))[0]
            os.kill(child, signal.SIGSTOP)
            send_task(connection, {"duty": "probe", "layers": []}, [])
            os.kill(child, signal.SIGKILL)
            connection.setblocking(False)
            replies = []
            await _read_all(connection, replies)
    finally:
        await pool.close()

    assert [decode_reply(reply)["ended"] for reply in replies] == [-9]


async def test_submit__many_at_once__all_answer(own_executor, wat, task):
    program = wat(modules.HELLO)
    await own_executor.execute(task(program))

    done = await asyncio.gather(*(own_executor.execute(task(program)) for _ in range(20)))

    assert len({execution.record for execution in done}) == 1


async def test_submit__many_inputs__all_arrive(own_executor, wat, task, tmp_path):
    files = {}
    for number in range(500):
        files[f"f{number}"] = tmp_path / f"input-{number}"
        files[f"f{number}"].write_bytes(b"x")

    execution = await own_executor.execute(task(wat(modules.HELLO), files=files))

    assert execution.record.exit_class == ExitClass.OK


async def test_zygote__dies__its_runs_fail_and_the_next_starts_anew(own_executor, wat, task):
    program = wat(modules.HELLO)
    await own_executor.execute(task(program))
    first = zygote_of(own_executor)
    running = asyncio.create_task(own_executor.execute(task(wat(modules.FOREVER), limits=ENDLESS)))
    compiled = own_executor._cache.path(wat(modules.FOREVER).read_bytes())
    await until(compiled.exists)
    orphans = await until(lambda: descendants_of(first))

    os.kill(first, signal.SIGKILL)

    with pytest.raises(ExecutionFailedError) as caught:
        await running
    assert caught.value.reason == "killed"
    await until(lambda: not any(map(is_alive, orphans)))
    assert (await own_executor.execute(task(wat(modules.HELLO)))).record.exit_class == ExitClass.OK
    assert zygote_of(own_executor) != first


_WORKER = """
import asyncio, pathlib, sys
from worker.executors.base import TaskRun
from worker.executors.pool import Pool, _read_all
from worker.executors.wasm import open_executor
from worker.protocol.manifest import Limits

async def main(folder, program, limits):
    executor = await open_executor(folder / "cache")
    await executor.execute(
        TaskRun(program, Limits.model_validate_json(limits), bytes(32), folder, 600.0)
    )

asyncio.run(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
"""


async def test_worker__killed__leaves_no_orphan(wat, tmp_path):
    arguments = [tmp_path, wat(modules.FOREVER), ENDLESS.model_dump_json()]
    worker = subprocess.Popen(  # noqa: ASYNC220 - it is killed here
        [sys.executable, "-c", _WORKER, *arguments], env={"PYTHONPATH": str(REPOSITORY)}
    )
    try:
        await until(lambda: list((tmp_path / "cache").glob("*-wasmtime-*")))
        family = await until(lambda: found if len(found := descendants_of(worker.pid)) > 1 else [])
    finally:
        worker.kill()
        worker.wait()

    await until(lambda: not any(map(is_alive, family)))


def test_decode_seconds__durations__and_nothing_else():
    assert [decode_seconds(one) for one in (0, 0.25)] == [0.0, 0.25]
    for wrong in (None, "1", [], -1, float("nan"), float("inf"), 10**400):
        with pytest.raises(ExecutionFailedError, match="no duration"):
            decode_seconds(wrong)
