"""A steady stream of jobs among faults, and whether anything grows that should not.

    python -m tests.adversaries.soak [--minutes M] [--seed N]

Samples every worker's resident memory and open files. Writes bench/results/soak.json; exits 1 when
memory grows by more than 5 % over the last half, a job is stuck or an invariant is broken.
"""

import asyncio
import contextlib
import json
import secrets
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import click

from tests.adversaries.outcome import judge
from tests.adversaries.show import ROOT, Plan, Show, open_show
from tests.adversaries.telling import in_a_folder, machine, narrator
from worker.cli.devnet.cast.roles import Cast
from worker.cli.output import Output

CAST = Cast.parse("honest:5")
MORTALS = 1
_CUSTOMERS = 2
_SECONDS_A_JOB = 3.0
_TAIL_SECONDS = 240.0
_SAMPLE_SECONDS = 1.0
_MOST_GROWTH = 0.05
_RESULT = ROOT / "bench" / "results" / "soak.json"


@dataclass(frozen=True)
class Sample:
    """What one process has: resident bytes and open files."""

    resident: int
    files: int


@dataclass
class Meter:
    """Samples workers by their process ids: one that starts again begins anew."""

    show: Show
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))

    async def run(self) -> None:
        """Sample until cancelled."""
        processes = self.show.stage.network.processes
        while True:
            for operator in self.show.stage.network.operators:
                if processes.is_running(operator.name):
                    pid = processes.pid(operator.name)
                    with contextlib.suppress(OSError):  # it dies at this moment
                        self.samples[operator.name, pid].append(take(pid))
            await asyncio.sleep(_SAMPLE_SECONDS)


@dataclass(frozen=True)
class Growth:
    """One worker over the last half of the run: medians of its first and of its second part."""

    worker: str
    samples: int
    resident_before: float
    resident_after: float
    files_before: float
    files_after: float

    @property
    def share(self) -> float:
        """By which part its resident memory grew."""
        return self.resident_after / self.resident_before - 1


def take(pid: int) -> Sample:
    """Return what a process has now."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return Sample(int(resident.split()[1]) * 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def measure(samples: Mapping[tuple[str, int], Sequence[Sample]]) -> list[Growth]:
    """Return how those grew that ran from the beginning to the end."""
    longest = max(map(len, samples.values()))
    found = []
    for (name, _), taken in samples.items():
        if len(taken) < longest:
            continue  # killed meanwhile
        half = taken[len(taken) // 2 :]
        first, second = half[: len(half) // 2], half[len(half) // 2 :]
        found.append(
            Growth(
                name,
                len(taken),
                median(one.resident for one in first),
                median(one.resident for one in second),
                median(one.files for one in first),
                median(one.files for one in second),
            )
        )
    return found


async def run_metered(show: Show) -> list[Growth]:
    """Run a show under the meter; return how those grew that were never killed."""
    meter = Meter(show)
    sampling = asyncio.create_task(meter.run())
    try:
        await show.run()
    finally:
        sampling.cancel()
    return measure(meter.samples)


def overgrown(grown: Sequence[Growth]) -> list[str]:
    """Return who grew by too much, in words."""
    return [f"{one.worker} grew by {one.share:.1%}" for one in grown if one.share > _MOST_GROWTH]


@click.command()
@click.option("--minutes", default=5.0, show_default=True)
@click.option("--seed", type=int, help="Of the jobs' order and of the faults; default: random.")
def main(minutes: float, seed: int | None) -> None:
    """Soak, tell, and write."""
    seconds = minutes * 60
    plan = Plan(
        cast=CAST,
        jobs=int(seconds / _SECONDS_A_JOB),
        customers=_CUSTOMERS,
        seed=secrets.randbits(32) if seed is None else seed,
        post_seconds=seconds,
        within=seconds + _TAIL_SECONDS,
        immortals=len(CAST.operators) - MORTALS,
    )
    sys.exit(in_a_folder(partial(_run, plan)))


async def _run(plan: Plan, folder: Path) -> int:
    say = narrator()
    async with open_show(plan, folder, say) as show:
        grown = await run_metered(show)
        _, wrong = await judge(show)
    wrong += overgrown(grown)
    table = Output()
    table.rows([_row(one) for one in grown], columns=list(_row(grown[0])), key="worker")
    result = {
        "command": " ".join(["python -m tests.adversaries.soak", *sys.argv[1:]]),
        "machine": machine(),
        "seed": plan.seed,
        "jobs": len(show.jobs),
        "seconds": round(show.seconds, 1),
        "faults": dict(show.mischief.done),
        "most_growth": max(one.share for one in grown),
        "workers": [asdict(one) for one in grown],
        "wrong": wrong,
    }
    _RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for line in wrong:
        say(f"WRONG: {line}")
    say(f"{len(wrong)} things are wrong" if wrong else "nothing grows, nothing is stuck")
    return 1 if wrong else 0


def _row(one: Growth) -> dict[str, object]:
    return {
        "worker": one.worker,
        "samples": one.samples,
        "MB": f"{one.resident_after / 1e6:.1f}",
        "growth": f"{one.share:+.1%}",
        "files": f"{one.files_after:g}",
        "files before": f"{one.files_before:g}",
    }


if __name__ == "__main__":
    main()
