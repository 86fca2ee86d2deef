"""Outcomes where something around the batch differs: named jobs, other tokens, late or retired."""

from itertools import product

import boa
import pytest

from tests.contracts.jobs_world import SILENT, terms_of
from tests.contracts.replicated_jobs.settling import (
    BACK,
    BOND,
    BURNT,
    FULL,
    PAID,
    SETTLE,
    A,
    B,
    C,
    F,
    masks_of,
    play,
    seats_of,
)
from worker.protocol.outcome import Openings, settle
from worker.protocol.record import blind
from worker.protocol.words import SeatOutcome, positions


def test_settle__named_job__a_minority_keeps_its_bond(world):
    named = [operator.id for operator in world.operators[:5]]
    job = world.post(named=named)

    settled = play(world, job, [A, A, B], [A, A])

    assert seats_of(settled) == [PAID, PAID, BACK, PAID, PAID]


def test_settle__named_job__silence_costs_the_bond(world):
    job = world.post(named=[operator.id for operator in world.operators[:3]])

    settled = play(world, job, [A, A, SILENT])

    assert seats_of(settled) == [PAID, PAID, BURNT]


def test_settle__another_token__contest_fee_is_a_tenth_of_the_bond(world):
    coin = boa.loads(
        """
from snekmate.tokens import erc20
from snekmate.auth import ownable
initializes: ownable
initializes: erc20[ownable := ownable]
exports: erc20.__interface__

@deploy
def __init__(holder: address):
    ownable.__init__()
    erc20.__init__("Coin", "COIN", 6, "Coin", "1")
    erc20._mint(holder, 10**30)
""",
        world.requesters[0],
    )
    index = world.escrow.list_token(coin, sender=world.net.owner)
    coin.approve(world.escrow, 2**256 - 1, sender=world.requesters[0])
    job = world.post(token=index, price=10**9, **SETTLE)

    settled = play(world, job, [A, B, C])

    assert seats_of(settled) == [(0, BOND // 10, BOND - BOND // 10)] * 3
    assert world.escrow.fees_of(index) == 2 * 10**8


def test_settle__agreement_reclaimed__bonds_come_back(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: A})
    world.go_to(job.terms.expiry + 7 * 86_400)
    terms = job.terms
    world.escrow.reclaim(world.jobs, terms.token, job.key, terms.expiry, terms.fee_bps)

    world.settle(job)

    assert world.escrow.credit_of(job.payer, 0) == terms.escrow
    assert all(world.credit(operator) == 0 for operator in world.operators[:3])
    assert all(world.locked(operator) == 0 for operator in world.operators[:3])


def test_settle__service_retired__still_settles(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    world.staking.retire_service(world.jobs, sender=world.net.owner)
    world.settle(job)
    world.last_third(job)
    with boa.reverts("staking: service not active"):
        world.claim(job, world.operators[3])
    world.go_to(world.clock(job).claim_until)

    settled = world.settle(job)

    assert masks_of(settled) == (0, 0, FULL, 0)
    assert all(world.locked(operator) == 0 for operator in world.operators[:3])


@pytest.mark.parametrize("results", product([A, B, F, SILENT], repeat=3))
def test_settle__every_base_round__equals_the_twin(world, results):
    job = world.post()
    settled = play(world, job, results)
    opened = {
        seat: dict(enumerate(blind(s) for s in found))
        for seat, found in enumerate(results)
        if found is not SILENT
    }

    twin = settle(
        terms_of(),
        Openings(
            granted=3,
            base=0,
            mask=FULL,
            price=job.terms.price,
            is_filled=True,
            sealed=0b111,
            opened=opened,
        ),
    )

    assert masks_of(settled) == (twin.paid, twin.failed, twin.tied, twin.contested)
    assert settled.values == [twin.values[task] for task in positions(twin.paid)]
    assert world.left(job) == job.terms.escrow - twin.refund - twin.burn - sum(
        seat.paid for seat in twin.seats.values()
    )
    seats = [SeatOutcome.unpack(word) for word in settled.seats]
    assert [(s.paid, s.burnt, s.released) for s in seats] == [
        (s.paid, s.burnt, s.released) for s in twin.seats.values() if s.burnt or s.released
    ]
