"""Change the contracts in small ways, one at a time, and see whether their tests notice.

    python -m scripts.mutants                 a seeded sample of 200 that can be deployed
    python -m scripts.mutants --all           every one: days
    python -m scripts.mutants --again         those that no test noticed in the run that is kept
    python -m scripts.mutants ID...           these, without keeping the result

Run `ape compile` first. Goes on where the last run ended, with what still fits the sources:
bench/results/mutants.json has what all runs found (remove it to begin anew). Exits 1 when less than
nine in ten are killed, or one is left that scripts/mutants/equivalent.toml does not explain.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from scripts.mutants.readers import Readers
from scripts.mutants.results import Results, read_equivalent
from scripts.mutants.session import Session
from scripts.mutants.sites import Mutant, mutants
from scripts.mutants.source import Source

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "mutants.json"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"


def sources() -> list[Source]:
    """Return the sources that are deployed, sorted by name: not the tests' own contracts."""
    contracts = ROOT / "contracts"
    files = {str(path.relative_to(contracts)): path for path in contracts.rglob("*.vy")}
    return [
        Source(name, path.read_text())
        for name, path in sorted(files.items())
        if not name.startswith("mocks/")
    ]


@dataclass
class Run:
    """Mutants to judge, and what has been found."""

    queue: list[Mutant]
    wanted: int
    """How many that can be deployed."""
    texts: dict[str, str]
    results: Results
    file: Path | None
    """Where results are kept."""
    started: float = field(default_factory=time.monotonic)
    handed_out: int = 0
    invalid: int = 0

    def judge(self, session: Session) -> None:
        """Judge mutants until enough are; print each."""
        session.prepare()
        for mutant, verdict in session.judge(self._next()):
            self.invalid += verdict.outcome == "invalid"
            text = self.texts[mutant.source]
            self.results.add(mutant, text, verdict)
            minutes = (time.monotonic() - self.started) / 60
            print(
                f"{minutes:6.1f} min  {len(self.results.verdicts):4}  {verdict.outcome:9} "
                f"{verdict.seconds:6.1f} s  {mutant.id}  {mutant.describe(text)}  {verdict.why}",
                flush=True,
            )
            if self.file:
                self.results.save(self.file)

    def _next(self) -> Iterator[Mutant]:
        for mutant in self.queue:
            if self.handed_out - self.invalid >= self.wanted:
                return
            self.handed_out += 1
            yield mutant


def chosen(found: list[Mutant], arguments: argparse.Namespace, results: Results) -> Run:
    """Return what the arguments ask for."""
    by_id = {mutant.id: mutant for mutant in found}
    texts = {source.name: source.text for source in sources()}
    if arguments.ids:
        queue = [by_id[name] for name in arguments.ids]
        return Run(queue, len(queue), texts, results, None)
    if arguments.again:
        results.load(RESULTS, by_id.keys())
        queue = [by_id[name] for name in results.left()]
        return Run(queue, len(queue), texts, results, RESULTS)
    if RESULTS.exists():
        results.load(RESULTS, by_id.keys())
    order = sorted(by_id)
    random.Random(arguments.seed).shuffle(order)
    queue = [by_id[name] for name in order if name not in results.verdicts]
    wanted = len(queue) if arguments.all else arguments.count - results.deployed
    return Run(queue, wanted, texts, results, RESULTS)


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description="Mutation tests of the contracts.")
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2, help="mutants at a time")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # forks end with their parent
    read = sources()
    found = [mutant for source in read for mutant in mutants(source)]
    how = {"seed": arguments.seed, "mutants_in_all": len(found), "vyper": version("vyper")}
    results = Results(how, read_equivalent(EQUIVALENT))
    run = chosen(found, arguments, results)
    session = Session(ROOT, Readers(read), arguments.lanes)
    session.run(lambda: run.judge(session))
    for name in results.unexplained():
        print(f"no test notices {name}: {results.verdicts[name]['change']}")
    for name in results.wrongly_excused():
        print(f"a test notices {name}, which equivalent.toml excuses")
    print(f"{results.killed_share():.1%} killed of those that can be deployed")
    return 0 if results.passes() else 1


if __name__ == "__main__":
    sys.exit(main())
