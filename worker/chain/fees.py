"""What a transaction should pay per gas: the market, the bump of a replacement, and the limit."""

from dataclasses import dataclass
from statistics import median_low
from typing import Any

from worker.chain.config import ChainConfig
from worker.chain.endpoints import RpcPool
from worker.chain.wire import parse_amount, parse_object
from worker.errors import GasTooHighError, RpcError
from worker.types import Wei

_GWEI = 10**9
_MIN_TIP = 10**6  # some nodes drop transactions that tip nothing
_HISTORY_BLOCKS = 5
_PERCENTILE = 25


@dataclass(frozen=True)
class Fees:
    """EIP-1559 caps, in wei per gas."""

    max_fee: Wei
    max_tip: Wei


@dataclass(frozen=True)
class Market:
    """What the next block asks for, in wei per gas."""

    base_fee: Wei
    tip: Wei


async def fetch_market(pool: RpcPool, config: ChainConfig) -> Market:
    """Return the next block's base fee and a usual tip, within the configured bounds."""
    base_fee, tips = await pool.call(
        "eth_feeHistory", [hex(_HISTORY_BLOCKS), "latest", [_PERCENTILE]], parse_history
    )
    usual = median_low(tips) if tips else 0
    highest = max(_MIN_TIP, _gwei(config.max_tip_gwei))
    return Market(Wei(base_fee), Wei(min(max(usual, _MIN_TIP), highest)))


def highest_fee(config: ChainConfig, worth: int, gas_limit: int) -> Wei:
    """Return the fee per gas that may be paid: the cap, or more when more is at stake."""
    return Wei(max(_gwei(config.max_fee_gwei), worth // gas_limit))


def first_fees(market: Market, limit: Wei) -> Fees:
    """Return fees that stay enough while the base fee doubles, as far as `limit` allows.

    Raises GasTooHighError when not even the next block could be afforded.
    """
    needed = market.base_fee + market.tip
    if needed > limit:
        raise GasTooHighError(
            f"gas costs {needed / _GWEI:.2f} gwei, the limit is {limit / _GWEI:.2f}"
        )
    return Fees(Wei(min(2 * market.base_fee + market.tip, limit)), market.tip)


def raised_fees(old: Fees, market: Market, limit: Wei, percent: float) -> Fees:
    """Return fees that nodes accept as a replacement of `old` and that suit the market now.

    Raises GasTooHighError when a replacement would exceed `limit`.
    """
    max_tip = _raised(old.max_tip, percent)
    max_fee = max(_raised(old.max_fee, percent), max_tip)
    if max_fee > limit:
        raise GasTooHighError(f"a replacement would pay more than {limit / _GWEI:.2f} gwei")
    max_tip = max(max_tip, min(market.tip, limit))
    wanted = min(2 * market.base_fee + max_tip, limit)
    return Fees(Wei(max(max_fee, wanted)), Wei(max_tip))


def _raised(fee: int, percent: float) -> int:
    basis_points = round(percent * 100)
    return -(-fee * (10_000 + basis_points) // 10_000)


def _gwei(amount: float) -> int:
    return round(amount * _GWEI)


def parse_history(value: Any) -> tuple[int, list[int]]:
    """Return the next base fee and the tips, above zero, of an eth_feeHistory answer."""
    fields = parse_object(value, "fee history")
    base_fees, rewards = fields.get("baseFeePerGas"), fields.get("reward") or []
    if not isinstance(base_fees, list) or not base_fees or not isinstance(rewards, list):
        raise RpcError("endpoint sent a malformed fee history")
    tips = []
    for reward in rewards:
        if not isinstance(reward, list) or len(reward) != 1:
            raise RpcError("endpoint sent a malformed fee history")
        tips.append(parse_amount(reward[0], "tip"))
    return parse_amount(base_fees[-1], "base fee"), [tip for tip in tips if tip > 0]
