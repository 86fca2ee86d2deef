"""Openings of others, run again: who is suspected, who is not, and what is tried once more."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.challenge_actors import KEY, LIE, TRUTH, Scene, challenged
from worker.errors import FetchError, InvalidProgramError
from worker.protocol.provable_words import Fate
from worker.services.challenge.checker import Checker
from worker.storage.challenges import CaseState
from worker.types import TaskIndex


@dataclass
class _Trace:
    root: bytes


@dataclass
class FakeRuns:
    """Finds the truth, or what a test says; the second run too."""

    roots: list[bytes] = field(default_factory=lambda: list(TRUTH))
    second: list[bytes] = field(default_factory=lambda: list(TRUTH))
    trouble: Exception | None = None
    ran: int = 0

    async def root(self, job: Any, batch: int, task: TaskIndex) -> bytes:
        self.ran += 1
        if self.trouble is not None:
            raise self.trouble
        return self.roots[task]

    async def witness(self, job: Any, batch: int, task: TaskIndex) -> tuple[None, _Trace]:
        return None, _Trace(self.second[task])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def _checker(scene: Scene, runs: FakeRuns, wanted: bool = True) -> Checker:
    return Checker(
        scene.desk.chain,
        scene.docket,
        scene.cases,
        runs,  # type: ignore[arg-type]
        lambda job, log: wanted,
        scene.told.append,
    )


async def _tick(checker: Checker) -> None:
    """Tick, and let what it began come to its end."""
    await checker.tick()
    if busy := checker._crew._busy.values():
        await asyncio.wait(busy)


async def test_check__wrong_in_one_task__suspects_the_seat(scene):
    await _tick(_checker(scene, FakeRuns()))
    assert (scene.case.state, scene.case.task) == (CaseState.SUSPECT, 1)
    assert "WRONG in task 1" in scene.told[0]


async def test_check__right__is_told_and_checked_once(tmp_path):
    scene, runs = Scene(tmp_path), FakeRuns(roots=list(LIE))
    checker = _checker(scene, runs)
    await _tick(checker)
    await _tick(checker)
    assert scene.case.state is CaseState.RIGHT
    assert runs.ran == 2
    assert scene.told[0].endswith(": right")
    assert checker.idle_at == scene.desk.chain.confirmed


async def test_check__two_runs_here_differ__accuses_nobody(scene):
    await _tick(_checker(scene, FakeRuns(second=[b"t" * 32, b"x" * 32])))
    assert scene.case.state is CaseState.DOUBTFUL
    assert "nobody is accused" in scene.told[0]


async def test_check__seat_is_out_of_play__runs_nothing(scene):
    runs = FakeRuns()
    scene.docket.word = challenged(fates=(Fate.GONE, Fate.IN_PLAY))
    await _tick(_checker(scene, runs))
    assert scene.case.state is CaseState.ENDED
    assert runs.ran == 0


@pytest.mark.parametrize("trouble", [FetchError("no blobs"), InvalidProgramError("too large")])
async def test_check__cannot_run__is_tried_again_later(scene, trouble):
    runs = FakeRuns(trouble=trouble)
    checker = _checker(scene, runs)
    await _tick(checker)
    await _tick(checker)
    assert scene.cases.get(KEY) is None
    assert runs.ran == 1
    assert checker.idle_at == scene.desk.chain.confirmed
    runs.trouble = None
    scene.at(1_025)
    await _tick(checker)
    assert scene.case.state is CaseState.SUSPECT


async def test_check__not_wanted__is_left_alone(scene):
    runs = FakeRuns()
    await _tick(_checker(scene, runs, wanted=False))
    assert scene.cases.get(KEY) is None
    assert runs.ran == 0


async def test_check__opened_near_the_head__waits_for_depth(scene):
    runs = FakeRuns()
    scene.desk.chain.confirmations = 5  # the head is at 10, the opening in block 6
    checker = _checker(scene, runs)
    await _tick(checker)
    assert runs.ran == 0
    scene.desk.chain.confirmations = 4
    await _tick(checker)
    assert runs.ran > 0
