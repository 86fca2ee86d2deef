"""What a program sees: its task and nothing of the host."""

import asyncio
import os
import sys

import pytest

from tests.worker.executors import modules
from tests.worker.executors.conftest import LIMITS, REPOSITORY, outputs
from worker.protocol.record import ExitClass


@pytest.fixture(scope="session")
def files_program(compiled_c):
    return compiled_c("files")


@pytest.fixture(scope="session")
def world_program(compiled_c):
    return compiled_c("world")


@pytest.fixture
def inputs(tmp_path):
    """Return guest paths → host files, made in an order that is not theirs by name."""
    contents = {"deep/data.txt": b"abcdef"} | {f"many/{name}": b"" for name in "zebra"}
    files = {}
    for number, (path, content) in enumerate(contents.items()):
        files[path] = tmp_path / f"blob-{number}"
        files[path].write_bytes(content)
    return files


async def test_files__the_c_library__finds_everything_right(executor, task, files_program, inputs):
    limits = LIMITS.model_copy(update={"output_bytes": 4 << 20})
    execution = await executor.execute(task(files_program, files=inputs, limits=limits))

    found = outputs(execution)
    assert found.pop("stdout").decode().splitlines() == [
        "/in: deep/ many/",
        "/in/many: a b e r z",
        "/out: a.txt full/ sparse",
    ]
    assert found == {
        "stderr": b"to stderr",
        "out/a.txt": b"moved",
        "out/full/kept": b"k",
        "out/sparse": b"\0\0\0\0end\0\0",
    }
    assert execution.record.exit_class == ExitClass.OK


async def seen(executor, task, program, **given):
    found = outputs(await executor.execute(task(program, **given)))
    return found["stdout"].decode().splitlines()


async def test_world__args_env_and_time__are_the_tasks(executor, task, world_program):
    env = {"ZONE": "ü", "ALPHA": "1"}
    lines = await seen(executor, task, world_program, args=("one", "two words"), env=env)

    assert lines[:5] == ["arg job", "arg one", "arg two words", "env ALPHA=1", "env ZONE=ü"]
    assert "slept 3600" in lines


async def test_world__seed__decides_date_and_randomness(executor, task, world_program):
    first, again, other = [
        await seen(executor, task, world_program, seed=bytes([number]) * 32) for number in (1, 1, 2)
    ]

    assert first == again
    differing = {line.split()[0] for line in set(first) ^ set(other)}
    assert differing == {"date", "random"}


_ELSEWHERE = """
import asyncio, pathlib, sys
from worker.executors.base import TaskRun
from worker.executors.wasm import open_executor
from worker.protocol.manifest import Limits

async def main(folder, program, limits):
    executor = await open_executor(folder / "cache")
    run = TaskRun(program, Limits.model_validate_json(limits), bytes(32), folder, 30.0, args=("x",))
    print((await executor.execute(run)).record.digest().hex())
    await executor.close()

asyncio.run(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
"""


async def test_record__same_task_elsewhere__is_the_same(executor, task, world_program, tmp_path):
    here = (await executor.execute(task(world_program, args=("x",)))).record
    limited = 'ulimit -S -s 1024; ulimit -n 200; ulimit -c 0; exec nice -n 5 "$0" -c "$@"'
    arguments = [sys.executable, _ELSEWHERE, tmp_path, world_program, LIMITS.model_dump_json()]
    process = await asyncio.create_subprocess_exec(
        *["bash", "-c", limited, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "TZ": "Asia/Tokyo"},
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
    )

    printed, _ = await process.communicate()
    assert printed.decode().strip() == here.digest().hex()


async def test_poll__files_and_clocks__files_are_ready_first(executor, wat, task):
    # two subscriptions: an hour on the clock, and stdin
    text = modules.program(
        """(i64.store (i32.const 24) (i64.const 3600000000000))
        (i32.store8 (i32.const 56) (i32.const 1)) (i64.store (i32.const 48) (i64.const 77))
        (drop (call $poll_oneoff (i32.const 0) (i32.const 128) (i32.const 2) (i32.const 256)))
        (if (i32.ne (i32.load (i32.const 256)) (i32.const 1)) (then (unreachable)))
        (if (i64.ne (i64.load (i32.const 128)) (i64.const 77)) (then (unreachable)))""",
        imports=["poll_oneoff"],
    )

    assert (await executor.execute(task(wat(text)))).record.exit_class == ExitClass.OK


@pytest.mark.parametrize("address", ["-1", "65535", "65536"])
async def test_call__address_outside_memory__fails_with_fault(executor, wat, task, address):
    text = modules.program(
        f"""(if (i32.ne (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const {address}))
            (i32.const 21)) (then (unreachable)))""",
        imports=["clock_time_get"],
    )

    assert (await executor.execute(task(wat(text)))).record.exit_class == ExitClass.OK


async def test_call__every_call__burns_fixed_fuel(executor, wat, task):
    def calls(count):
        call = "(drop (call $random_get (i32.const 0) (i32.const 8)))"
        return wat(modules.program(call * count, imports=["random_get"]))

    spent = [(await executor.execute(task(calls(n)))).record.fuel for n in (1, 2, 3)]

    assert spent[2] - spent[1] == spent[1] - spent[0] > 20_000
