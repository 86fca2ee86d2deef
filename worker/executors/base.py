"""What every kind of executor offers: prepare a program once, then run tasks of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from worker.protocol.manifest import Limits, Manifest
from worker.protocol.record import Record


@dataclass(frozen=True)
class TaskRun:
    """One task, ready to run: every file it needs lies on this host, checked by digest.

    `files` maps guest paths under /in to host paths. `seed` has 32 bytes. `seconds` is the time
    after which the run is killed; it is this host's choice, not the job's. The outputs are
    written to `scratch`, an existing folder that no other run uses.
    """

    program: Path
    limits: Limits
    seed: bytes
    scratch: Path
    seconds: float
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """A finished run: what operators agree on, the outputs' bundle, and what it took here.

    `seconds` is wall time, `overhead` the part of it in which the program did not run: its process
    began and ended. `cpu_seconds` is the processor time of the run's own process.
    """

    record: Record
    bundle: Path
    seconds: float
    overhead: float
    cpu_seconds: float


class Executor(Protocol):
    """Runs one kind of job. Same task in, same record out, on every honest host.

    `engine` pins version and configuration: a manifest names it, and only runs under it agree.
    """

    kind: str
    engine: str

    async def prepare(self, program: Path, manifest: Manifest) -> None:
        """Check and compile a program, so that its tasks can run.

        Raises InvalidProgramError, InvalidManifestError when the manifest asks for another
        executor, ExecutionFailedError when this host cannot tell.
        """

    async def execute(self, task: TaskRun) -> Execution:
        """Run a task to its end, whatever end the program has.

        Raises ExecutionFailedError when the host ended it: "time", "stack", "host_limit",
        "killed", "sandbox", "crash"; InvalidProgramError when it cannot be started.
        """

    async def close(self) -> None:
        """Kill what runs and free what is held."""
