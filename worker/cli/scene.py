"""The picture of a job at work: how far it is, who does what, what happened last."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from worker.client.view import BatchState, BatchView, JobView, TaskState
from worker.client.wallet import as_tokens
from worker.protocol.words import GWEI

READY = "ready"
"""The state of a worker's process of which there is nothing to tell."""

_RECENT_STEPS = 6
_MOST_OPERATORS = 12
_MOST_NUMBERS = 8
_BAR_WIDTH = 40


@dataclass
class Scene:
    """All that the picture shows; changed in place and drawn again. `parts` says what operators
    play and `workers` how their processes are, where that is known."""

    title: str
    parts: Mapping[int, str]
    started: float
    workers: dict[int, str] = field(default_factory=dict)
    block: int | None = None
    view: JobView | None = None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT_STEPS))

    def __rich__(self) -> RenderableType:
        """Draw it as it is now."""
        rows: list[RenderableType] = [self._head()]
        if self.view is not None:
            rows.append(_progress(self.view))
        if operators := self._operators():
            rows.append(self._table(operators))
        rows += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in self.recent]
        return Group(*rows)

    def _head(self) -> Text:
        block = "" if self.block is None else f" · block {self.block}"
        return Text.assemble(
            (self.title, "bold"), f" · {time.monotonic() - self.started:.0f} s{block}"
        )

    def _operators(self) -> list[int]:
        seated = {who for batch in self._batches for who in batch.seats}
        return sorted(seated.union(self.workers))

    def _table(self, operators: list[int]) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("operator")
        if self.parts:
            table.add_column("part")
        table.add_column("doing, by batch", min_width=36)
        table.add_column("paid", justify="right")
        table.add_column("slashed", justify="right")
        for who in operators[:_MOST_OPERATORS]:
            part = [self.parts.get(who, "")] if self.parts else []
            table.add_row(str(who), *part, self._doing(who), *self._money(who))
        if len(operators) > _MOST_OPERATORS:
            table.caption = f"and {len(operators) - _MOST_OPERATORS} more"
        return table

    def _doing(self, who: int) -> Text:
        state = self.workers.get(who, READY)
        if state != READY:
            return Text(state, style="yellow")
        duties: dict[str, list[int]] = {}
        for batch in self._batches:
            if who in _at_work(batch, self.view):
                duties.setdefault(_duty(batch, who), []).append(batch.index)
        told = " · ".join(f"{duty} {_numbers(duties[duty])}" for duty in sorted(duties))
        return Text(told or "-")

    def _money(self, who: int) -> tuple[str, Text]:
        """Return what an operator was paid and what it lost."""
        outcomes = [one for batch in self._batches for one in batch.settled if one.operator == who]
        burnt = sum(one.burnt for one in outcomes) * GWEI
        paid = sum(one.paid for one in outcomes)
        return as_tokens(paid), Text(as_tokens(burnt), style="red" if burnt else "")

    @property
    def _batches(self) -> tuple[BatchView, ...]:
        return self.view.batches if self.view else ()


def _progress(view: JobView) -> Table:
    """Draw how much is over, and count tasks and batches by state."""
    over = view.terms.tasks - view.count(TaskState.PENDING)
    tasks = Counter(task.state for task in view.tasks)
    batches = Counter(batch.state for batch in view.batches)
    grid = Table.grid(padding=(0, 2))
    grid.add_row("tasks", ProgressBar(view.terms.tasks, over, width=_BAR_WIDTH))
    grid.add_row("", " · ".join(f"{tasks[one]} {one}" for one in TaskState if tasks[one]))
    grid.add_row(
        "batches", " · ".join(f"{batches[one]} {one}" for one in BatchState if batches[one])
    )
    return grid


def _at_work(batch: BatchView, view: JobView | None) -> tuple[int, ...]:
    """Return who has something to do: in a dispute only those who joined for it."""
    if view is None or batch.is_final:
        return ()
    return batch.seats[view.terms.seats :] if batch.is_growing else batch.seats


def _duty(batch: BatchView, who: int) -> str:
    """Say how far an operator is with a batch."""
    if who in batch.revealed:
        return "showed"
    return "sealed" if who in batch.sealed else "runs"


def _numbers(batches: list[int]) -> str:
    more = " …" if len(batches) > _MOST_NUMBERS else ""
    return ", ".join(map(str, batches[:_MOST_NUMBERS])) + more
