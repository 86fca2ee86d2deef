"""What work this operator takes. Pure: terms and a situation in, a reason code or None out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from worker.chain.deployment import AddressField
from worker.protocol.manifest import Sha256
from worker.protocol.merkle import named_proof, named_root
from worker.protocol.words import BPS, GWEI, NETWORK_TOKEN, Terms
from worker.services.lane import Running
from worker.types import Address, Digest, Gwei, OperatorId, Timestamp, Wei
from worker.work.prepare import Effort

# What one seat spends on claim, seal, reveal and its share of the settlement (gas.json).
GAS_PER_BATCH = 200_000
GAS_PER_TASK = 24_000


class Reason(StrEnum):
    """Why work was not taken; shown in /status and counted."""

    DENIED_PROGRAM = "denied_program"
    DENIED_REQUESTER = "denied_requester"
    TOKEN_NOT_ACCEPTED = "token_not_accepted"  # noqa: S105 - not a secret
    PRICE_TOO_LOW = "price_too_low"
    NOT_NAMED = "not_named"
    UNUSABLE = "unusable"  # the manifest, the program or a blob is wrong, or asks for too much
    UNAVAILABLE = "unavailable"  # a blob could not be fetched yet
    RUN_TOO_LONG = "run_too_long"
    AT_CAPACITY = "at_capacity"
    EXPOSURE_LIMIT = "exposure_limit"
    STAKE_LOCKED = "stake_locked"
    GAS_TOO_HIGH = "gas_too_high"
    WINDOW_CLOSING = "window_closing"


class TokenTerms(BaseModel):
    """What an accepted token is worth, and the least to work for in it.

    `value` is the price of one whole token (10^18 wei) in the chain's own coin; 0 takes gas as
    free. The minimum prices are wei of the token: per task, per 10^9 units of fuel allowed, and per
    10^9 steps of a tensor program.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Decimal = Field(default=Decimal(0), ge=0)
    min_price: int = Field(default=1, ge=1)
    min_price_per_gfuel: int = Field(default=0, ge=0)
    min_price_per_gstep: int = Field(default=0, ge=0)


class PolicyConfig(BaseModel):
    """An operator's choices. Amounts of stake are gwei."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: Mapping[int, TokenTerms] = Field(default_factory=lambda: {0: TokenTerms()})
    """Accepted tokens by their index in Escrow; 0 is the network's."""

    seats: int = Field(default=32, ge=1)
    """Batches held at once, from the claim to the settlement."""

    max_exposure: int | None = Field(default=None, ge=0)
    """The most that is locked as bonds at once; None: all that may be locked."""

    max_gas_share: float = Field(default=0.5, gt=0)
    """The part of a reward that gas may eat."""

    fuel_per_second: int = Field(default=1_000_000_000, ge=1)
    """How fast this host runs, until it has measured: counts as one second of running."""

    steps_per_second: int = Field(default=1_000_000_000, ge=1)
    """The same of tensor programs."""

    run_margin: float = Field(default=0.5, gt=0, le=1)
    """The part of a run window that the estimated run may take."""

    cheap_seconds: float = Field(default=2.0, ge=0)
    """Runs shorter than this come before the claim, which then carries the seal."""

    circles: tuple[tuple[int, ...], ...] = ()
    """Groups of operators that this one works in; a job of named operators is known by its list,
    in the order in which the requester gave it."""

    denied_programs: frozenset[Sha256] = frozenset()
    denied_requesters: frozenset[AddressField] = frozenset()


@dataclass(frozen=True)
class Offer:
    """A round of a batch: what is asked, for how much, how long a run may take."""

    terms: Terms
    claim_until: int
    run_seconds: int
    tasks: int
    price: Wei
    effort: Effort

    @property
    def bond(self) -> Gwei:
        """What a seat locks."""
        return Gwei(self.terms.bond * self.tasks)

    @property
    def reward(self) -> Wei:
        """What a seat that agrees is credited, the fee taken off."""
        gross = self.price * self.tasks
        return Wei(gross - gross * self.terms.fee_bps // BPS)


@dataclass(frozen=True)
class Situation:
    """Where this worker stands: chain time, its load, its stake, the present fee per gas."""

    now: Timestamp
    seats: int
    locked: Gwei
    lockable: Gwei  # what Staking would still let this key lock
    gas_price: Wei
    fuel_per_second: float
    steps_per_second: float
    overhead: float  # seconds that each task takes besides
    task_seconds: float | None  # the longest that a task of this job took here
    parallel: int


def refuse_posting(
    policy: PolicyConfig, terms: Terms, program: Digest, payer: Address, operator: OperatorId
) -> Reason | None:
    """Judge a job by its posting alone, before anything is fetched."""
    token = policy.tokens.get(terms.token)
    if program.hex() in policy.denied_programs:
        return Reason.DENIED_PROGRAM
    if payer in policy.denied_requesters:
        return Reason.DENIED_REQUESTER
    if token is None:
        return Reason.TOKEN_NOT_ACCEPTED
    is_for_others = terms.is_named and membership(policy, terms, operator) is None
    if is_for_others and not terms.audit_bps:  # anybody may audit
        return Reason.NOT_NAMED
    # A raise may bring more later, at most to the bond; judged anew then.
    if max(terms.price, terms.bond * GWEI if terms.token == NETWORK_TOKEN else 0) < token.min_price:
        return Reason.PRICE_TOO_LOW
    return None


def membership(
    policy: PolicyConfig, terms: Terms, operator: OperatorId
) -> tuple[int, list[bytes]] | None:
    """Return the proof that `operator` is named, empty where nobody is; None when it is not."""
    if not terms.is_named:
        return 0, []
    for circle in policy.circles:
        if operator in circle and named_root(circle) == terms.named:
            index = circle.index(operator)
            return index, named_proof(circle, index)
    return None


def proof_for(
    policy: PolicyConfig, round_: Running, operator: OperatorId
) -> tuple[int, list[bytes]] | None:
    """Return what a claim of an open seat proves: nothing where the operators are not named."""
    return membership(policy, round_.terms, operator) if round_.is_named else (0, [])


def refuse_round(policy: PolicyConfig, offer: Offer, here: Situation) -> Reason | None:
    """Judge one batch's round at the moment of claiming it."""
    checks = (
        (Reason.AT_CAPACITY, here.seats < policy.seats),
        (Reason.PRICE_TOO_LOW, _pays_enough(policy, offer)),
        (Reason.EXPOSURE_LIMIT, _within_exposure(policy, offer, here)),
        (Reason.STAKE_LOCKED, offer.bond <= here.lockable),
        (Reason.WINDOW_CLOSING, here.now < offer.claim_until),
        (Reason.RUN_TOO_LONG, _fits_window(policy, offer, here)),
        (Reason.GAS_TOO_HIGH, _covers_gas(policy, offer, here)),
    )
    return next((reason for reason, holds in checks if not holds), None)


def run_seconds(offer: Offer, here: Situation) -> float:
    """Return how long the batch runs: as its job's tasks did, else as if all fuel were burnt."""
    effort = offer.effort
    most = effort.fuel / here.fuel_per_second + effort.steps / here.steps_per_second
    return -(-offer.tasks // here.parallel) * (here.task_seconds or here.overhead + most)


def claims_late(policy: PolicyConfig, seconds: float, wait: float) -> bool:
    """Whether to run first, then claim and seal at once: the run is cheap or fits the wait."""
    return seconds <= max(wait, policy.cheap_seconds)


def _pays_enough(policy: PolicyConfig, offer: Offer) -> bool:
    token = policy.tokens[offer.terms.token]
    least = token.min_price_per_gfuel * offer.effort.fuel
    least += token.min_price_per_gstep * offer.effort.steps
    return offer.price >= max(token.min_price, least // 10**9)


def _within_exposure(policy: PolicyConfig, offer: Offer, here: Situation) -> bool:
    return policy.max_exposure is None or here.locked + offer.bond <= policy.max_exposure


def _fits_window(policy: PolicyConfig, offer: Offer, here: Situation) -> bool:
    return run_seconds(offer, here) <= offer.run_seconds * policy.run_margin


def _covers_gas(policy: PolicyConfig, offer: Offer, here: Situation) -> bool:
    value = policy.tokens[offer.terms.token].value
    if value == 0:
        return True
    cost = (GAS_PER_BATCH + GAS_PER_TASK * offer.tasks) * here.gas_price
    return cost <= float(offer.reward * value) * policy.max_gas_share
