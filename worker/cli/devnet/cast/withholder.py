"""One that opens its results on the chain and then shows nobody anything."""

from dataclasses import replace
from typing import Any

from worker.app import Ground
from worker.cli.devnet.cast.faulty import FaultyBackend
from worker.cli.devnet.cast.role import Adversary, with_desks
from worker.config import Config
from worker.protocol.outbox import Intent, OutboxEntry
from worker.services.desk import Desk
from worker.storage.outbox import SqliteOutbox
from worker.tensor.backends.base import Backend
from worker.types import Timestamp

_ANSWERS = ("answer:", "deliver:")
_LONG_AGO = Timestamp(1)
_SECOND = 1  # of a program's operators: the self-test at start runs the first alone


class MuteOutbox(SqliteOutbox):
    """Is too late with every answer to a demand; sends everything else."""

    def enqueue(self, intent: Intent) -> OutboxEntry:
        """Add a transaction; one that would show somebody something is past its time."""
        if intent.purpose.startswith(_ANSWERS):
            intent = replace(intent, not_after=_LONG_AGO)
        return super().enqueue(intent)


class Withholder(Adversary):
    """In replicated jobs it is right, is paid, and keeps the outputs; in provable jobs it is wrong
    and counts on nobody being able to show it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.hide()

    def backend(self, honest: Backend[Any]) -> Backend[Any]:
        """Break the kernel."""
        return FaultyBackend(honest, _SECOND)

    def take(self, ground: Ground) -> Ground:
        """Answer no demand."""
        return with_desks(ground, Desk, MuteOutbox(ground.database))
