"""Work done in forks of this process: each starts warm, and nothing it changes is left behind."""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class _Running(Generic[Job]):
    process: ForkProcess
    job: Job
    ends_at: float


def run_all(
    jobs: Iterator[Job], work: Callable[[Job], Answer], lanes: int, limit: float
) -> Iterator[tuple[Job, Answer | None]]:
    """Yield each job with its answer, or with None when it took more than `limit` seconds.

    At most `lanes` forks run at a time; a job is taken from `jobs` when a lane is free. Raises
    RuntimeError with the trace when a fork fails.
    """
    running: dict[Connection, _Running[Job]] = {}
    try:
        while True:
            while len(running) < lanes and (job := next(jobs, None)) is not None:
                connection, process = _start(job, work)
                running[connection] = _Running(process, job, time.monotonic() + limit)
            if not running:
                return
            first = min(fork.ends_at for fork in running.values())
            ready = wait(list(running), max(0.0, first - time.monotonic()))
            for connection in list(running):
                if connection in ready:
                    fork = running.pop(connection)
                    yield fork.job, _answer(connection, fork.process)
                elif running[connection].ends_at <= time.monotonic():
                    fork = running.pop(connection)
                    _stop(fork.process)
                    yield fork.job, None
    finally:
        for fork in running.values():
            _stop(fork.process)


def _start(job: Job, work: Callable[[Job], Answer]) -> tuple[Connection, ForkProcess]:
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_work, args=(theirs, job, work))
    process.start()
    theirs.close()
    return ours, process


def _work(connection: Connection, job: Job, work: Callable[[Job], Answer]) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        connection.send((work(job), None))
    except BaseException:
        connection.send((None, traceback.format_exc()))
    os._exit(0)  # what the parent has open and registered is the parent's to end


def _answer(connection: Connection, process: ForkProcess) -> Any:
    answer, trace = connection.recv()
    connection.close()
    process.join()
    if trace:
        raise RuntimeError(trace)
    return answer


def _stop(process: ForkProcess) -> None:
    process.kill()
    process.join()
