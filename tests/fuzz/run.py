"""Fuzz the parsers of untrusted bytes within a budget, and keep how many inputs each got.

python -m tests.fuzz.run --minutes 30 [--inputs N] [--jobs J] [--seed S] [TARGET …]
Needs atheris (`make fuzz` installs it). Writes bench/results/fuzz.json and, for each bug, the input
under .cache/fuzz/<target>/crash-…; ends with status 1 then.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench._results import merge
from tests.conftest import ROOT
from tests.fuzz.targets import TARGETS

FOUND = ROOT / ".cache" / "fuzz"
_GRACE_SECONDS = 120
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb: +(\d+)")


def fuzz(name: str, seconds: int, inputs: int, seed: int) -> dict[str, Any]:
    """Fuzz one parser in a process of its own; return its counts."""
    folder = FOUND / name
    folder.mkdir(parents=True, exist_ok=True)
    counts = folder / "counts.json"
    counts.unlink(missing_ok=True)
    budget = [f"-max_total_time={seconds}", f"-runs={inputs}", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(folder), str(seed), *budget]
    began = time.monotonic()
    log = folder / "log.txt"
    with log.open("wb") as file:
        try:
            limit = seconds + _GRACE_SECONDS
            status = subprocess.run(command, cwd=ROOT, stderr=file, timeout=limit).returncode
        except subprocess.TimeoutExpired:
            status = -1
    said = log.read_text(errors="replace")
    told = json.loads(counts.read_text()) if counts.exists() else {}
    executed, peak = _EXECUTED.search(said), _PEAK.search(said)
    return {
        "inputs": int(executed[1]) if executed else told.get("inputs", 0),
        "taken_share": round(told.get("taken", 0) / max(1, told.get("inputs", 0)), 4),
        "slowest_ms": round(told.get("slowest", 0) * 1000, 1),
        "peak_mb": int(peak[1]) if peak else None,
        "seconds": round(time.monotonic() - began),
        "seed": seed,
        "bugs": int(status != 0),
    }


def main() -> None:
    """Share the budget out evenly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each parser, at most")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    asked = parser.parse_args()
    seconds = int(asked.minutes * 60 * asked.jobs / len(asked.targets))

    def one(name: str) -> bool:
        counts = fuzz(name, seconds, asked.inputs, asked.seed)
        merge("fuzz.json", {"parsers": {name: counts}})
        sys.stdout.write(f"{name:18} {counts}\n")
        sys.stdout.flush()
        return counts["bugs"] == 0

    with ThreadPoolExecutor(asked.jobs) as pool:
        is_clean = list(pool.map(one, asked.targets))
    sys.exit(0 if all(is_clean) else 1)


if __name__ == "__main__":
    main()
