"""A hostile token calls every external function of every contract, wherever a token is called."""

from collections.abc import Callable

import boa
import pytest

from tests.contracts.calls import Call, calls_of
from tests.contracts.jobs_world import NO_PERMIT, in_seats
from tests.contracts.ledger.recorder import Fact, recording
from tests.contracts.stateful.whole_world import (
    CALLS_BACK,
    CALLS_BACK_WHEN_ASKED,
    HOSTILE,
    WholeWorld,
)

INDEX = HOSTILE[0]
STATED = b"\x08\xc3y\xa0"  # a revert with a reason
# The lock is each file's own, and these are of snekmate's: they touch no money.
OWNERSHIP_VIEWS = {"owner", "pending_owner"}
OWNERSHIP = OWNERSHIP_VIEWS | {"transfer_ownership", "accept_ownership"}
ANYONES = {"Approval", "EpochClosed", "ProofAnnounced", "VotesChanged"}
"""Whoever calls may allow others its own tokens, announce its proofs, bring votes up to date, and
close an epoch that is over."""

BLIND_PERMIT = (2**63, 27, b"\1" * 32, b"\1" * 32)


@pytest.fixture(scope="module")
def world() -> WholeWorld:
    return WholeWorld()


@pytest.fixture
def token(world):
    """A listed token, in which payers and an operator have credits and fees are due."""
    job = world.side.post(token=INDEX)
    world.side.play(job, {seat: [b"\2" * 32] * 2 for seat in range(3)})
    world.side.settle(job)
    other = world.side.post(token=INDEX, tasks=1, batch_log2=0)
    world.side.play(other, {seat: [b"\2" * 32] for seat in range(1, 4)})
    world.side.settle(other)
    world.escrow.withdraw_operator(2, INDEX)
    return world.tokens[INDEX]


def post(world: WholeWorld) -> None:
    world.side.post(token=INDEX)


def post_with_permit(world: WholeWorld) -> None:
    terms, origin = world.side.terms_of(token=INDEX), world.side.origin()
    parts = (origin.nonce, origin.program, origin.inputs, origin.manifest)
    call = (terms.a, terms.b, terms.named, parts, b"", BLIND_PERMIT)
    world.replicated.post_job(*call, sender=world.requesters[0])


def post_provable(world: WholeWorld) -> None:
    world.post(token=INDEX)


def top_up(world: WholeWorld) -> None:
    job = world.side.post(token=INDEX)
    in_seats(world.side, job, 1)
    world.go_to(world.side.clock(job).claim_until)
    price = job.terms.price + 1
    call = (job.members, job.origin_members, [0], price, NO_PERMIT)
    world.replicated.raise_price(*call, sender=job.payer)


def withdraw(world: WholeWorld) -> None:
    world.escrow.withdraw(INDEX, sender=world.requesters[0])


def withdraw_operator(world: WholeWorld) -> None:
    world.escrow.withdraw_operator(1, INDEX)


def collect_fees(world: WholeWorld) -> None:
    world.escrow.collect_fees(INDEX)


POSTINGS = {
    post: "replicated",
    post_with_permit: "replicated",
    post_provable: "jobs",
    top_up: "replicated",
}
WAYS_IN = [*POSTINGS, withdraw, withdraw_operator, collect_fees]


def locked_by(world: WholeWorld, way_in: Callable) -> list:
    """Return the contracts that are on the way when the token is called."""
    inside = [world.escrow]
    return [*inside, getattr(world, POSTINGS[way_in])] if way_in in POSTINGS else inside


def from_outside(world: WholeWorld, target, call: Call) -> bool:
    """Whether a call is answered, or refused with a reason, while nothing else runs."""
    with boa.env.anchor():
        done = boa.env.execute_code(to_address=target.address, data=call.data)
    return not done.is_error or bytes(done.output[:4]) == STATED


@pytest.mark.parametrize("way_in", WAYS_IN, ids=lambda way: way.__name__)
def test_reentrancy__every_function_while_a_token_moves__is_locked(world, token, way_in):
    """What is on the way answers nothing but constants and whose it is, not even a reason."""
    tried = 0
    for target in locked_by(world, way_in):
        for call in calls_of(target, world.requesters[0]):
            with boa.env.anchor():
                token.set_mode(CALLS_BACK, target.address, call.data)
                way_in(world)
                called, went, response = (
                    token.called_back(),
                    token.call_succeeded(),
                    token.response(),
                )
            assert called
            if call.is_fixed or call.name in OWNERSHIP:
                assert went == (call.is_fixed or call.name in OWNERSHIP_VIEWS)
                continue
            assert not went, call.name
            assert response == b"", call.name
            assert from_outside(world, target, call), call.name  # so it was the lock
            tried += 1
    assert tried > 20


@pytest.mark.parametrize("way_in", POSTINGS, ids=lambda way: way.__name__)
def test_reentrancy__views_while_a_token_is_asked__are_locked(world, token, way_in):
    """A token that is asked for its balance can read nothing that is half done."""
    for target in locked_by(world, way_in):
        for call in calls_of(target, world.requesters[0]):
            with boa.env.anchor():
                token.set_mode(CALLS_BACK_WHEN_ASKED, target.address, call.data)
                if call.is_fixed or call.name in OWNERSHIP_VIEWS:
                    with boa.reverts("hostile: answered"):
                        way_in(world)
                else:
                    way_in(world)


@pytest.mark.parametrize("way_in", [post, withdraw], ids=lambda way: way.__name__)
def test_reentrancy__every_other_contract__no_money_moves(world, token, way_in):
    """What is not on the way may be called, as by anyone: nothing of it changes who owns what."""
    others = [world.staking, world.courts, world.registry, world.demands, world.token]
    others += [world.net.delegation, world.net.rewards]
    others += [s for s in (world.replicated, world.jobs) if s not in locked_by(world, way_in)]
    with boa.env.anchor():
        expected = _told(world, way_in)
    for target in others:
        for call in calls_of(target, world.requesters[0]):
            with boa.env.anchor():
                token.set_mode(CALLS_BACK, target.address, call.data)
                assert _told(world, way_in) == expected, call.name
                assert token.called_back()


def _told(world: WholeWorld, way_in: Callable) -> tuple[list[tuple[str, str]], list[int]]:
    """Return which events are logged while the token moves, and what Escrow holds then. All that
    the contracts keep is in their events, as the ledger shows."""
    facts: list[Fact] = []
    with recording(facts.append):
        way_in(world)
    held = [token.balanceOf(world.escrow) for token in world.tokens]
    return [(fact.contract, fact.name) for fact in facts if fact.name not in ANYONES], held
