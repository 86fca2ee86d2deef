"""How a person watches a job: a picture that moves on a terminal, else a line for every change.
The demo and `job follow` share it."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from worker.cli.scene import Scene
    from worker.client.follow import Step

_FRAMES_A_SECOND = 4


class Watch(Protocol):
    """Somebody who is told what happens."""

    def note(self, text: str) -> None:
        """Tell something that is to stay on the screen."""

    def step(self, step: "Step") -> None:
        """Tell what happened to the job."""

    def worker(self, operator: int, state: str) -> None:
        """Tell how the process of an operator's worker is."""

    def close(self) -> None:
        """Leave the screen to others; the last call."""


class Lines:
    """Tells everything line by line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Hand each line to `write`."""
        self._write = write

    def note(self, text: str) -> None:
        """Write it."""
        self._write(text)

    def step(self, step: "Step") -> None:
        """Write it, unless it only says that time went by."""
        if step.text:
            self._write(step_line(step))

    def worker(self, operator: int, state: str) -> None:
        """Write it."""
        self._write(f"worker {operator} is {state}")

    def close(self) -> None:
        """Write nothing more."""


class Picture:
    """Tells everything in one picture that moves; notes stand above it and stay."""

    def __init__(self, scene: "Scene") -> None:
        """Show `scene` at the bottom of the terminal until closed."""
        from rich.live import Live

        from worker.cli.output import console

        self._scene = scene
        self._live = Live(
            scene, console=console(), transient=True, refresh_per_second=_FRAMES_A_SECOND
        )
        self._live.start()

    def note(self, text: str) -> None:
        """Print it above, with the seconds since the start."""
        seconds = time.monotonic() - self._scene.started
        self._live.console.print(f"{seconds:5.1f} s  {text}", markup=False, soft_wrap=True)

    def step(self, step: "Step") -> None:
        """Show the job as it is after the step, and the words for a while."""
        self._scene.block = max(step.block, self._scene.block or 0)
        self._scene.view = step.view or self._scene.view
        if step.text:
            self._scene.recent.append(step_line(step))

    def worker(self, operator: int, state: str) -> None:
        """Show it in the operator's row."""
        self._scene.workers[operator] = state

    def close(self) -> None:
        """Take the picture away."""
        self._live.stop()


def open_watch(
    moves: bool, title: str, write: Callable[[str], None], parts: Mapping[int, str] | None = None
) -> Watch:
    """Return a picture where it may move, else lines for `write`; `parts`: what operators play."""
    if not moves:
        return Lines(write)
    from worker.cli.scene import Scene

    return Picture(Scene(title, parts or {}, time.monotonic()))


def step_line(step: "Step") -> str:
    """Return a step in one line."""
    where = "" if step.batch is None else f"batch {step.batch}: "
    return f"block {step.block}  {where}{step.text}"
