"""Keep the gas of every kind of transaction in sight: a change that costs more shows in review.

    python scripts/gas_snapshot.py            write .gas-snapshot
    python scripts/gas_snapshot.py --check    exit 1 when it is out of date

Run `ape compile` first. The numbers are `bench/gas.py --steps` on a chain that is the same every
time, so they compare to the unit.
"""

import argparse
import subprocess
import sys
from difflib import unified_diff
from importlib.metadata import version
from pathlib import Path

from worker.cli.devnet.anvil import find_anvil

ROOT = Path(__file__).parent.parent
SNAPSHOT = ROOT / ".gas-snapshot"


def measured() -> str:
    """Return the snapshot as it would be now."""
    anvil = subprocess.run(
        [str(find_anvil(ROOT)), "--version"], capture_output=True, text=True, check=True
    )
    versions = f"# vyper {version('vyper')}, {anvil.stdout.splitlines()[0]}, cancun\n"
    bench = [sys.executable, str(ROOT / "bench" / "gas.py"), "--steps"]
    steps = subprocess.run(bench, stdout=subprocess.PIPE, text=True, check=True)
    return versions + steps.stdout


def main() -> int:
    """Write or check the snapshot; return the exit code."""
    parser = argparse.ArgumentParser(description="Gas of each kind of transaction.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    now = measured()
    if not check:
        SNAPSHOT.write_text(now)
        return 0
    before = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if now == before:
        return 0
    changes = unified_diff(
        before.splitlines(), now.splitlines(), "snapshot", "now", lineterm="", n=0
    )
    print("\n".join(changes))
    print("gas changed: run `python scripts/gas_snapshot.py` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
