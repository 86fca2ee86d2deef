"""Deployment parameters: one YAML file per network, checked before anything is sent."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FOLDER = Path(__file__).parent / "params"
DAY = 86_400
AddressText = Field(default=None, pattern=r"^0x[0-9a-fA-F]{40}$")


class ParamsError(Exception):
    """A parameter file is missing or wrong; the message names file and field."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenParams(_Strict):
    """`supply` in whole tokens, all of it the deployer's at first."""

    supply: int = Field(ge=0)


class StakingParams(_Strict):
    """Periods in seconds, amounts in whole tokens; the bounds are the contract's own."""

    epoch: int = Field(ge=1, le=30 * DAY)
    unbonding: int = Field(gt=21 * DAY, le=180 * DAY)
    minimum_stake: int = Field(ge=1, le=10**6)
    weight_cap: int = Field(ge=1, lt=1 << 32)
    standing_bond: int = Field(ge=0)
    leverage: int = Field(ge=1, le=10)


class GovernanceParams(_Strict):
    """Times in seconds, which no vote can make shorter; `threshold` in whole tokens."""

    delay: int = Field(ge=1, le=14 * DAY)
    period: int = Field(ge=1, le=60 * DAY)
    quorum_bps: int = Field(ge=100, le=3_000)
    threshold: int = Field(ge=1, le=10**6)
    timelock_delay: int = Field(ge=0, le=30 * DAY)


class EscrowParams(_Strict):
    """The fee; who may pause, if nobody is named the deployer."""

    fee_bps: int = Field(ge=0, le=1_000)
    guardian: str | None = AddressText


class RewardsParams(_Strict):
    """The epoch in seconds; what part of fees is burnt, and of that minted again, in basis points;
    who gets the rest, the Timelock if nobody is named."""

    epoch: int = Field(ge=1, le=30 * DAY)
    burn_bps: int = Field(ge=0, le=10_000)
    rate_bps: int = Field(ge=0, le=9_000)
    treasury: str | None = AddressText


class JobsParams(_Strict):
    """The network's shortest windows, in seconds."""

    min_claim: int = Field(ge=1, le=DAY)
    min_run: int = Field(ge=1, le=2 * DAY)
    min_reveal: int = Field(ge=1, le=DAY)


class ProvableParams(_Strict):
    """What provable jobs are measured by (docs/protocol.md §5), and two times in seconds.

    `gas_price` is wei of the network token for a unit of gas, `conviction_gas` what the tensor
    court's dearest conviction uses. `priority` is how long the announcement of a proof ripens,
    `answer_window` how long an operator has to answer a demand: seven fit into two days.
    """

    least_audit_bps: int = Field(ge=100, le=10_000)
    capture_bps: int = Field(ge=0, le=9_000)
    gas_price: int = Field(ge=1, le=10**15)
    conviction_gas: int = Field(ge=1, le=16_700_000)
    min_challenge: int = Field(ge=1, le=2 * DAY)
    priority: int = Field(ge=1, le=DAY)
    answer_window: int = Field(ge=1, le=2 * DAY // 7)


class Params(_Strict):
    """Everything a deployment depends on."""

    chain_id: int = Field(ge=1)
    seed_source: Literal["BlockSeed", "ArbitrumSeed"]
    token: TokenParams
    staking: StakingParams
    governance: GovernanceParams
    escrow: EscrowParams
    rewards: RewardsParams
    jobs: JobsParams
    provable: ProvableParams


def load(network: str, folder: Path = FOLDER) -> Params:
    """Read the parameters of a network. Raises ParamsError."""
    path = folder / f"{network}.yaml"
    try:
        return Params.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise ParamsError(f"no {path.name} in {folder}: there are {known}") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path.name}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ParamsError(f"{path.name}: {field}: {first['msg']}") from error
