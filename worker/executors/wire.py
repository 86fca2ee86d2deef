"""How a job travels to its child: a connected pair of sockets, files passed by descriptor.

The connection is the job's life. The worker sends one task and its open files; the child answers
once; the zygote adds how the child ended and closes. Closing the worker's end kills the child.
"""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from eth_abi.exceptions import EncodingError

from worker.errors import ExecutionFailedError
from worker.protocol.record import ExitClass, Record

Message = dict[str, Any]

MAX_REPLY_BYTES = 1 << 16

_FILES_PER_MESSAGE = 128  # the kernel takes 253
_ENDLESS = 1e9  # seconds
_MORE = b"+"
_LAST = b"."


def open_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets that keep messages apart and notice the other's end."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send_task(connection: socket.socket, task: Message, files: Sequence[int]) -> None:
    """Send a task and the descriptors that belong to it. Raises OSError."""
    with memory_file(json.dumps(task).encode()) as encoded:
        everything = [encoded.fileno(), *files]
        for start in range(0, len(everything), _FILES_PER_MESSAGE):
            part = everything[start : start + _FILES_PER_MESSAGE]
            is_last = start + len(part) == len(everything)
            socket.send_fds(connection, [_LAST if is_last else _MORE], part)


def receive_task(connection: socket.socket) -> tuple[Message, list[int]]:
    """Return a task and its descriptors. Raises OSError, EOFError when the worker left."""
    files: list[int] = []
    mark = _MORE
    while mark == _MORE:
        mark, part, flags, _ = socket.recv_fds(connection, 1, _FILES_PER_MESSAGE)
        if not mark:
            raise EOFError("the worker left")
        if flags & socket.MSG_CTRUNC:
            raise OSError("too many open files")
        files += part
    with os.fdopen(files[0], "rb") as encoded:
        encoded.seek(0)
        return json.loads(encoded.read()), files[1:]


def encode_reply(reply: Message) -> bytes:
    """Return a reply's bytes."""
    return json.dumps(reply).encode()


def decode_reply(data: bytes) -> Message:
    """Read a reply; its fields may be anything, since a program may have taken its child over.

    Raises ExecutionFailedError.
    """
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise malformed("no message")
    return reply


def encode_record(record: Record) -> Message:
    """Return a record's fields as JSON values."""
    return {
        name: value.hex() if isinstance(value, bytes) else int(value)
        for name, value in vars(record).items()
    }


def decode_record(fields: Any) -> Record:
    """Read a record's fields. Raises ExecutionFailedError unless it can be encoded."""
    try:
        record = Record(
            exit_class=ExitClass(fields["exit_class"]),
            exit_code=fields["exit_code"],
            fuel=fields["fuel"],
            output_root=bytes.fromhex(fields["output_root"]),
            output_bytes=fields["output_bytes"],
            memory_digest=bytes.fromhex(fields["memory_digest"]),
        )
        is_whole = Record.decode(record.encode()) == record
    except (KeyError, TypeError, ValueError, EncodingError) as error:
        raise malformed("no record") from error
    if not is_whole:
        raise malformed("a record whose digests are cut short")
    return record


def decode_seconds(value: Any) -> float:
    """Read how long something took. Raises ExecutionFailedError unless it is a duration."""
    if not isinstance(value, (int, float)) or not 0 <= value < _ENDLESS:
        raise malformed("no duration")
    return float(value)


def malformed(what: str) -> ExecutionFailedError:
    """Return the error of a child that answered with something else than it should."""
    return ExecutionFailedError("crash", f"the child answered with {what}")


def memory_file(content: bytes) -> Any:
    """Return an open file, in memory only, that holds `content`."""
    file = os.fdopen(os.memfd_create("task"), "w+b")
    file.write(content)
    file.flush()
    return file
