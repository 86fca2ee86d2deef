"""What a worker of the cast may do otherwise than an honest one, and how it is put together."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from worker.app import Ground
from worker.config import Config
from worker.executors.base import Executor
from worker.services.desk import Desk
from worker.storage.outbox import SqliteOutbox
from worker.tensor.backends.base import Backend

NOWHERE = "http://127.0.0.1:9"
"""Announced by who serves nothing: nothing listens there."""

_NEVER = Decimal(10**9)  # coins that a conviction must earn


class Role:
    """An honest worker. Each other role changes what it needs to, and leaves the rest to the same
    services: it claims, seals, opens and settles by the same transactions."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def operator(self) -> int:
        """Its operator's number."""
        return self.config.require_node().operator

    def executor(self, honest: Executor) -> Executor:
        """Return what runs its WebAssembly tasks."""
        return honest

    def backend(self, honest: Backend[Any]) -> Backend[Any]:
        """Return what computes its tensors."""
        return honest

    def take(self, ground: Ground) -> Ground:
        """Return what its services stand on."""
        return ground

    async def scheme(self, ground: Ground) -> None:
        """Do what it does beside an operator's duties, until cancelled."""


class Adversary(Role):
    """A worker that earns nothing honestly: it convicts nobody."""

    def __init__(self, config: Config) -> None:
        node = config.require_node()
        challenge = node.challenge.model_copy(update={"min_profit": _NEVER})
        super().__init__(_with_node(config, challenge=challenge))

    def hide(self) -> None:
        """Serve nothing: no openings, no traces, no outputs."""
        self.config = _with_node(self.config, public_url=NOWHERE)

    def claim_early(self) -> None:
        """Claim as soon as tickets allow, and never run a task before."""
        policy = self.config.require_node().policy
        early = policy.model_copy(update={"cheap_seconds": 0.0})
        self.config = _with_node(self.config, policy=early)


def _with_node(config: Config, **changes: object) -> Config:
    node = config.require_node().model_copy(update=changes)
    return config.model_copy(update={"node": node})


def with_desks(ground: Ground, kind: type[Desk[Any]], outbox: SqliteOutbox | None = None) -> Ground:
    """Return the ground with a desk of that kind in each lane, over the same stores; `outbox`
    takes the place of the usual one."""

    def exchange(desk: Desk[Any]) -> Desk[Any]:
        sends_by = outbox or desk.outbox
        return kind(desk.identity, desk.chain, desk.lane, desk.jobs, desk.seats, sends_by)

    provable = None if ground.provable is None else exchange(ground.provable)
    return replace(ground, desk=exchange(ground.desk), provable=provable)
