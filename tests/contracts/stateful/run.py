"""New lives of the state machines: what `make fuzz` and `make stateful` do to the contracts.

    python -m tests.contracts.stateful.run --minutes 30    every machine
    python -m tests.contracts.stateful.run --steps 50000    delegation and rewards only

The second writes bench/results/stateful.json, where runs with other seeds stand beside it.

Each round has a seed, printed before it: `--seed` begins there again. A failure ends the run with
the shortest life that shows it.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from random import randrange
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contracts.stateful import test_economy, test_jobs, test_network, test_provable_jobs

ROUND = settings(
    max_examples=10,
    stateful_step_count=80,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# The whole network comes three times as often as each lane by itself.
MACHINES = [
    *[test_network.NetworkMachine] * 3,
    test_jobs.JobsMachine,
    test_provable_jobs.ProvableMachine,
    test_economy.EconomyMachine,
]
RESULT = Path("bench") / "results" / "stateful.json"


def counted(
    machine: type[RuleBasedStateMachine], lived: Counter[str]
) -> type[RuleBasedStateMachine]:
    """Return the machine, whose lives and steps are counted."""

    class Counted(machine):  # type: ignore[misc, valid-type]
        def teardown(self) -> None:
            lived[f"{machine.__name__} lives"] += 1
            lived[f"{machine.__name__} steps"] += getattr(self, "_steps", 0)
            lived.update(getattr(self, "told", {}))
            super().teardown()

    return Counted


def main() -> None:
    """Run rounds until the time is over or the steps are lived, and print what was lived."""
    parser = argparse.ArgumentParser(description="Random lives of the contracts.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=randrange(2**32))
    given = parser.parse_args()
    if given.steps:
        live_economy(given.steps, given.seed)
    else:
        live_all(given.minutes, given.seed)


def live_all(minutes: float, number: int) -> None:
    """Live every machine, one after the other, for some minutes."""
    end = time.monotonic() + minutes * 60
    lived: Counter[str] = Counter()
    for module in (test_network, test_jobs, test_provable_jobs, test_economy):
        module.scene()  # outside of every life, which undoes all that it did
    while time.monotonic() < end:
        live(MACHINES[number % len(MACHINES)], number, lived)
        number += 1


def live_economy(steps: int, number: int) -> None:
    """Live delegation and rewards for so many steps, and keep what was lived."""
    first, machine = number, test_economy.EconomyMachine
    lived: Counter[str] = Counter()
    test_economy.scene()
    while lived[f"{machine.__name__} steps"] < steps:
        live(machine, number, lived)
        number += 1
        keep({"first_seed": first, "rounds": number - first, "lived": dict(sorted(lived.items()))})


def keep(run: dict[str, Any]) -> None:
    """Write what a run has lived so far, beside the runs that began with other seeds."""
    runs = json.loads(RESULT.read_text()) if RESULT.exists() else []
    others = [one for one in runs if one["first_seed"] != run["first_seed"]]
    RESULT.write_text(json.dumps([*others, run], indent=1) + "\n")


def live(machine: type[RuleBasedStateMachine], number: int, lived: Counter[str]) -> None:
    """Run a round of a machine, and count what it lived."""
    print(f"seed {number}: {machine.__name__}", flush=True)  # noqa: T201
    run_state_machine_as_test(seed(number)(counted(machine, lived)), settings=ROUND)
    print(f"{time.process_time():.0f} s of processor time, {dict(lived)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
