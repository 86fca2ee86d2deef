"""One pytest session that collects once and then runs tests in forks, with or without a mutant."""

import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import ape
import pytest
from hypothesis import HealthCheck, Phase, settings

from scripts.mutants.builds import Builds
from scripts.mutants.forks import run_all
from scripts.mutants.reach import Lines, Reach, Recorder, Test
from scripts.mutants.readers import Readers
from scripts.mutants.results import Verdict
from scripts.mutants.sites import Mutant
from worker.cli.devnet.anvil import free_port

LIMIT = 3_600.0  # seconds for the tests of a file, or those of a mutant, on a busy machine
TOO_SLOW = ("Timeout", "timed out", "ConnectionError")  # the machine's fault, maybe


@dataclass(frozen=True)
class _Failure:
    test: str
    message: str


class Session:
    """A pytest plugin: `main` is called once the tests are collected."""

    def __init__(self, root: Path, readers: Readers, lanes: int) -> None:
        self._root = root
        self._readers = readers
        self._lanes = lanes
        self._builds = Builds(root)
        self._reach = Reach(root, root / ".cache" / "mutants" / "reach.json")
        self._items: dict[str, pytest.Item] = {}
        self._failure: _Failure | None = None
        self._error: Exception | None = None
        self._work: Callable[[], None] = self.prepare
        self._seconds = 0.0
        self._kills: Counter[tuple[str, str]] = Counter()
        self._believed: set[str] = set()

    def run(self, work: Callable[[], None]) -> None:
        """Collect the contract tests, and do some work while pytest is ready to run them."""
        self._work = work
        os.environ["HYPOTHESIS_PROFILE"] = _without_shrinking()
        self._builds.install()
        plain = ["-q", "-s", "--timeout=0", *("-p", "no:cacheprovider"), *("-p", "no:xdist")]
        pytest.main([*plain, str(self._root / "tests" / "contracts")], plugins=[self])
        if self._error:
            raise self._error
        if not self._items:
            raise RuntimeError("pytest collected no tests")

    def prepare(self) -> None:
        """Compile the contracts, and find out what each test executes where that is not known.

        Raises RuntimeError when a test fails without any mutant.
        """
        self._builds.warm_up()
        gc.freeze()  # else each fork copies what it only looks at
        gc.disable()  # nor does a fork live long enough to need it
        self._reach.load(self._builds.parts)
        new = [item for name, item in self._items.items() if name not in self._reach.tests]
        files = (list(items) for _, items in groupby(new, key=lambda item: item.path))
        for items, tests in run_all(files, self._probe, self._lanes, LIMIT):
            if tests is None:
                raise RuntimeError(f"{items[0].path}: over {LIMIT} seconds")
            self._reach.tests.update(tests)
            self._reach.save(self._builds.parts)
        for name in self._reach.tests.keys() - self._items.keys():
            del self._reach.tests[name]

    def judge(self, mutants: Iterator[Mutant]) -> Iterator[tuple[Mutant, Verdict]]:
        """Yield mutants with their verdicts as they come."""
        for mutant, verdict in run_all(mutants, self._try, self._lanes, LIMIT):
            if verdict is None:
                verdict = Verdict("timed out", "all tests together", 0, LIMIT)
            elif verdict.outcome == "killed":
                self._believe(verdict.why)
                self._kills[mutant.source, verdict.why] += 1
            yield mutant, verdict

    def _believe(self, test: str) -> None:
        """Raise RuntimeError for a test that fails here without a mutant too: it kills nothing."""
        if test in self._believed:
            return
        for _, trouble in run_all(iter([test]), self._trouble, 1, LIMIT):
            if trouble != "":
                raise RuntimeError(f"{test} fails without a mutant: {trouble or 'no end'}")
        self._believed.add(test)

    def _trouble(self, test: str) -> str:
        """Return how a test fails when it is run as for a mutant, but without one."""
        self._run([test])
        return self._failure.message if self._failure else ""

    def _try(self, mutant: Mutant) -> Verdict:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            self._builds.change(mutant, Path(folder))
            ran = self._run(tests := self._tests_for(mutant))
        seconds = round(time.monotonic() - started, 1)
        if self._builds.refused:
            return Verdict("invalid", self._builds.refused, 0, seconds)
        if not self._failure:
            return Verdict("survived", "" if tests else "no test reaches it", ran, seconds)
        slow = any(words in self._failure.message for words in TOO_SLOW)
        outcome = "timed out" if slow else "killed"
        return Verdict(outcome, self._failure.test, ran, seconds)

    def _tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that can notice, in the order in which they are likely to, and cheap.

        Those on titanoboa's chain come first: the others start a chain of their own.
        """
        lines: Lines = {mutant.source: set(mutant.lines)}
        if mutant.function is None:
            lines = self._readers.of(mutant.source, mutant.lines.start)
        parts = self._builds.parts
        contracts = [name for name, sources in parts.items() if mutant.source in sources]
        tests = self._reach.tests
        return sorted(
            self._reach.of(lines, contracts),
            key=lambda name: (
                bool(tests[name].contracts),
                -self._kills[mutant.source, name],
                tests[name].seconds,
            ),
        )

    def _probe(self, items: Sequence[pytest.Item]) -> dict[str, Test]:
        recorder = Recorder()
        recorder.start()
        tests = {}
        self._connect()
        for item, following in pairwise([*items, None]):
            assert item is not None
            self._run_one(item, following)
            if self._failure:
                raise RuntimeError(f"fails without a mutant: {self._failure}")
            tests[item.nodeid] = Test(round(self._seconds, 3), recorder.take())
        for test in tests.values():
            test.contracts = set(self._builds.given_to_ape)
        return tests

    def _run(self, tests: Sequence[str]) -> int:
        """Run tests until one fails; return how many were run."""
        items = [self._items[name] for name in tests]
        self._connect()  # ape looks after its chain before any test
        for count, (item, following) in enumerate(pairwise([*items, None]), start=1):
            assert item is not None
            self._run_one(item, following)
            if self._failure:
                return count
        return len(items)

    def _run_one(self, item: pytest.Item, following: pytest.Item | None) -> None:
        self._seconds = 0.0
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _connect(self) -> None:
        os.environ["APE_FOUNDRY_HOST"] = f"http://127.0.0.1:{free_port()}"  # each fork its own
        ape.networks.parse_network_choice("ethereum:local:foundry").push_provider()

    # Called by pytest.

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests, and leave pytest none: ape would start a chain for it."""
        self._items = {item.nodeid: item for item in items}
        items.clear()

    def pytest_runtestloop(self) -> bool:
        """Do the work in place of pytest's loop."""
        try:
            self._work()
        except Exception as error:  # pytest would tell of it where nobody reads
            self._error = error
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the time a test takes by itself, and how it fails."""
        if report.when == "call":
            self._seconds = report.duration
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash else str(report.longrepr)
            self._failure = self._failure or _Failure(report.nodeid, message)


def _without_shrinking() -> str:
    """Return the name of a profile as `make test` uses it that ends at the first failure."""
    settings.register_profile(
        "mutants",
        derandomize=True,
        max_examples=8,
        stateful_step_count=30,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return "mutants"
