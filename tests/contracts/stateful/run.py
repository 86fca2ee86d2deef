"""New lives of the state machines for some minutes: what `make fuzz` does to the contracts.

    python -m tests.contracts.stateful.run --minutes 30

Each round has a seed, printed before it: `--seed` begins there again. A failure ends the run with
the shortest life that shows it.
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from random import randrange

from boa.interpret import set_cache_dir
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contracts.stateful import test_jobs, test_network, test_provable_jobs

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
]


def counted(
    machine: type[RuleBasedStateMachine], lived: Counter[str]
) -> type[RuleBasedStateMachine]:
    """Return the machine, whose lives and steps are counted."""

    class Counted(machine):  # type: ignore[misc, valid-type]
        def teardown(self) -> None:
            lived[f"{machine.__name__} lives"] += 1
            lived[f"{machine.__name__} steps"] += getattr(self, "_steps", 0)
            super().teardown()

    return Counted


def main() -> None:
    """Run rounds until the time is over, and print what was lived."""
    parser = argparse.ArgumentParser(description="Random lives of the contracts.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=randrange(2**32))
    given = parser.parse_args()
    set_cache_dir(Path(".cache") / "boa")
    end, number = time.monotonic() + given.minutes * 60, given.seed
    lived: Counter[str] = Counter()
    for module in (test_network, test_jobs, test_provable_jobs):
        module.scene()  # outside of every life, which undoes all that it did
    started = time.process_time()
    while time.monotonic() < end:
        machine = MACHINES[number % len(MACHINES)]
        print(f"seed {number}: {machine.__name__}", flush=True)  # noqa: T201
        run_state_machine_as_test(seed(number)(counted(machine, lived)), settings=ROUND)
        number += 1
        spent = time.process_time() - started
        print(f"{spent:.0f} s of processor time, {dict(lived)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
