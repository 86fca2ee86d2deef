"""What a person watches: lines for every change, or one picture that says it all."""

import os
import pty
import subprocess
import sys
import time

import pytest
from rich.console import Console

from tests.worker.client.test_view import claims, event, posted, seat, settled
from worker.cli.scene import Scene
from worker.cli.watch import Lines, open_watch
from worker.client.follow import Step
from worker.client.replay import replay
from worker.types import BatchIndex

STEP = Step(7, BatchIndex(1), "operator 3 took seat 1")


def drawn(scene: Scene) -> str:
    screen = Console(width=100)
    with screen.capture() as captured:
        screen.print(scene)
    return captured.get()


def row(picture: str, first: str) -> list[str]:
    """Return the words of the line that begins with this one."""
    return next(line.split() for line in picture.splitlines() if line.split()[:1] == [first])


def test_lines__steps_notes_and_workers__are_a_line_each():
    lines: list[str] = []
    watch = Lines(lines.append)

    watch.note("it begins")
    watch.step(STEP)
    watch.step(Step(8, None, "posted: 3 tasks in 2 batches"))
    watch.step(Step(9, None, ""))
    watch.worker(3, "ready")

    assert lines == [
        "it begins",
        "block 7  batch 1: operator 3 took seat 1",
        "block 8  posted: 3 tasks in 2 batches",
        "worker 3 is ready",
    ]


def test_scene__job_at_work__counts_states_and_says_who_does_what():
    sealed = event("ResultSealed", 6, operator=4, batch=0, round=0)
    view = replay([posted(), *claims(4, 5, 6), sealed], 1_001)

    shown = drawn(Scene("try", {}, time.monotonic(), block=6, view=view))

    assert "try · 0 s · block 6" in shown
    assert "3 pending" in shown and "1 open · 1 running" in shown
    assert row(shown, "4") == ["4", "sealed", "0", "0", "0"]
    assert row(shown, "5") == ["5", "runs", "0", "0", "0"]


def test_scene__dispute__only_those_who_joined_for_it_work():
    dispute = settled(8, contested_mask=3, seats=[seat(4, 10)])
    opened = event(
        "RoundOpened", 8, batch=0, round=1, price=10, mask=3, seed_height=1, opened_at=1_010
    )
    joined = event("SeatClaimed", 9, operator=7, batch=0, round=1, seat=3)
    view = replay([posted(), *claims(4, 5, 6), dispute, opened, joined], 1_011)

    shown = drawn(Scene("try", {}, time.monotonic(), view=view))

    assert "1 open · 1 contested" in shown
    assert row(shown, "4")[1] == "-"
    assert row(shown, "7")[1:3] == ["runs", "0"]


def test_scene__workers_of_the_demo__parts_and_troubles_are_shown():
    scene = Scene("demo", {1: "honest", 2: "killed once"}, time.monotonic())
    scene.workers |= {1: "ready", 2: "starting again"}

    shown = drawn(scene)

    assert row(shown, "1")[:3] == ["1", "honest", "-"]
    assert "killed once   starting again" in shown


def test_scene__many_operators__the_rest_is_counted():
    scene = Scene("demo", {}, time.monotonic(), workers=dict.fromkeys(range(1, 30), "ready"))
    assert "and 17 more" in drawn(scene)


WATCHING = """
import sys
from worker.cli.output import Output
from worker.cli.watch import open_watch
from worker.client.follow import Step
watch = open_watch(Output().moves, "try", print)
watch.step(Step(7, None, "first"))
watch.note("noted")
watch.close()
"""


@pytest.mark.parametrize(
    ("env", "moves"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_open_watch__on_a_terminal__moves_unless_asked_not_to(env, moves):
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    subprocess.run([sys.executable, "-c", WATCHING], stdout=theirs, env=env, timeout=30, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)

    assert "block 7  first" in shown
    assert "noted" in shown
    assert ("\x1b[" in shown) == moves


def test_open_watch__not_a_terminal__is_lines():
    assert isinstance(open_watch(False, "try", print), Lines)
