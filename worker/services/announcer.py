"""Keeps the operator's profile in the Registry: where its worker answers, what it can do, and until
when."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from worker import __version__
from worker.protocol.capabilities import Capability
from worker.protocol.outbox import Intent
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk


class ProfileConfig(BaseModel):
    """What to announce besides the public address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: int = Field(default=0, ge=0, lt=1 << 64)
    """The H3 cell of resolution 3 or 4, 0 when not told."""

    price: int = Field(default=0, ge=0)
    """Asked per task, in wei of the network token."""

    lease_seconds: int = Field(default=7 * 86_400, ge=60, le=30 * 86_400)


class Announcer(Service):
    """Renews the lease once half of it is over, or when what is announced changed."""

    name = "announcer"
    period = 60.0

    def __init__(
        self,
        desk: Desk[Any],
        profile: ProfileConfig,
        endpoint: str,
        capabilities: Capability,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self._desk = desk
        self._profile = profile
        self._endpoint = endpoint
        self._capabilities = capabilities

    async def tick(self) -> bool:
        """Renew if it is due."""
        now = self._desk.chain.now
        if not now:
            return False
        operator = self._desk.identity.operator
        shown = await self._desk.chain.contracts.call("Registry", "profile_of", operator)
        shown_as, expires_at = (shown[0], shown[1]), shown[-1]
        lease = self._profile.lease_seconds
        is_same = shown_as == (self._endpoint, self._capabilities)
        if is_same and expires_at - now > lease // 2:
            return False
        self._desk.outbox.enqueue(
            Intent(
                # Once for what the chain shows now, and again later should that one fail.
                purpose=f"announce:{self._endpoint}:{self._capabilities:d}:{expires_at}"
                f":{now // (lease // 4)}",
                to=self._desk.chain.contracts.address("Registry"),
                data=self._encode(operator, self._endpoint),
            )
        )
        self.step("intent_stored")
        return False

    def _encode(self, operator: int, endpoint: str) -> bytes:
        return self._desk.chain.contracts.encode(
            "Registry",
            "announce",
            operator,
            endpoint,
            int(self._capabilities),
            bytes(32),
            self._profile.region,
            self._profile.price,
            __version__,
            self._profile.lease_seconds,
        )
