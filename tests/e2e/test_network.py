"""A job from posting to payment on real processes: honest, lying, killed and drained workers."""

import asyncio
import signal

import pytest

from tests.e2e.network import (
    all_settled,
    events,
    job_spec,
    post,
    settlements,
    until,
)
from worker.cli.devnet.network import Network
from worker.protocol.words import SeatOutcome

pytestmark = pytest.mark.asyncio(loop_scope="session")

KILLS = (
    "claimer.candidate_stored",
    "runner.record_stored",
    "sealer.intent_stored",
    "sender.sent.seal",
    "revealer.intent_stored",
)


async def _start(network: Network, **roles: tuple[str, ...]) -> None:
    """Start all five workers; `w2=("--lie",)` gives the second a role."""
    for index, operator in enumerate(network.operators, 1):
        await network.start(operator, *roles.get(f"w{index}", ()))


async def _paid(network: Network, key: bytes) -> dict[int, int]:
    """Return what each operator was paid in a job, in wei before the fee."""
    paid: dict[int, int] = {}
    for settled in await events(network, "BatchSettled", job=key):
        for seat in map(SeatOutcome.unpack, settled["seats"]):
            paid[seat.operator] = paid.get(seat.operator, 0) + seat.paid
    return paid


async def _assert_sound(network: Network) -> None:
    audit = await network.audit()
    assert audit.holds, [check for check in audit.checks if not check.holds]


async def test_job__honest_workers__concluded_on_the_short_path(network: Network) -> None:
    await _start(network)
    posted = await post(network, job_spec())
    await all_settled(network, posted)

    final = await settlements(network, posted)
    assert all(one["paid_mask"] == posted.terms.full_mask(one["batch"]) for one in final)
    paid = await _paid(network, posted.key)
    assert sum(paid.values()) == posted.terms.tasks * 3 * posted.terms.price
    # Concluded: claims carried the seals, and nobody had to reveal.
    assert await events(network, "ResultRevealed", job=posted.key) == []
    await _assert_sound(network)


async def test_job__a_liar__grows_and_burns_its_bond(network: Network) -> None:
    liar, *honest = network.operators
    await network.start(liar, "--lie")
    for operator in honest[:2]:
        await network.start(operator)
    posted = await post(network, job_spec(windows={"claim": "20s", "run": "15s", "reveal": "15s"}))

    async def is_filled() -> bool:
        return len(await events(network, "SeatClaimed", job=posted.key)) >= 6

    await until(is_filled, "the base rounds filled", network)
    for operator in honest[2:]:
        await network.start(operator)
    await all_settled(network, posted, within=90)

    seats = [
        seat
        for settled in await events(network, "BatchSettled", job=posted.key)
        for seat in map(SeatOutcome.unpack, settled["seats"])
    ]
    burnt = {seat.operator: 0 for seat in seats}
    for seat in seats:
        burnt[seat.operator] += seat.burnt
    assert burnt.pop(liar.id) == posted.terms.tasks * posted.terms.bond
    assert not any(burnt.values())
    paid = await _paid(network, posted.key)
    assert paid.pop(liar.id) == 0
    assert sum(paid.values()) == posted.terms.tasks * 4 * posted.terms.price
    await _assert_sound(network)


@pytest.mark.parametrize("step", KILLS)
async def test_kill__at_a_named_step__same_end_state(network: Network, step: str) -> None:
    # Three workers fill three seats, so the one that dies is always drawn in both batches; a
    # `settle` job with an absent peer's API is never needed: reveals are forced by the kill.
    victim, *others = network.operators[:3]
    await network.start(victim, "--die-at", step)
    for operator in others:
        await network.start(operator)
    posted = await post(network, job_spec(windows={"claim": "15s", "run": "15s", "reveal": "20s"}))
    if step.startswith("revealer"):
        await _silence_one(network, others[0])

    code = await asyncio.wait_for(network.processes.wait(victim.name), 45)
    assert code == -signal.SIGKILL
    await network.processes.kill(victim.name)
    await network.start(victim)
    await all_settled(network, posted, within=70)

    paid = await _paid(network, posted.key)
    each = posted.terms.tasks * posted.terms.price
    assert paid == {operator.id: each for operator in (victim, *others)}
    seals = await events(network, "ResultSealed", job=posted.key)
    assert len(seals) == 3 * posted.terms.batches
    reveals = await events(network, "ResultRevealed", job=posted.key)
    opened = [(one["batch"], one["round"], one["operator"]) for one in reveals]
    assert len(opened) == len(set(opened))
    await _assert_sound(network)
