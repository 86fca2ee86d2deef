"""How much this worker carries, how fast it runs, and what it may still lock."""

from typing import Any

from worker.chain.standing import fetch_standing
from worker.errors import RevertedError
from worker.services.desk import Desk
from worker.services.policy import PolicyConfig, Situation
from worker.types import Gwei, JobKey, Wei


class Load:
    """The situation that the policy judges by in one lane. `parallel` of its tasks run at once."""

    def __init__(self, desk: Desk[Any], policy: PolicyConfig, parallel: int) -> None:
        self._desk = desk
        self._policy = policy
        self.parallel = parallel
        self._lockable: tuple[int, int] = (-1, 0)  # block, gwei

    @property
    def room(self) -> int:
        """How many further seats may be taken, in whatever lane."""
        return max(0, self._policy.seats - self._desk.seats.in_flight())

    async def situation(self, job: JobKey) -> Situation:
        """Return where this worker stands, for a batch of `job`. Raises RpcError."""
        chain, seats = self._desk.chain, self._desk.seats
        pace = seats.pace(self._desk.lane.service)
        return Situation(
            now=chain.now,
            seats=seats.in_flight(),
            locked=seats.locked(),
            lockable=Gwei(await self._fetch_lockable() - seats.unlocked_yet()),
            gas_price=Wei(chain.head.base_fee if chain.head else 0),
            fuel_per_second=pace.speed(self._policy.fuel_per_second),
            steps_per_second=pace.speed(self._policy.steps_per_second),
            overhead=pace.overhead,
            task_seconds=seats.task_seconds(job),
            parallel=self.parallel,
        )

    async def _fetch_lockable(self) -> int:
        head = self._desk.chain.head
        block = head.number if head else -1
        if self._lockable[0] != block:
            self._lockable = (block, await lockable(self._desk))
        return self._lockable[1]


async def key_trouble(desk: Desk[Any]) -> str | None:
    """Return why this key may lock nothing at all, and what to do; None if it may."""
    operator, worker = desk.identity.operator, desk.identity.worker
    works_for = await desk.chain.contracts.call("Staking", "operator_of", worker)
    if works_for == operator:
        return None
    whose = f"works for operator {works_for}" if works_for else "is nobody's worker key"
    return f"key {worker} {whose}, not for operator {operator}: `proofmesh node stake`"


async def has_opted_in(desk: Desk[Any]) -> bool:
    """Whether the operator lets the lane's contract lock."""
    operator, service = desk.identity.operator, desk.service
    ceiling, *_ = await desk.chain.contracts.call("Staking", "opt_in_of", operator, service)
    return bool(ceiling)


async def lockable(desk: Desk[Any]) -> Gwei:
    """Return what Staking would let this worker's key lock for the lane's contract now."""
    contracts, operator = desk.chain.contracts, desk.identity.operator
    try:
        standing = await fetch_standing(contracts, operator)
        key = await contracts.call("Staking", "worker_key", desk.identity.worker)
    except RevertedError:
        return Gwei(0)
    owner, most, is_retired = key
    if is_retired or owner != operator:
        return Gwei(0)
    room = standing.room(desk.lane.service)
    return Gwei(max(0, min(room, most - standing.backing.locked)))
