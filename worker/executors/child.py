"""A job's child process: take the task, do it inside the sandbox, answer once, end."""

import socket
import traceback
from collections.abc import Callable

from worker.errors import ExecutionFailedError, InvalidProgramError
from worker.executors import probe, wasm_child
from worker.executors.wire import Message, encode_reply, receive_task

_DUTIES: dict[str, Callable[[Message, list[int]], Message]] = {
    "probe": probe.attempt,
    "compile": wasm_child.compile_module,
    "check": wasm_child.check_module,
    "run": wasm_child.run_module,
}


def serve(connection: socket.socket) -> None:
    """Do the one task that comes over `connection`."""
    try:
        task, files = receive_task(connection)
        reply = _DUTIES[task["duty"]](task, files)
    except InvalidProgramError as error:
        reply = {"invalid": str(error)}
    except ExecutionFailedError as error:
        detail = str(error).removeprefix(f"{error.reason}: ")
        reply = {"failed": error.reason, "detail": detail}
    except MemoryError:
        reply = {"failed": "host_limit", "detail": "out of memory"}
    except Exception as error:
        reply = {"failed": "crash", "detail": _last_line(error)}
    connection.send(encode_reply(reply))


def _last_line(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {where.filename}:{where.lineno}: {error}"[:1000]
