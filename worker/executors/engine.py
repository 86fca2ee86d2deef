"""The WASM engine's one configuration, and the id that pins it in every manifest."""

import hashlib
import importlib.metadata

import wasmtime

from worker.errors import InvalidProgramError
from worker.protocol.manifest import canonical

MAX_MODULE_BYTES = 16 << 20
MAX_TABLE_ELEMENTS = 1 << 20

SETTINGS: dict[str, bool | int | str] = {
    "strategy": "cranelift",
    "cranelift_opt_level": "speed",
    "cranelift_nan_canonicalization": True,
    "consume_fuel": True,
    "epoch_interruption": False,
    "max_wasm_stack": 1 << 20,
    # memory never moves, and growing it never asks the host for addresses
    "memory_reservation": 4 << 30,
    "memory_guard_size": 32 << 20,
    "memory_may_move": False,
    "memory_init_cow": False,  # changes fuel
    "signals_based_traps": True,
    "native_unwind_info": False,
    "parallel_compilation": False,
    "wasm_bulk_memory": True,
    "wasm_multi_value": True,
    "wasm_reference_types": True,
    "wasm_simd": True,
    "wasm_tail_call": True,
    "gc_support": False,
    "shared_memory": False,
    "wasm_component_model": False,
    "wasm_custom_page_sizes": False,
    "wasm_exceptions": False,
    "wasm_function_references": False,
    "wasm_gc": False,
    "wasm_memory64": False,
    "wasm_multi_memory": False,
    "wasm_relaxed_simd": False,
    "wasm_stack_switching": False,
    "wasm_threads": False,
    "wasm_wide_arithmetic": False,
}

HOST_VERSION = 1
"""Counts the meanings of the host calls in wasi.py and files.py; a change is a new engine."""

_START_SECTION = 8
_HEADER = b"\0asm\1\0\0\0"


def engine_id() -> str:
    """Return the engine's name, version and configuration digest, such as "wasmtime-50.0.1-…"."""
    version = importlib.metadata.version("wasmtime")
    described = canonical({"host": HOST_VERSION, "settings": SETTINGS})
    return f"wasmtime-{version}-{hashlib.sha256(described).hexdigest()[:16]}"


def new_engine() -> wasmtime.Engine:
    """Return an engine in the one configuration."""
    config = wasmtime.Config()
    for name, value in SETTINGS.items():
        setattr(config, name, value)
    return wasmtime.Engine(config)


def check_sections(module: bytes) -> None:
    """Refuse a module that is too large, or runs code before `_start`.

    A start function would run while the memory that a failed run's record needs is out of reach.
    Raises InvalidProgramError.
    """
    if len(module) > MAX_MODULE_BYTES:
        raise InvalidProgramError(f"module: more than {MAX_MODULE_BYTES} bytes")
    if not module.startswith(_HEADER):
        raise InvalidProgramError("module: not a WebAssembly 1 module")
    position = len(_HEADER)
    while position < len(module):
        if module[position] == _START_SECTION:
            raise InvalidProgramError("module: has a start function; `_start` is the only entry")
        length, position = _leb128(module, position + 1)
        position += length


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise InvalidProgramError("module: a section's length is malformed")
