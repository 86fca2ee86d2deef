"""What an operator or a watcher chooses about accusing others."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class ChallengeConfig(BaseModel):
    """Accusing costs gas and earns a bounty. Every lie that is found is logged either way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_profit: Decimal | None = None
    """The least that a conviction must earn, in whole coins of the chain, the gas taken off; None:
    whoever lies is convicted whatever it costs."""

    token_value: Decimal = Field(default=Decimal(0), ge=0)
    """The price of one whole network token in the chain's own coin, by which `min_profit` is
    measured."""
