"""What a network asks of a posting now."""

from dataclasses import dataclass

from worker.client.lane import Lane
from worker.client.network import Network
from worker.errors import RevertedError, SpecError
from worker.types import Gwei, Seconds


@dataclass(frozen=True)
class Rules:
    """What every posting must keep to. The fee is in basis points of each payment, windows are the
    shortest ones; `epoch` is the longest claim window."""

    fee_bps: int
    windows: dict[str, Seconds]
    epoch: Seconds


@dataclass(frozen=True)
class Stakes:
    """What the bond of a provable job is measured by, and the court that will judge it.

    `least_bond` is of a whole batch; `rate` is wei of the network token for 10^18 units of the
    job's token.
    """

    court: int
    least_audit_bps: int
    capture_bps: int
    least_bond: Gwei
    rate: int


async def fetch_rules(network: Network, lane: Lane) -> Rules:
    """Return the rules of now."""
    return Rules(
        fee_bps=await network.view("Escrow", "fee_bps"),
        windows=await _windows(network, lane),
        epoch=Seconds(await network.view("Staking", "epoch_length")),
    )


async def fetch_stakes(network: Network, token: int) -> Stakes:
    """Return what provable jobs paid in `token` are measured by, with the newest court.

    Raises SpecError where the network has no court, or takes no such jobs in that token.
    """
    count = await network.view("Courts", "court_count")
    if count == 0:
        raise SpecError("kind", "this network has no court for tensor programs yet")
    court = count - 1
    try:
        audit, capture, bond, rate = await network.view("Courts", "limits", court, token)
    except RevertedError as error:
        raise SpecError("token", f"this network's courts refuse it: {error.reason}") from error
    return Stakes(court, audit, capture, Gwei(bond), rate)


async def _windows(network: Network, lane: Lane) -> dict[str, Seconds]:
    if lane is Lane.PROVABLE:
        least = await network.view(lane, "minima")
        return dict(zip(("claim", "run", "reveal", "challenge"), least, strict=True))
    return {
        name: Seconds(await network.view(lane, f"MIN_{name.upper()}"))
        for name in ("claim", "run", "reveal")
    }
