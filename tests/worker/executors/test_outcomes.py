"""How a run can end: a property of the program, or a failure of this host, never mixed up."""

import hashlib

import pytest

from tests.worker.executors import modules
from tests.worker.executors.conftest import LIMITS, outputs
from worker.errors import ExecutionFailedError
from worker.protocol import merkle
from worker.protocol.record import ExitClass

NO_MEMORY = bytes(32)


async def test_execute__program_ends__is_ok_with_its_output(executor, wat, task):
    execution = await executor.execute(task(wat(modules.HELLO)))

    record = execution.record
    assert (record.exit_class, record.exit_code) == (ExitClass.OK, 0)
    assert record.memory_digest == NO_MEMORY
    assert outputs(execution) == {"stdout": b"hello\n", "stderr": b""}
    assert record.output_bytes == execution.bundle.stat().st_size
    with execution.bundle.open("rb") as file:
        assert record.output_root == merkle.chunk_root(file)
    assert 0 < execution.cpu_seconds < 10
    assert 0 < execution.overhead < execution.seconds < 10


@pytest.mark.parametrize(("code", "expected"), [(0, ExitClass.OK), (7, ExitClass.EXIT)])
async def test_execute__proc_exit__is_told_by_its_code(executor, wat, task, code, expected):
    text = modules.program(f"(call $proc_exit (i32.const {code}))", imports=["proc_exit"])

    record = (await executor.execute(task(wat(text)))).record

    assert (record.exit_class, record.exit_code) == (expected, code)
    assert (record.memory_digest == NO_MEMORY) == (code == 0)


async def test_execute__exit_code_above_2_to_31__is_unsigned(executor, wat, task):
    text = modules.program("(call $proc_exit (i32.const -1))", imports=["proc_exit"])

    record = (await executor.execute(task(wat(text)))).record

    assert record.exit_code == 2**32 - 1
    assert len(record.encode()) == 6 * 32


@pytest.mark.parametrize(
    "body",
    [
        "(unreachable)",
        "(drop (i32.load (i32.const -4)))",
        "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
        "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
        "(drop (i32.trunc_f64_s (f64.const nan)))",
        "(call_indirect (i32.const 0))",
        "(call_indirect (i32.const 9))",
        "(call_indirect (param i32) (i32.const 5) (i32.const 1))",
    ],
)
async def test_execute__trap__is_an_outcome_with_the_memory(executor, wat, task, body):
    text = modules.program(
        f"(i32.store (i32.const 8) (i32.const 42)) {body}",
        more="(table 2 funcref) (elem (i32.const 1) $start)",
    )

    record = (await executor.execute(task(wat(text)))).record

    memory = bytearray(1 << 16)
    memory[8] = 42
    assert record.exit_class == ExitClass.TRAP
    assert record.memory_digest == hashlib.sha256(memory).digest()


async def test_execute__endless_loop__runs_out_of_fuel(executor, wat, task):
    limits = LIMITS.model_copy(update={"fuel": 10**7})

    record = (await executor.execute(task(wat(modules.FOREVER), limits=limits))).record

    assert (record.exit_class, record.fuel) == (ExitClass.OUT_OF_FUEL, 10**7)
    assert record.memory_digest == hashlib.sha256(bytes(1 << 16)).digest()


async def test_execute__host_call_beyond_the_fuel__runs_out(executor, wat, task):
    limits = LIMITS.model_copy(update={"fuel": 5000})

    execution = await executor.execute(task(wat(modules.HELLO), limits=limits))

    assert execution.record.exit_class == ExitClass.OUT_OF_FUEL
    assert execution.record.fuel == 5000
    assert outputs(execution)["stdout"] == b""


@pytest.mark.parametrize("text", [modules.LOG_FLOOD, modules.FILE_FLOOD, modules.NAME_FLOOD])
async def test_execute__too_much_output__ends_at_the_limit(executor, wat, task, text):
    limits = LIMITS.model_copy(update={"output_files": 20})
    execution = await executor.execute(task(wat(text), limits=limits))

    record = execution.record
    assert record.exit_class == ExitClass.OUTPUT_LIMIT
    assert record.memory_digest != NO_MEMORY
    assert record.fuel < LIMITS.fuel
    assert execution.bundle.stat().st_size < LIMITS.output_bytes + LIMITS.log_bytes + 8192


async def test_execute__log_flood__keeps_what_fits(executor, wat, task):
    limits = LIMITS.model_copy(update={"log_bytes": 15})

    execution = await executor.execute(task(wat(modules.LOG_FLOOD), limits=limits))

    assert outputs(execution)["stdout"] == b"hello\nhello\n"


async def test_execute__memory_bomb__sees_only_the_terms(executor, wat, task):
    execution = await executor.execute(task(wat(modules.MEMORY_BOMB)))

    pages = LIMITS.memory_bytes >> 16
    memory = bytearray((1 + 16 * ((pages - 1) // 16)) << 16)
    memory[100:104] = (len(memory) >> 16).to_bytes(4, "little")
    assert execution.record.exit_class == ExitClass.TRAP
    assert execution.record.memory_digest == hashlib.sha256(memory).digest()


async def test_execute__recursion__is_a_failure_of_the_host(executor, wat, task):
    with pytest.raises(ExecutionFailedError) as caught:
        await executor.execute(task(wat(modules.RECURSION)))

    assert caught.value.reason == "stack"


async def test_execute__deadline__kills_the_run_and_not_the_worker(executor, wat, task):
    limits = LIMITS.model_copy(update={"fuel": 1 << 50})
    with pytest.raises(ExecutionFailedError) as caught:
        await executor.execute(task(wat(modules.FOREVER), limits=limits, seconds=0.3))

    assert caught.value.reason == "time"
    assert (await executor.execute(task(wat(modules.HELLO)))).record.exit_class == ExitClass.OK


async def test_execute__missing_input__is_a_failure_of_the_host(executor, wat, task, tmp_path):
    with pytest.raises(ExecutionFailedError) as caught:
        await executor.execute(task(wat(modules.HELLO), files={"a": tmp_path / "none"}))

    assert caught.value.reason == "host_limit"


async def test_execute__no_disk_left__is_told_before_the_run(executor, wat, task, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))

    with pytest.raises(ExecutionFailedError, match="disk") as caught:
        await executor.execute(task(wat(modules.HELLO)))

    assert caught.value.reason == "host_limit"
