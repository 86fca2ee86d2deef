"""The WASM executor: every module is compiled, and every task run, in a child of its own."""

import hashlib
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from worker.errors import ExecutionFailedError, InvalidManifestError, InvalidProgramError
from worker.executors.base import Execution, TaskRun
from worker.executors.cache import ModuleCache
from worker.executors.engine import MAX_MODULE_BYTES, engine_id
from worker.executors.rlimits import run_budget
from worker.executors.sandbox import Sandbox, open_sandbox
from worker.executors.wire import Message, decode_record, decode_seconds
from worker.protocol.manifest import Limits, Manifest

COMPILE_SECONDS = 60.0

_PROGRAM_NAME = "job"
_BUNDLE_NAME = "bundle"


class WasmExecutor:
    """Runs programs for wasi_snapshot_preview1. See worker.executors.base.Executor."""

    kind = "wasm"

    def __init__(self, sandbox: Sandbox, cache_folder: Path) -> None:
        """Run in `sandbox`, which this executor closes. Raises ConfigError on a shared cache."""
        self.engine = engine_id()
        self.sandbox = sandbox
        self._cache = ModuleCache(cache_folder, self.engine)

    async def prepare(self, program: Path, manifest: Manifest) -> None:
        """Check and compile a program. See Executor.prepare."""
        if (manifest.kind, manifest.engine) != (self.kind, self.engine):
            raise InvalidManifestError(
                f"manifest: asks for {manifest.kind} on {manifest.engine}, "
                f"this worker has {self.kind} on {self.engine}"
            )
        code = _read_program(program)
        if hashlib.sha256(code).hexdigest() != manifest.program:
            raise InvalidProgramError("module: not the one that the manifest names")
        await self._prepare(program, code, manifest.limits)

    async def execute(self, task: TaskRun) -> Execution:
        """Run a task. See Executor.execute."""
        code = _read_program(task.program)
        if not self._cache.path(code).exists():
            await self._prepare(task.program, code, task.limits)
        _require_disk(task)
        bundle = task.scratch / _BUNDLE_NAME
        message = {
            **self._message("run", task.limits),
            "args": [_PROGRAM_NAME, *task.args],
            "env": dict(task.env),
            "seed": task.seed.hex(),
            "inputs": list(task.files),
        }
        started = time.monotonic()
        with _open_all([self._cache.path(code)], bundle, task.files.values()) as files:
            reply = await self.sandbox.pool.submit(message, files, task.seconds)
        seconds = time.monotonic() - started
        record = decode_record(reply.get("record"))
        overhead = max(0.0, seconds - decode_seconds(reply.get("ran")))
        return Execution(record, bundle, seconds, overhead, reply["cpu_seconds"])

    async def close(self) -> None:
        """Kill what runs."""
        await self.sandbox.close()

    async def _prepare(self, program: Path, code: bytes, limits: Limits) -> None:
        compiled = self._cache.path(code)
        if compiled.exists():
            try:
                return await self._check(compiled, limits)
            except ExecutionFailedError as error:
                if error.reason != "cache":
                    raise
        await self._compile(program, compiled, limits)

    async def _check(self, compiled: Path, limits: Limits) -> None:
        with compiled.open("rb") as source:
            files = [source.fileno()]
            await self.sandbox.pool.submit(self._message("check", limits), files, COMPILE_SECONDS)

    async def _compile(self, program: Path, compiled: Path, limits: Limits) -> None:
        with program.open("rb") as source, self._cache.create(compiled) as target:
            files = [source.fileno(), target.fileno()]
            message = self._message("compile", limits)
            try:
                await self.sandbox.pool.submit(message, files, COMPILE_SECONDS)
            except ExecutionFailedError as error:
                if error.reason in ("time", "host_limit", "killed"):
                    raise InvalidProgramError(f"module: too much to compile: {error}") from error
                raise

    def _message(self, duty: str, limits: Limits) -> Message:
        return {
            "duty": duty,
            "layers": self.sandbox.child_layers,
            "limits": limits.model_dump_json(),
        }


async def open_executor(cache_folder: Path) -> WasmExecutor:
    """Return an executor in the strongest sandbox that works here. Raises ConfigError."""
    return WasmExecutor(await open_sandbox(), cache_folder)


def _read_program(path: Path) -> bytes:
    if path.stat().st_size > MAX_MODULE_BYTES:
        raise InvalidProgramError(f"module: more than {MAX_MODULE_BYTES} bytes")
    return path.read_bytes()


def _require_disk(task: TaskRun) -> None:
    needed = run_budget(task.limits).file_bytes
    if shutil.disk_usage(task.scratch).free < needed:
        raise ExecutionFailedError("host_limit", f"less than {needed} bytes of disk are free")


@contextmanager
def _open_all(read: list[Path], write: Path, inputs: Iterable[Path]) -> Iterator[list[int]]:
    with ExitStack() as stack:
        try:
            readable: list[Any] = [stack.enter_context(path.open("rb")) for path in read]
            target = stack.enter_context(write.open("w+b"))
            sources = [stack.enter_context(path.open("rb")) for path in inputs]
        except OSError as error:
            raise ExecutionFailedError("host_limit", f"{error.filename}: {error}") from error
        yield [file.fileno() for file in (*readable, target, *sources)]
