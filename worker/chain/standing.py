"""How operators stand in Staking and Delegation."""

from dataclasses import dataclass

from worker.chain.contracts import Contracts
from worker.protocol.backing import Backing
from worker.types import Gwei, OperatorId

_OWN_STAKE_ONLY = "OWN_STAKE_ONLY"


@dataclass(frozen=True)
class Lane:
    """What one service holds of an operator, of that its standing bond, and what the operator
    allows it, gwei. The ceiling is 0 unless it may lock now."""

    held: int
    standing: int
    ceiling: int
    has_left: bool
    needs_own: bool


@dataclass(frozen=True)
class Standing:
    """One operator at one block: what stands behind it, and its lanes by the service's name."""

    backing: Backing
    lanes: dict[str, Lane]

    def room(self, service: str) -> Gwei:
        """Return what a service may lock, as far as the operator's stake and its ceiling go."""
        lane = self.lanes[service]
        room = self.backing.room(lane.needs_own)
        return Gwei(max(0, min(room, lane.ceiling - lane.held)))


async def fetch_standing(
    contracts: Contracts, operator: OperatorId, block: int | str = "latest"
) -> Standing:
    """Return how an operator stands, by one request. Raises RpcError, RevertedError."""
    services = contracts.having(_OWN_STAKE_ONLY)
    calls: list[tuple[str, str, tuple[object, ...]]] = [
        ("Staking", "operator", (operator,)),
        ("Staking", "locked_of", (operator,)),
        ("Staking", "leverage", ()),
        ("Delegation", "delegated", (operator,)),
    ]
    for service in services:
        place = operator, contracts.address(service)
        calls += [
            ("Staking", "lane", place),
            ("Staking", "opt_in_of", place),
            (service, _OWN_STAKE_ONLY, ()),
        ]
    (stake, exiting, *_), locked, leverage, (_, active), *rest = await contracts.read_all(
        calls, block
    )
    lanes = {}
    for service, (held, (ceiling, standing, left_at, _), needs_own) in zip(
        services, zip(rest[::3], rest[1::3], rest[2::3], strict=True), strict=True
    ):
        may = 0 if left_at else ceiling
        lanes[service] = Lane(held, standing, may, left_at != 0, needs_own)
    backing = Backing(
        own=stake - exiting,
        delegated=active,
        leverage=leverage,
        locked=locked,
        own_locked=sum(lane.held for lane in lanes.values() if lane.needs_own),
    )
    return Standing(backing, lanes)
