"""What is refused, and for which reason."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from worker.protocol.merkle import named_root
from worker.protocol.words import GWEI, OnDissent, Terms
from worker.services.policy import (
    Offer,
    PolicyConfig,
    Reason,
    Situation,
    TokenTerms,
    claims_late,
    membership,
    refuse_posting,
    refuse_round,
    run_seconds,
)
from worker.services.rounds import ReplicatedLane
from worker.types import Address, BatchIndex, Digest, Gwei, OperatorId, Seconds, Timestamp, Wei
from worker.work.prepare import Effort

PROGRAM = Digest(b"p" * 32)
PAYER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
ME = OperatorId(7)
TOKEN = 10**18
TERMS = Terms(
    price=Wei(TOKEN // 2),
    bond=Gwei(2 * 10**9),
    tasks=8,
    seats=3,
    max_seats=5,
    batch_log2=2,
    on_dissent=OnDissent.ESCALATE,
    token=0,
    fee_bps=100,
    claim=Seconds(60),
    run=Seconds(600),
    reveal=Seconds(60),
    expiry=Timestamp(100_000),
    posted_at=Timestamp(1_000),
)
FIRST = ReplicatedLane().first_round(TERMS, BatchIndex(0))
OFFER = Offer(TERMS, FIRST.clock.claim_until, 650, 4, TERMS.price, Effort(fuel=10**9))
HERE = Situation(
    now=Timestamp(1_010),
    seats=0,
    locked=Gwei(0),
    lockable=Gwei(100 * 10**9),
    gas_price=Wei(GWEI),
    fuel_per_second=1e9,
    steps_per_second=2e9,
    overhead=0.0,
    task_seconds=None,
    parallel=1,
)


@pytest.mark.parametrize(
    ("config", "terms", "reason"),
    [
        ({}, {}, None),
        ({"denied_programs": {PROGRAM.hex()}}, {}, Reason.DENIED_PROGRAM),
        ({"denied_requesters": {PAYER.lower()}}, {}, Reason.DENIED_REQUESTER),
        ({}, {"token": 1}, Reason.TOKEN_NOT_ACCEPTED),
        ({"tokens": {1: TokenTerms()}}, {"token": 1}, None),
        ({"tokens": {0: TokenTerms(min_price=3 * TOKEN)}}, {}, Reason.PRICE_TOO_LOW),
        # The payer may still raise the price up to the bond.
        ({"tokens": {0: TokenTerms(min_price=TOKEN)}}, {}, None),
        ({}, {"named": named_root([7, 9])}, Reason.NOT_NAMED),
        ({"circles": ((7, 9),)}, {"named": named_root([7, 9])}, None),
        ({"circles": ((8, 9),)}, {"named": named_root([8, 9])}, Reason.NOT_NAMED),
        # Audits are for everybody.
        ({}, {"named": named_root([8, 9]), "audit_bps": 100}, None),
    ],
)
def test_refuse_posting__table(
    config: dict[str, Any], terms: dict[str, Any], reason: Reason | None
) -> None:
    policy = PolicyConfig.model_validate(config)
    assert refuse_posting(policy, replace(TERMS, **terms), PROGRAM, PAYER, ME) is reason


@pytest.mark.parametrize(
    ("config", "offer", "here", "reason"),
    [
        ({}, {}, {}, None),
        ({"seats": 2}, {}, {"seats": 2}, Reason.AT_CAPACITY),
        ({"seats": 2}, {}, {"seats": 1}, None),
        ({"tokens": {0: TokenTerms(min_price=TOKEN)}}, {}, {}, Reason.PRICE_TOO_LOW),
        ({"tokens": {0: TokenTerms(min_price=TOKEN)}}, {"price": TOKEN}, {}, None),
        ({"tokens": {0: TokenTerms(min_price_per_gfuel=TOKEN)}}, {}, {}, Reason.PRICE_TOO_LOW),
        ({"max_exposure": 8 * 10**9}, {}, {}, None),
        ({"max_exposure": 8 * 10**9}, {}, {"locked": Gwei(1)}, Reason.EXPOSURE_LIMIT),
        ({}, {}, {"lockable": Gwei(8 * 10**9 - 1)}, Reason.STAKE_LOCKED),
        ({}, {}, {"now": Timestamp(1_059)}, None),
        ({}, {}, {"now": Timestamp(1_060)}, Reason.WINDOW_CLOSING),
        ({"tokens": {0: TokenTerms(min_price_per_gstep=TOKEN)}}, {}, {}, None),
        (
            {"tokens": {0: TokenTerms(min_price_per_gstep=TOKEN)}},
            {"effort": Effort(steps=10**9)},
            {},
            Reason.PRICE_TOO_LOW,
        ),
        # 650 s are left of the window, half of it may be used: 4 tasks of 81 s fit, of 82 not.
        ({}, {"effort": Effort(fuel=81 * 10**9)}, {}, None),
        ({}, {"effort": Effort(fuel=82 * 10**9)}, {}, Reason.RUN_TOO_LONG),
        ({}, {"effort": Effort(steps=162 * 10**9)}, {}, None),
        ({}, {"effort": Effort(steps=163 * 10**9)}, {}, Reason.RUN_TOO_LONG),
        ({}, {"effort": Effort(fuel=82 * 10**9)}, {"parallel": 2}, None),
        ({}, {"effort": Effort(fuel=79 * 10**9)}, {"overhead": 2.0}, None),
        ({}, {"effort": Effort(fuel=80 * 10**9)}, {"overhead": 2.0}, Reason.RUN_TOO_LONG),
        ({}, {"effort": Effort(fuel=82 * 10**9)}, {"task_seconds": 1.0}, None),
        # 296,000 gas at 1 gwei cost 0.000296 coins; the reward of 1.98 tokens is worth twice that.
        ({"tokens": {0: TokenTerms(value=Decimal("0.0003"))}}, {}, {}, None),
        ({"tokens": {0: TokenTerms(value=Decimal("0.0002"))}}, {}, {}, Reason.GAS_TOO_HIGH),
        ({"tokens": {0: TokenTerms(value=Decimal(0))}}, {}, {"gas_price": Wei(10**15)}, None),
    ],
)
def test_refuse_round__table(
    config: dict[str, Any], offer: dict[str, Any], here: dict[str, Any], reason: Reason | None
) -> None:
    policy = PolicyConfig.model_validate(config)
    found = refuse_round(policy, replace(OFFER, **offer), replace(HERE, **here))
    assert found is reason


def test_reward__fee__taken_off() -> None:
    assert OFFER.reward == 4 * TERMS.price * 99 // 100


def test_run_seconds__waves_of_parallel_tasks() -> None:
    assert run_seconds(OFFER, replace(HERE, parallel=3)) == 2.0


@pytest.mark.parametrize(
    ("seconds", "wait", "late"), [(1.9, -5, True), (2.1, -5, False), (2.1, 3, True), (9, 3, False)]
)
def test_claims_late__cheap_or_fits_the_wait(seconds: float, wait: float, late: bool) -> None:
    assert claims_late(PolicyConfig(), seconds, wait) is late


def test_membership__named__proves_the_index() -> None:
    policy = PolicyConfig(circles=((5, 7, 9),))
    proof = membership(policy, replace(TERMS, named=named_root([5, 7, 9])), ME)
    assert proof is not None
    assert proof[0] == 1
    assert membership(policy, TERMS, ME) == (0, [])
