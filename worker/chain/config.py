"""Where the chain is, when to trust it, and what may be paid."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator


class ChainConfig(BaseModel):
    """Settings of the chain room. Times are seconds, depths are blocks, fees are gwei per gas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rpc_urls: tuple[HttpUrl, ...] = Field(min_length=1)
    """Endpoints, the preferred one first."""

    confirmations: int = Field(default=6, ge=0)
    """How many blocks must lie on top of a block before it is acted upon."""

    poll_seconds: float = Field(default=2.0, gt=0)

    request_timeout: float = Field(default=3.0, gt=0, le=60)
    """After this an endpoint counts as hung."""

    probe_seconds: float = Field(default=1.0, gt=0)
    """How often each endpoint's head is compared with the others'."""

    max_lag_blocks: int = Field(default=3, ge=1)
    """An endpoint further behind than this is left at once …"""

    max_lag_seconds: float = Field(default=3.0, gt=0)
    """… and one that is behind at all is left after this time."""

    max_log_range: int = Field(default=1_000, ge=1)
    """Blocks asked for in one log query, at most; halved when an endpoint wants fewer."""

    overlap_blocks: int = Field(default=8, ge=0, le=32)
    """Scanned blocks that are asked for again: some endpoints answer before they know a block."""

    max_fee_gwei: float = Field(default=100.0, gt=0)
    """Highest fee per gas, unless more is at stake than the transaction then costs."""

    max_tip_gwei: float = Field(default=3.0, gt=0)

    bump_percent: float = Field(default=12.5, ge=12.5, le=100)
    """By how much a replacement raises both fees; nodes refuse less than 10."""

    bump_after_blocks: int = Field(default=3, ge=1)

    max_in_flight: int = Field(default=16, ge=1, le=512)
    """Transactions signed and not mined yet; public nodes keep about 64 of one account."""


class KeyConfig(BaseModel):
    """Where a key is: exactly one of the three. The password comes from the file, else from
    PROOFMESH_PASSWORD, else from a prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keystore: Path | None = None
    """A version 3 keystore, readable by its owner only."""

    account: str | None = None
    """The alias of an ape account."""

    dev_account: int | None = Field(default=None, ge=0, le=99)
    """One of the accounts that a local chain funds; refused on any other chain."""

    password_file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "KeyConfig":
        given = (self.keystore, self.account, self.dev_account)
        if sum(source is not None for source in given) != 1:
            raise ValueError("give exactly one of keystore, account and dev_account")
        return self
