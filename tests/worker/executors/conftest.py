"""One sandboxed executor for the whole room, and small programs to run in it."""

import asyncio
from pathlib import Path

import pytest
import wasmtime

from examples.build import WASM, compile_c
from worker.executors.base import TaskRun
from worker.executors.wasm import open_executor
from worker.protocol.bundle import Bundle
from worker.protocol.manifest import Limits

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAMS = Path(__file__).parent / "programs"
LIMITS = Limits(fuel=10**10, memory_bytes=32 << 20, output_bytes=1 << 20, log_bytes=1 << 16)


@pytest.fixture(scope="session")
def executor(tmp_path_factory):
    opened = asyncio.run(open_executor(tmp_path_factory.mktemp("cache") / "modules"))
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def wat(tmp_path):
    """Write a module given as text; return its path."""

    def write(text):
        path = tmp_path / "module.wasm"
        path.write_bytes(wasmtime.wat2wasm(text))
        return path

    return write


@pytest.fixture
def task(tmp_path):
    """Return a task of a program; each has a scratch folder of its own."""
    numbers = iter(range(1000))

    def make(program, *, limits=LIMITS, seed=bytes(32), seconds=30.0, **given):
        scratch = tmp_path / f"scratch-{next(numbers)}"
        scratch.mkdir()
        return TaskRun(program, limits, seed, scratch, seconds, **given)

    return make


@pytest.fixture(scope="session")
def compiled_c(tmp_path_factory):
    """Compile a program of the folder programs/; return its path."""

    def compile_program(name):
        target = tmp_path_factory.mktemp("programs") / f"{name}.wasm"
        compile_c(PROGRAMS / f"{name}.c", target, WASM)
        return target

    return compile_program


def outputs(execution):
    """Return everything that a run gave back: name → content."""
    with execution.bundle.open("rb") as file:
        bundle = Bundle(file)
        return {entry.name: bundle.read(entry.name) for entry in bundle.entries}
