"""What is fuzzed: a parser of a stranger's bytes, and what must hold whatever they are.

A parser takes its input or refuses it with the errors that it names; what it takes it gives back
the same. It needs neither much time nor much memory, whatever the input says of itself.
"""

import atexit
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import FrameType

CORPUS = Path(__file__).parent / "corpus"
MAX_BYTES = 1 << 14
"""Of an input that is made here; committed ones may be larger."""

MAX_SECONDS = 1.0
"""Of processor time for one input."""

MAX_GROWTH = 64 << 20
"""Bytes by which one input may raise the most memory that the process ever had."""

MEMORY = Path("/dev/shm")
"""Where parsers that read files find them: no disk, and nothing left when the machine stops."""

_KILL_SECONDS = 5.0


class Form(Enum):
    """What an input is made of, which decides how it is changed."""

    BYTES = "bytes"
    JSON = "json"
    LINES = "lines"  # of JSON
    TEXT = "text"


@dataclass(frozen=True)
class Target:
    """One parser.

    `check` returns whether it took the input; it raises one of `refusals` or returns False where
    the parser refused it, and AssertionError where a promise is broken. `tokens` are words of the
    format that a mutator cannot guess.
    """

    name: str
    check: Callable[[bytes], bool]
    seeds: Callable[[], Sequence[bytes]]
    refusals: tuple[type[Exception], ...] = ()
    form: Form = Form.BYTES
    tokens: tuple[bytes, ...] = ()

    def corpus(self) -> list[bytes]:
        """Return the real inputs that changes start from, and those kept from earlier runs."""
        kept = sorted((CORPUS / self.name).glob("*"))
        return [*self.seeds(), *(path.read_bytes() for path in kept)]


class TooMuchError(BaseException):
    """An input took more time or memory than any may; no parser may swallow this."""


def feed(target: Target, data: bytes) -> bool:
    """Return whether the parser took `data`. Whatever it raises besides its refusals is a bug."""
    before, began = _peak_bytes(), time.thread_time()
    try:
        with _interrupted():
            taken = target.check(data)
    except target.refusals:
        taken = False
    seconds, growth = time.thread_time() - began, _peak_bytes() - before
    if seconds > MAX_SECONDS:
        raise TooMuchError(f"{target.name}: {seconds:.2f} s for {len(data)} bytes")
    if growth > MAX_GROWTH:
        raise TooMuchError(f"{target.name}: {growth} bytes of memory for {len(data)} bytes")
    return taken


@contextmanager
def _interrupted() -> Iterator[None]:
    """Interrupt an input that does not end by itself; counts processor time of this process."""
    _catch_alarms()
    signal.setitimer(signal.ITIMER_VIRTUAL, _KILL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@cache
def _catch_alarms() -> None:
    signal.signal(signal.SIGVTALRM, _stop)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooMuchError(f"no end after {_KILL_SECONDS:g} s")


def scratch(data: bytes, suffix: str) -> Path:
    """Return a file of this process that holds `data` until the next one of that suffix."""
    path = _scratch_file(suffix)
    path.write_bytes(data)
    return path


@cache
def _scratch_file(suffix: str) -> Path:
    path = MEMORY / f"fuzz-{os.getpid()}{suffix}"
    atexit.register(path.unlink, missing_ok=True)
    return path


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
