"""Lets a cast of adversaries loose on a local network, and keeps what became of everybody.

    python -m tests.adversaries [--jobs N] [--minutes M] [--seed N] [--cast PART:NUMBER,…]

Writes bench/results/adversaries.json; exits 1 when anything is not as the protocol says.
"""

import json
import secrets
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from tests.adversaries.outcome import Party, as_json, judge, rows, unplayed
from tests.adversaries.show import ROOT, Plan, Show, open_show
from tests.adversaries.telling import in_a_folder, machine, narrator
from worker.cli.devnet.cast.roles import Cast
from worker.cli.output import Output

CAST = "honest:6,liar:2,lazy:1,copycat:1,withholder:1,griefer:1,flooder:1"
_CUSTOMERS = 4
_POSTING = 0.55  # of the time
_RESULT = ROOT / "bench" / "results" / "adversaries.json"


@click.command()
@click.option("--jobs", default=200, show_default=True)
@click.option("--minutes", default=5.0, show_default=True, help="In which all must be over.")
@click.option("--seed", type=int, help="Of the jobs' order and of the faults; default: random.")
@click.option("--cast", "parts", default=CAST, show_default=True)
def main(jobs: int, minutes: float, seed: int | None, parts: str) -> None:
    """Play, tell, and write."""
    plan = Plan(
        cast=Cast.parse(parts),
        jobs=jobs,
        customers=_CUSTOMERS,
        seed=secrets.randbits(32) if seed is None else seed,
        post_seconds=minutes * 60 * _POSTING,
        within=minutes * 60,
    )
    sys.exit(in_a_folder(partial(_play, plan)))


async def _play(plan: Plan, folder: Path) -> int:
    say = narrator()
    async with open_show(plan, folder, say) as show:
        await show.run()
        parties, wrong = await judge(show)
    wrong += unplayed(parties)
    table = Output()
    table.rows(rows(parties), columns=list(rows(parties)[0]), key="who")
    _RESULT.write_text(json.dumps(_result(show, parties, wrong), indent=1) + "\n")
    for line in wrong:
        say(f"WRONG: {line}")
    say(f"{len(wrong)} things are wrong" if wrong else "all is as the protocol says, to the wei")
    return 1 if wrong else 0


def _result(show: Show, parties: Sequence[Party], wrong: Sequence[str]) -> dict[str, object]:
    return {
        "command": " ".join(["python -m tests.adversaries", *sys.argv[1:]]),
        "machine": machine(),
        "seed": show.plan.seed,
        "jobs": len(show.jobs),
        "jobs_of_flooders": len(show.chronicle.ledger.jobs) - len(show.jobs),
        "seconds": round(show.seconds, 1),
        "faults": dict(show.mischief.done),
        "checks": 0 if show.audit is None else len(show.audit.checks),
        "wrong": list(wrong),
        "parties": as_json(parties),
    }


if __name__ == "__main__":
    main()
