"""What a delegator does: lend stake to an operator, take it back, be paid a part of its income."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.chain.contracts import Event
from worker.chain.standing import fetch_standing
from worker.client.network import Network
from worker.client.wallet import Wallet, as_tokens
from worker.errors import NotFoundError, UsageError
from worker.protocol.outbox import OutboxEntry
from worker.protocol.words import GWEI, NETWORK_TOKEN
from worker.types import Gwei, OperatorId, Timestamp, Wei

_ZERO = "0x" + "00" * 20
_TOLERANCE = 10_000  # a ten-thousandth fewer shares than reckoned: somebody may be quicker


@dataclass(frozen=True)
class Pool:
    """What was delegated to an operator; amounts are gwei, commissions basis points.

    `own` is the operator's own stake and `active` what was delegated, both without exits; `room`
    is how much more of it would count. `next_bps` binds at `binds_at`. `generation` grows when a
    pool that was slashed to nothing is delegated to again.
    """

    operator: OperatorId
    own: Gwei
    active: Gwei
    room: Gwei
    weight: int
    commission_bps: int
    next_bps: int
    binds_at: Timestamp
    convicted_at: Timestamp
    assets: Gwei
    shares: int
    generation: int

    def shares_for(self, amount: Wei) -> int:
        """Return how many shares an amount buys."""
        gwei = amount // GWEI
        return gwei * self.shares // self.assets if self.shares and self.assets else gwei

    def worth(self, shares: int, generation: int) -> Gwei:
        """Return what shares of a generation are worth."""
        if generation != self.generation or not self.shares:
            return Gwei(0)
        return Gwei(self.assets * shares // self.shares)


@dataclass(frozen=True)
class Position:
    """What an account has in a pool. `staying` and `exiting` are gwei; `claimable` is wei of income
    that waits for it."""

    pool: Pool
    shares: int
    staying: Gwei
    exiting: Gwei
    matures_at: Timestamp
    claimable: Wei
    is_lost: bool
    """Whether the pool was slashed to nothing with its shares in it."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, and nothing was lost."""
        return not (self.staying or self.exiting or self.claimable or self.is_lost)


async def fetch_pool(wallet: Wallet, operator: OperatorId) -> Pool:
    """Return an operator's pool. Raises NotFoundError where there is none."""
    if await wallet.call("Staking", "owner_of", operator) == _ZERO:
        raise NotFoundError(f"there is no operator {operator}")
    bps, next_bps, binds_at = await wallet.call("Delegation", "commission_of", operator)
    if not binds_at:
        raise NotFoundError(f"operator {operator} takes no delegations")
    now = (await wallet.pool.head()).timestamp
    backing = (await fetch_standing(wallet.contracts, operator)).backing
    assets, generation, shares, _ = await wallet.call("Delegation", "pool", operator)
    weight, _ = await wallet.call("Staking", "weight_at", operator, now)
    return Pool(
        operator=operator,
        own=Gwei(backing.own),
        active=Gwei(backing.delegated),
        room=Gwei(max(0, backing.own * (backing.leverage - 1) - backing.delegated)),
        weight=weight,
        commission_bps=bps,
        next_bps=next_bps,
        binds_at=Timestamp(binds_at),
        convicted_at=Timestamp(await wallet.call("Staking", "convicted_at", operator)),
        assets=Gwei(assets),
        shares=shares,
        generation=generation,
    )


async def fetch_position(wallet: Wallet, operator: OperatorId) -> Position:
    """Return what the wallet has in an operator's pool. Raises NotFoundError."""
    pool = await fetch_pool(wallet, operator)
    place = operator, wallet.address
    shares, exiting, matures_at, generation = await wallet.call("Delegation", "position", *place)
    held = shares + exiting
    return Position(
        pool=pool,
        shares=shares,
        staying=pool.worth(shares, generation),
        exiting=pool.worth(exiting, generation),
        matures_at=Timestamp(matures_at),
        claimable=Wei(await wallet.call("Delegation", "claimable", *place)),
        is_lost=bool(held) and not pool.worth(held, generation),
    )


async def fetch_positions(wallet: Wallet, every: bool = False) -> list[Position]:
    """Return what the wallet has in each pool that it ever delegated to, which may be nothing; with
    `every` in each pool that was ever opened. Raises RpcError."""
    if every:
        topics: list[bytes | None] = [wallet.contracts.topic("Delegation", "CommissionSet")]
    else:
        delegator = bytes.fromhex(wallet.address[2:]).rjust(32, b"\0")
        topics = [wallet.contracts.topic("Delegation", "Delegated"), None, delegator]
    network = Network(wallet.pool, wallet.contracts)
    head = await network.head()
    events = await network.logs(topics, wallet.deployment.block, head.number)
    operators = sorted({OperatorId(event.args["id"]) for event in events})
    return [await fetch_position(wallet, operator) for operator in operators]


async def check_delegation(wallet: Wallet, pool: Pool, amount: Wei) -> None:
    """Raise UsageError for what would be refused, or would never earn; InsufficientFundsError."""
    least = await wallet.call("Delegation", "LEAST")
    if amount < least or amount % GWEI:
        raise UsageError("delegate at least a token, in whole gwei")
    minimum = await wallet.call("Staking", "minimum_stake")
    if pool.own * GWEI < minimum * 10**18:
        raise UsageError(
            f"operator {pool.operator} has less than {minimum} tokens of its own at stake: "
            "it has no weight, whatever is delegated to it"
        )
    await wallet.require_tokens(amount)


async def delegate(wallet: Wallet, pool: Pool, amount: Wei) -> int:
    """Delegate `amount` wei, and have it count at once; return the shares that it bought.

    It fails when it would buy a ten-thousandth fewer than `pool` says. Raises UsageError,
    InsufficientFundsError, RevertedError.
    """
    await check_delegation(wallet, pool, amount)
    shares = pool.shares_for(amount)
    permit = await wallet.permit("Delegation", amount)
    least = shares - shares // _TOLERANCE
    entry = await wallet.send("Delegation", "delegate", pool.operator, amount, least, permit)
    await wallet.send("Staking", "sync_votes", pool.operator)
    return int((await _logged(wallet, entry, "Delegated")).args["shares"])


async def leave(wallet: Wallet, position: Position, amount: Wei | None = None) -> Timestamp:
    """Queue `amount` wei for exit, everything by default; return when it can be withdrawn.

    Raises UsageError for more than is there, RevertedError.
    """
    pool, staying = position.pool, position.staying * GWEI
    if position.is_lost:
        raise UsageError(f"the pool of operator {pool.operator} was slashed to nothing")
    if not position.shares:
        raise UsageError(f"{wallet.address} has nothing delegated to operator {pool.operator}")
    if amount is not None and amount > staying:
        raise UsageError(
            f"{wallet.address} has {as_tokens(staying)} tokens delegated to operator "
            f"{pool.operator}, not {as_tokens(amount)}"
        )
    shares = position.shares
    if amount is not None:  # as many as are worth it: rounded up, but no more than there are
        shares = min(shares, -(-amount * pool.shares // (pool.assets * GWEI)))
    entry = await wallet.send("Delegation", "undelegate", pool.operator, shares)
    queued = await _logged(wallet, entry, "DelegationExitQueued")
    return Timestamp(queued.args["matures_at"])


async def withdraw(wallet: Wallet, operator: OperatorId) -> Wei:
    """Take out what has matured; return how much came. What open jobs still hold comes later.

    Raises UsageError where there is nothing or it is too early, RevertedError while all is locked.
    """
    position = await fetch_position(wallet, operator)
    if not position.exiting:
        raise UsageError(f"nothing of {wallet.address} leaves operator {operator}")
    now = (await wallet.pool.head()).timestamp
    if now < position.matures_at:
        left = position.matures_at - now
        raise UsageError(f"what leaves operator {operator} matures in {left} s")
    entry = await wallet.send("Delegation", "withdraw", operator)
    withdrawn = await _logged(wallet, entry, "DelegationWithdrawn")
    return Wei(withdrawn.args["amount"] * GWEI)


async def claim(wallet: Wallet, operators: Sequence[OperatorId]) -> dict[OperatorId, Wei]:
    """Have what Escrow owes these operators paid out, and take the wallet's part; return what came
    from each. Raises NotFoundError, RevertedError."""
    came: dict[OperatorId, Wei] = {}
    for operator in operators:
        position = await fetch_position(wallet, operator)
        if position.staying and await wallet.call(
            "Escrow", "operator_credit", operator, NETWORK_TOKEN
        ):
            await wallet.send("Escrow", "withdraw_operator", operator, NETWORK_TOKEN)
            position = await fetch_position(wallet, operator)
        if position.claimable:
            entry = await wallet.send("Delegation", "claim", operator)
            claimed = await _logged(wallet, entry, "IncomeClaimed")
            came[operator] = Wei(claimed.args["amount"])
    return came


async def compound(wallet: Wallet, operator: OperatorId, came: Wei) -> Wei:
    """Delegate income where it came from, in whole gwei; return how much, 0 for less than the
    least that can be delegated. Raises as `delegate`."""
    amount = Wei(came - came % GWEI)
    if amount < await wallet.call("Delegation", "LEAST"):
        return Wei(0)
    await delegate(wallet, await fetch_pool(wallet, operator), amount)
    return amount


async def open_pool(wallet: Wallet, operator: OperatorId, commission_bps: int) -> Timestamp:
    """Take delegations for a commission, or announce another; return from when on it binds.

    By the operator's owner. Raises RevertedError.
    """
    *_, binds_at = await wallet.call("Delegation", "commission_of", operator)
    verb = "announce_commission" if binds_at else "open_pool"
    entry = await wallet.send("Delegation", verb, operator, commission_bps)
    return Timestamp((await _logged(wallet, entry, "CommissionSet")).args["binds_at"])


async def _logged(wallet: Wallet, entry: OutboxEntry, name: str) -> Event:
    return next(event for event in await wallet.events_of(entry) if event.name == name)
