"""Programs that must not be run, refused with what is wrong with them."""

import hashlib

import pytest

from tests.worker.executors import modules
from tests.worker.executors.conftest import LIMITS
from worker.errors import ConfigError, InvalidManifestError, InvalidProgramError
from worker.executors import wasm
from worker.executors.cache import ModuleCache
from worker.executors.engine import MAX_MODULE_BYTES
from worker.protocol.manifest import Manifest
from worker.protocol.record import ExitClass


def manifest_of(executor, path, **changes):
    fields = {
        "kind": "wasm",
        "engine": executor.engine,
        "program": hashlib.sha256(path.read_bytes()).hexdigest(),
        "limits": LIMITS,
        "task_count": 1,
        "table": "00" * 32,
    }
    return Manifest(**{**fields, **changes})


async def refused(executor, path, match, **changes):
    with pytest.raises(InvalidProgramError, match=match):
        await executor.prepare(path, manifest_of(executor, path, **changes))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('(module (import "env" "run" (func)))', r"env\.run, which is not allowed"),
        (
            '(module (import "wasi_snapshot_preview1" "sock_accept" '
            "(func (param i32 i32 i32) (result i32))))",
            r"sock_accept, which is not allowed",
        ),
        (
            '(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64))))',
            r"fd_write with another type",
        ),
        (
            '(module (import "wasi_snapshot_preview1" "fd_write" (memory 1)))',
            r"fd_write with another type",
        ),
        ('(module (memory (export "memory") 1))', "_start"),
        (
            '(module (memory (export "memory") 1) (func (export "_start") (param i32)))',
            "_start",
        ),
        ('(module (func (export "_start")))', "no memory"),
        (
            '(module (memory (export "memory") 1) (func $f (export "_start")) (start $f))',
            "start function",
        ),
        (modules.program("", memory="4096"), "bytes of memory at start, the job allows"),
        (modules.program("", more="(table 2000000 funcref)"), "cannot start"),
        (modules.program("", more='(data (i32.const 0x10000) "x")'), "cannot start"),
        ('(module (memory (export "memory") 1 1 shared) (func (export "_start")))', "module: "),
        ('(module (memory (export "memory") i64 1) (func (export "_start")))', "module: "),
        (modules.program("", more="(memory 1)"), "module: "),
        (modules.program("", more="(table 1 funcref)" * 5), "cannot start"),
    ],
)
async def test_prepare__not_allowed__names_what_is_wrong(executor, wat, text, match):
    await refused(executor, wat(text), match)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not a WebAssembly"),
        (b"\x7fELF", "not a WebAssembly"),
        (b"\0asm\1\0\0\0\1\xff\xff\xff\xff\xff", "malformed"),
        (b"\0asm\1\0\0\0\1", "malformed"),
        (b"\0asm\1\0\0\0\1\x7f", "module: "),
        (b"\0asm\x0d\0\1\0", "not a WebAssembly 1 module"),
    ],
)
async def test_prepare__malformed__is_refused(executor, tmp_path, data, match):
    path = tmp_path / "bad.wasm"
    path.write_bytes(data)

    await refused(executor, path, match)


async def test_prepare__too_large__is_refused_unread(executor, tmp_path):
    path = tmp_path / "large.wasm"
    with path.open("wb") as file:
        file.truncate(MAX_MODULE_BYTES + 1)

    await refused(executor, path, "more than")


async def test_prepare__compile_bomb__ends_the_child_only(executor, wat, task, monkeypatch):
    monkeypatch.setattr(wasm, "COMPILE_SECONDS", 0.1)
    lines = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))" * 60_000
    bomb = wat(modules.program(lines))

    await refused(executor, bomb, "too much to compile: time")
    monkeypatch.undo()
    done = await executor.execute(task(wat(modules.HELLO)))
    assert done.record.exit_class == ExitClass.OK


async def test_prepare__another_program__is_refused(executor, wat):
    await refused(executor, wat(modules.HELLO), "not the one", program="11" * 32)


async def test_prepare__another_engine__is_refused(executor, wat):
    path = wat(modules.HELLO)

    with pytest.raises(InvalidManifestError, match=r"wasmtime-1\.0.*this worker has"):
        await executor.prepare(path, manifest_of(executor, path, engine="wasmtime-1.0"))


async def test_prepare__compiled_before__checks_the_new_limits(executor, wat):
    path = wat(modules.program("", memory="64"))
    await executor.prepare(path, manifest_of(executor, path))
    small = LIMITS.model_copy(update={"memory_bytes": 1 << 20})

    await refused(executor, path, "bytes of memory at start", limits=small)


async def test_prepare__cached_module_is_damaged__compiles_anew(executor, wat, task):
    path = wat(modules.HELLO + ";; damaged")
    await executor.prepare(path, manifest_of(executor, path))
    cached = executor._cache.path(path.read_bytes())
    cached.write_bytes(b"not a compiled module")

    await executor.prepare(path, manifest_of(executor, path))

    assert (await executor.execute(task(path))).record.exit_class == ExitClass.OK


def test_cache__folder_open_to_others__is_refused(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)

    with pytest.raises(ConfigError, match="0700"):
        ModuleCache(folder, "engine")


def test_cache__new_folder__is_private_and_key_covers_the_engine(tmp_path):
    one, other = (ModuleCache(tmp_path / "cache", engine) for engine in ("one", "other"))

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert one.path(b"program") != other.path(b"program")
    assert one.path(b"program") != one.path(b"another")


def test_cache__writer_fails__leaves_nothing(tmp_path):
    cache = ModuleCache(tmp_path / "cache", "engine")

    with pytest.raises(RuntimeError), cache.create(cache.path(b"x")) as file:
        file.write(b"half")
        raise RuntimeError

    assert list((tmp_path / "cache").iterdir()) == []
