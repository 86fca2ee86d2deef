"""One instance of a module, from its first instruction to its record."""

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import wasmtime

from worker.errors import ExecutionFailedError
from worker.executors.descriptors import Descriptors
from worker.executors.engine import MAX_TABLE_ELEMENTS
from worker.executors.files import OutputLimitError, Quota, input_tree, output_contents
from worker.executors.guest import Guest, Kind, OutOfFuelError, bind, kinds_of
from worker.executors.wasi import ExitError, ProcessCalls
from worker.executors.wasi_files import DescriptorCalls
from worker.executors.wasi_paths import PathCalls
from worker.protocol import bundle, merkle
from worker.protocol.manifest import Limits
from worker.protocol.record import ExitClass, Record

HOST_MODULE = "wasi_snapshot_preview1"
HOST_CALLS: dict[str, tuple[type, Kind]] = {
    name: (owner, kind)
    for owner in (ProcessCalls, DescriptorCalls, PathCalls)
    for name, kind in kinds_of(owner).items()
}
"""Every import a module may have: name → where it is served and its type. Nothing else is."""

_Trap = wasmtime.TrapCode
_PROGRAM_TRAPS = {
    _Trap.MEMORY_OUT_OF_BOUNDS,
    _Trap.TABLE_OUT_OF_BOUNDS,
    _Trap.INDIRECT_CALL_TO_NULL,
    _Trap.BAD_SIGNATURE,
    _Trap.INTEGER_OVERFLOW,
    _Trap.INTEGER_DIVISION_BY_ZERO,
    _Trap.BAD_CONVERSION_TO_INTEGER,
    _Trap.UNREACHABLE,
    _Trap.NULL_REFERENCE,
}


@dataclass(frozen=True)
class Given:
    """What the guest is given. `inputs` maps guest paths to open host files."""

    args: list[str]
    env: dict[str, str]
    seed: bytes
    inputs: dict[str, int]


class Session:
    """Runs a module once under its job's limits."""

    def __init__(self, engine: wasmtime.Engine, limits: Limits, given: Given) -> None:
        self._engine = engine
        self._limits = limits
        self._store = _limited_store(engine, limits)
        guest = Guest(self._store, limits.fuel)
        quota = Quota(limits, guest.burn)
        self._table = Descriptors(guest, quota, input_tree(given.inputs))
        self._guest = guest
        self._owners = {
            ProcessCalls: ProcessCalls(guest, given.args, given.env, given.seed),
            DescriptorCalls: DescriptorCalls(guest, self._table),
            PathCalls: PathCalls(guest, quota, self._table),
        }
        self._memory: wasmtime.Memory | None = None

    def instantiate(self, module: wasmtime.Module) -> Callable[[], None]:
        """Lay out memory and tables; return what runs the program. Runs nothing of it yet.

        Raises wasmtime.WasmtimeError, or wasmtime.Trap when a segment lies out of bounds.
        """
        exports = self._link(module).instantiate(self._store, module).exports(self._store)
        start: Any = exports["_start"]
        memory: Any = exports["memory"]
        self._memory = memory
        self._guest.attach(memory)
        return lambda: start(self._store)

    def _link(self, module: wasmtime.Module) -> wasmtime.Linker:
        """Return a linker with the calls that the module imports: each costs time to define."""
        linker = wasmtime.Linker(self._engine)
        for name in {item.name or "" for item in module.imports}:
            owner, kind = HOST_CALLS[name]
            function = bind(self._guest, kind, getattr(self._owners[owner], name))
            linker.define_func(HOST_MODULE, name, kind.function_type(), function)
        return linker

    def run(self, start: Callable[[], None]) -> tuple[ExitClass, int]:
        """Run to the end; return its class and exit code.

        Raises ExecutionFailedError("stack") when the program recursed too deep: how deep it may
        depends on the host's code generation; "host_limit" for any other end of the host's.
        """
        try:
            start()
        except ExitError as end:
            return (ExitClass.EXIT, end.code) if end.code else (ExitClass.OK, 0)
        except OutputLimitError:
            return ExitClass.OUTPUT_LIMIT, 0
        except OutOfFuelError:
            return ExitClass.OUT_OF_FUEL, 0
        except wasmtime.Trap as trap:
            return _classify(trap), 0
        return ExitClass.OK, 0

    def finish(self, exit_class: ExitClass, exit_code: int, target: BinaryIO) -> Record:
        """Write the outputs' bundle to an empty file and return the record."""
        contents: dict[str, bytearray] = output_contents(self._table.out)
        contents["stdout"] = self._table.stdout.data
        contents["stderr"] = self._table.stderr.data
        bundle.pack(contents, target)
        size = target.tell()
        target.seek(0)
        return Record(
            exit_class=exit_class,
            exit_code=exit_code,
            fuel=self._fuel_used(exit_class),
            output_root=merkle.chunk_root(target),
            output_bytes=size,
            memory_digest=bytes(32) if exit_class == ExitClass.OK else self._hash_memory(),
        )

    def _fuel_used(self, exit_class: ExitClass) -> int:
        if exit_class == ExitClass.OUT_OF_FUEL:
            return self._limits.fuel
        return self._limits.fuel - self._store.get_fuel()

    def _hash_memory(self) -> bytes:
        assert self._memory is not None  # noqa: S101 - run() came before
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        size = self._memory.data_len(self._store)
        return hashlib.sha256((ctypes.c_char * size).from_address(address)).digest()


def _limited_store(engine: wasmtime.Engine, limits: Limits) -> wasmtime.Store:
    store = wasmtime.Store(engine)
    store.set_limits(
        memory_size=limits.memory_bytes,
        table_elements=MAX_TABLE_ELEMENTS,
        instances=1,
        tables=4,
        memories=1,
    )
    store.set_fuel(limits.fuel)
    return store


def _classify(trap: wasmtime.Trap) -> ExitClass:
    code = trap.trap_code
    if code == _Trap.OUT_OF_FUEL:
        return ExitClass.OUT_OF_FUEL
    if code in _PROGRAM_TRAPS:
        return ExitClass.TRAP
    if code == _Trap.STACK_OVERFLOW:
        raise ExecutionFailedError("stack", "the program recursed too deep")
    raise ExecutionFailedError("host_limit", f"the engine stopped: {code}")
