"""Brings in what the network gives beside pay: has fees divided, epochs closed, and claims what
vested. That goes to the operator's owner and its delegators; an owner that works with its own key
can have it staked, too."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from worker.protocol.eip712 import NO_PERMIT
from worker.protocol.outbox import Intent
from worker.protocol.words import BPS, GWEI, NETWORK_TOKEN
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk
from worker.services.policy import TokenTerms

BOOK_GAS, CLOSE_GAS, CLAIM_GAS, STAKE_GAS = 190_000, 51_000, 90_000, 130_000
"""What the calls use (docs/benchmarks.md); to stake, an allowance too."""

_RETRY_SECONDS = 3_600
_LOOK_BACK_SECONDS = 60 * 86_400  # an epoch and its vesting are over by then
_MOST_EPOCHS = 64
"""Epochs that are looked at, however short they are; those that were closed here are remembered."""
_CLOSE = "close-epoch"


class CollectConfig(BaseModel):
    """From when on collecting is worth its gas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: int = Field(default=10**18, ge=1)
    """Wei of the network token that a step must bring."""

    compound: bool = False
    """Stake whatever this key's account holds, where it is the operator's owner."""

    gas_times: float = Field(default=2.0, gt=0)
    """How many times its gas it must be worth, where the policy knows what the token is worth."""


class Collector(Service):
    """Books, closes and claims for its own operator, each once it pays."""

    name = "collector"
    period = 60.0

    def __init__(
        self,
        desk: Desk[Any],
        config: CollectConfig,
        token: TokenTerms,
        on_step: StepHook = no_hook,
    ) -> None:
        """`token` tells what the network token is worth."""
        super().__init__(on_step)
        self._desk = desk
        self._config = config
        self._token = token

    async def tick(self) -> bool:
        """Look at fees and epochs, and ask for what pays."""
        if self._desk.chain.now:
            await self._book()
            length = await self._rewards("epoch_length")
            for epoch, burnt in await self._unclaimed(length):
                await self._bring_in(epoch, burnt, epoch * length)
            if self._config.compound:
                await self._compound()
        return False

    async def _book(self) -> None:
        """Have the fees on what was earned divided: their burnt part is what emission follows."""
        operator = self._desk.identity.operator
        paid, waiting, booked, burn_bps, rate_bps = await self._desk.chain.contracts.read_all(
            [
                ("Escrow", "fees_paid", (operator,)),
                ("Escrow", "operator_fees", (operator, NETWORK_TOKEN)),
                ("Rewards", "booked", (operator,)),
                ("Rewards", "burn_bps", ()),
                ("Rewards", "rate_bps", ()),
            ],
            "latest",
        )
        brings = (paid + waiting - booked) * burn_bps // BPS * rate_bps // BPS
        if self._pays(brings, BOOK_GAS + CLOSE_GAS + CLAIM_GAS):
            self._ask(f"book:{booked}:{self._window}", "book", operator)

    async def _unclaimed(self, length: int) -> list[tuple[int, int]]:
        """Return the epochs that are over in which something was burnt for this operator that it
        has not claimed for yet, with how much, in wei."""
        operator, now = self._desk.identity.operator, self._desk.chain.now // length
        look_back = min(_MOST_EPOCHS, _LOOK_BACK_SECONDS // length + 1)
        closed = {int(name.split(":")[1]) for name in self._desk.outbox.purposes(_CLOSE)}
        epochs = sorted(closed | set(range(max(0, now - look_back), now)))
        views = [("burnt_of", (epoch, operator)) for epoch in epochs]
        burnt = await self._desk.chain.contracts.read("Rewards", views, "latest")
        return [(epoch, amount) for epoch, amount in zip(epochs, burnt, strict=True) if amount]

    async def _bring_in(self, epoch: int, burnt: int, began_at: int) -> None:
        """Close an epoch, or claim of it once it has vested, by whomever it was closed."""
        rate_bps, vests_at = await self._rewards("closed", epoch)
        if not vests_at:
            brings = burnt * await self._rewards("rate_bps") // BPS
            if self._pays(brings, CLOSE_GAS + CLAIM_GAS):
                self._ask(f"{_CLOSE}:{epoch}:{self._window}", "close_epoch", epoch)
        elif self._desk.chain.now >= vests_at:
            is_left = not await self._was_convicted_since(began_at)
            if is_left and self._pays(burnt * rate_bps // BPS, CLAIM_GAS):
                operator = self._desk.identity.operator
                self._ask(f"emission:{epoch}:{self._window}", "claim", operator, epoch)

    async def _compound(self) -> None:
        """Stake what the account holds, in whole gwei, out of an allowance for exactly that."""
        contracts, me = self._desk.chain.contracts, self._desk.identity
        staking = contracts.address("Staking")
        owner, balance, allowance = await contracts.read_all(
            [
                ("Staking", "owner_of", (me.operator,)),
                ("Token", "balanceOf", (me.worker,)),
                ("Token", "allowance", (me.worker, staking)),
            ],
            "latest",
        )
        amount, name = balance - balance % GWEI, f"{balance}:{self._window}"
        if owner != me.worker or not self._pays(amount, STAKE_GAS):
            return
        if allowance < amount:
            self._ask(f"allow:{name}", "approve", staking, amount, to="Token")
        else:
            args = me.operator, amount, NO_PERMIT
            self._ask(f"compound:{name}", "stake", *args, to="Staking")

    async def _was_convicted_since(self, moment: int) -> bool:
        """Whether a conviction leaves nothing of what was burnt from then on."""
        contracts, operator = self._desk.chain.contracts, self._desk.identity.operator
        at: int = await contracts.call("Staking", "convicted_at", operator)
        return at >= moment

    async def _rewards(self, view: str, *args: int) -> Any:
        return await self._desk.chain.contracts.call("Rewards", view, *args)

    def _pays(self, brings: int, gas: int) -> bool:
        """Whether so much of the network token is worth so much gas, at the fee of now."""
        head = self._desk.chain.head
        cost = gas * (head.base_fee if head else 0) * self._config.gas_times
        value = float(self._token.value)
        return brings >= self._config.least and (not value or brings * value >= cost)

    @property
    def _window(self) -> int:
        """Part of the names of calls that may be asked for again, should one fail."""
        return self._desk.chain.now // _RETRY_SECONDS

    def _ask(self, purpose: str, function: str, *args: Any, to: str = "Rewards") -> None:
        contracts = self._desk.chain.contracts
        data = contracts.encode(to, function, *args)
        self._desk.outbox.enqueue(Intent(purpose, contracts.address(to), data))
        self.step("intent_stored")
        self._desk.on_intent()
