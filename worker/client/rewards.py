"""What brings an operator its part of what is minted; anybody may do it for anybody."""

from worker.chain.contracts import Event
from worker.client import operator as operators
from worker.client.network import Network
from worker.client.wallet import Progress, Wallet, as_tokens
from worker.protocol.words import BPS, GWEI, NETWORK_TOKEN
from worker.types import OperatorId, Wei


async def collect(
    wallet: Wallet, operator: OperatorId, progress: Progress = lambda _: None
) -> tuple[Wei, Wei]:
    """Pay the operator what Escrow owes it and have its fees divided, close epochs that are over,
    claim what has vested. Raises RevertedError.

    Returns what was minted, and by how much the wallet grew: it is the owner's if anybody's.
    """
    before = await wallet.call("Token", "balanceOf", wallet.address)
    if await _has_fees(wallet, operator):
        await wallet.send("Rewards", "book", operator)
        progress(f"the fees on what operator {operator} earned are divided")
    minted = 0
    for epoch in await _epochs(wallet, operator):
        minted += await _bring_in(wallet, operator, epoch, progress)
    came = await wallet.call("Token", "balanceOf", wallet.address) - before
    return Wei(minted), Wei(came)


async def compound(wallet: Wallet, operator: OperatorId, came: Wei) -> Wei:
    """Stake what came for the operator, in whole gwei; return how much that was."""
    amount = Wei(came - came % GWEI)
    if amount:
        await operators.stake(wallet, amount, operator)
    return amount


async def _has_fees(wallet: Wallet, operator: OperatorId) -> bool:
    """Whether there are fees that Rewards has not divided."""
    paid = await wallet.call("Escrow", "fees_paid", operator)
    paid += await wallet.call("Escrow", "operator_fees", operator, NETWORK_TOKEN)
    return bool(paid > await wallet.call("Rewards", "booked", operator))


async def _epochs(wallet: Wallet, operator: OperatorId) -> list[int]:
    """Return the epochs in which something was burnt for the operator, the oldest first."""
    network = Network(wallet.pool, wallet.contracts)
    topics = [wallet.contracts.topic("Rewards", "FeesBurnt"), operator.to_bytes(32, "big")]
    head = await network.head()
    events: list[Event] = await network.logs(topics, wallet.deployment.block, head.number)
    return sorted({event.args["epoch"] for event in events})


async def _bring_in(wallet: Wallet, operator: OperatorId, epoch: int, progress: Progress) -> int:
    """Close an epoch if it is over, claim of it if it has vested; return what was minted."""
    now, length = (await wallet.pool.head()).timestamp, await wallet.call("Rewards", "epoch_length")
    rate_bps, vests_at = await wallet.call("Rewards", "closed", epoch)
    if not vests_at:
        if now >= (epoch + 1) * length:
            await wallet.send("Rewards", "close_epoch", epoch)
            progress(f"epoch {epoch} is closed")
        return 0
    left = await wallet.call("Rewards", "burnt_of", epoch, operator) * rate_bps // BPS
    convicted_at = await wallet.call("Staking", "convicted_at", operator)
    if not left or now < vests_at or convicted_at >= epoch * length:
        return 0
    entry = await wallet.send("Rewards", "claim", operator, epoch)
    claimed = next(e for e in await wallet.events_of(entry) if e.name == "EmissionClaimed")
    amount, delegated = claimed.args["amount"], claimed.args["delegated"]
    progress(
        f"epoch {epoch} gave operator {operator} {as_tokens(amount)} tokens,"
        f" {as_tokens(delegated)} of it to its delegators"
    )
    return int(amount)
