"""The child's duties for WASM jobs: compile a module, check one, run one; inside the sandbox."""

import mmap
import os
import time

import wasmtime

from worker.errors import ExecutionFailedError, InvalidProgramError
from worker.executors import layers
from worker.executors.engine import check_sections, new_engine
from worker.executors.rlimits import Budget, run_budget
from worker.executors.session import HOST_CALLS, HOST_MODULE, Given, Session
from worker.executors.wire import Message, encode_record
from worker.protocol.manifest import Limits

_COMPILER_BUDGET = Budget(memory_bytes=2 << 30, file_bytes=1 << 30)
_PAGE_BYTES = 1 << 16


def compile_module(task: Message, files: list[int]) -> Message:
    """Compile the module in `files[0]` into the empty `files[1]`, and check it.

    Raises InvalidProgramError.
    """
    with os.fdopen(files[0], "rb") as source, os.fdopen(files[1], "wb") as target:
        layers.lock(task["layers"], _COMPILER_BUDGET, new_code=True)
        code = source.read()
        check_sections(code)
        engine = new_engine()
        try:
            module = wasmtime.Module(engine, code)
        except wasmtime.WasmtimeError as error:
            raise InvalidProgramError(f"module: {_first_line(error)}") from error
        _check(engine, module, task)
        target.write(module.serialize())
    return {"done": True}


def check_module(task: Message, files: list[int]) -> Message:
    """Check the compiled module in `files[0]` for a job. Raises InvalidProgramError."""
    engine = new_engine()
    module = _load(engine, files[0])
    layers.lock(task["layers"], _COMPILER_BUDGET, new_code=False)
    _check(engine, module, task)
    return {"done": True}


def run_module(task: Message, files: list[int]) -> Message:
    """Run the compiled module in `files[0]`; the bundle goes to the empty `files[1]`.

    The other files are the inputs, in the order of their guest paths in `task["inputs"]`.
    """
    limits = Limits.model_validate_json(task["limits"])
    compiled, outputs, *inputs = files
    engine = new_engine()
    module = _load(engine, compiled)
    layers.lock(task["layers"], run_budget(limits), new_code=False)
    _require_memory(limits.memory_bytes)
    paths = dict(zip(task["inputs"], inputs, strict=True))
    given = Given(task["args"], task["env"], bytes.fromhex(task["seed"]), paths)
    session = Session(engine, limits, given)
    began = time.monotonic()
    try:
        start = session.instantiate(module)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise ExecutionFailedError("host_limit", _first_line(error)) from error
    exit_class, exit_code = session.run(start)
    ran = time.monotonic() - began
    with os.fdopen(outputs, "w+b") as target:
        record = session.finish(exit_class, exit_code, target)
    return {"record": encode_record(record), "ran": ran}


def _load(engine: wasmtime.Engine, descriptor: int) -> wasmtime.Module:
    with os.fdopen(descriptor, "rb") as source:
        try:
            return wasmtime.Module.deserialize(engine, source.read())
        except wasmtime.WasmtimeError as error:
            raise ExecutionFailedError("cache", _first_line(error)) from error


def _check(engine: wasmtime.Engine, module: wasmtime.Module, task: Message) -> None:
    limits = Limits.model_validate_json(task["limits"])
    _check_imports(module)
    _check_exports(module, limits)
    session = Session(engine, limits, Given([], {}, bytes(32), {}))
    try:
        session.instantiate(module)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise InvalidProgramError(f"module cannot start: {_first_line(error)}") from error


def _check_imports(module: wasmtime.Module) -> None:
    for item in module.imports:
        name = f"{item.module}.{item.name}"
        if item.module != HOST_MODULE or item.name not in HOST_CALLS:
            raise InvalidProgramError(f"module imports {name}, which is not allowed")
        _, kind = HOST_CALLS[item.name]
        if not isinstance(item.type, wasmtime.FuncType) or not kind.matches(item.type):
            raise InvalidProgramError(f"module imports {name} with another type")


def _check_exports(module: wasmtime.Module, limits: Limits) -> None:
    exports = {item.name: item.type for item in module.exports}
    start, memory = exports.get("_start"), exports.get("memory")
    if not isinstance(start, wasmtime.FuncType) or start.params or start.results:
        raise InvalidProgramError("module exports no function `_start` without parameters")
    if not isinstance(memory, wasmtime.MemoryType):
        raise InvalidProgramError("module exports no memory `memory`")
    if memory.limits.min * _PAGE_BYTES > limits.memory_bytes:
        raise InvalidProgramError(
            f"module needs {memory.limits.min * _PAGE_BYTES} bytes of memory at start, "
            f"the job allows {limits.memory_bytes}"
        )


def _require_memory(count: int) -> None:
    """Fail now if the host has no room: a guest must never see its memory fail to grow."""
    try:
        mmap.mmap(-1, count, flags=mmap.MAP_PRIVATE).close()
    except OSError as error:
        raise ExecutionFailedError("host_limit", f"no {count} bytes of memory") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
