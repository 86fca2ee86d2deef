"""What a job's program may be or say: modules, answers of a child it took over, log texts."""

import json
from functools import cache

import wasmtime

from tests.fuzz.target import Form, Target
from worker import logs
from worker.errors import ExecutionFailedError, InvalidProgramError
from worker.executors.engine import check_sections, new_engine
from worker.executors.pool import read_replies
from worker.executors.wire import decode_record, decode_seconds, encode_record, encode_reply
from worker.protocol.record import ExitClass, Record

_SECRET = "s3cret-pa55"


@cache
def _engine() -> wasmtime.Engine:
    return new_engine()


def _module(data: bytes) -> bool:
    check_sections(data)
    try:
        wasmtime.Module.validate(_engine(), data)
    except wasmtime.WasmtimeError:
        return False
    return True


def _modules() -> list[bytes]:
    sources = (
        "(module)",
        '(module (memory (export "memory") 1) (func (export "_start") (nop)))',
        '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))'
        ' (table 2 funcref) (global i32 (i32.const 7)) (memory 1) (data (i32.const 0) "hello")'
        ' (func (export "_start") (loop (br_if 0 (i32.const 0))) (call 0 (i32.const 3))))',
    )
    return [bytes(wasmtime.wat2wasm(source)) for source in sources]


def _reply(data: bytes) -> bool:
    """Messages one after the other, a line each."""
    reply = read_replies(data.split(b"\n"))
    if "record" in reply:
        decode_record(reply["record"]).encode()
        decode_seconds(reply.get("ran"))
    return True


def _replies() -> list[bytes]:
    record = Record(ExitClass.EXIT, 3, 10**9, bytes(32), 77, b"m" * 32)
    ended = encode_reply({"ended": 0, "seconds": 0.5})
    return [
        encode_reply({"record": encode_record(record), "ran": 0.25}) + b"\n" + ended,
        encode_reply({"done": True}) + b"\n" + ended,
        encode_reply({"invalid": "module: malformed"}) + b"\n" + ended,
        encode_reply({"failed": "host_limit", "detail": "no memory"}) + b"\n" + ended,
        encode_reply({"ended": -9, "seconds": 1.0}),
    ]


def _log_line(data: bytes) -> bool:
    """A stranger's text comes out as one line, and a key in any URL within it never does."""
    text = data.decode("utf-8", "replace")
    event = logs.clean(None, "info", {"event": text, "error": [text], "password": text})
    assert event["password"] == "***"
    assert event["event"].isprintable() or len(event["event"].splitlines()) <= 1
    shown = logs.scrub(f"{text} https://user:{_SECRET}@rpc.example/{_SECRET}?key={_SECRET}")
    assert _SECRET not in shown or _SECRET in text
    return True


_PLACES = (
    b"https://", b"wss://", b"http://[::1]:8545/x", b"user:pw@", b"\n", b"\r", b"\x1b[31m", b"://",
    b"\xe2\x80\xae", b"'", b"\\", b">", b"[", b":99999",
)  # fmt: skip

TARGETS = (
    Target("wasm_module", _module, _modules, (InvalidProgramError,)),
    Target(
        "child_reply", _reply, _replies, (ExecutionFailedError, InvalidProgramError), Form.LINES
    ),
    Target(
        "log_text",
        _log_line,
        lambda: [
            b"at https://me:pw@rpc.example:8545/v3/abc?key=1#x: refused",
            json.dumps({}).encode(),
        ],
        (),
        Form.TEXT,
        _PLACES,
    ),
)
