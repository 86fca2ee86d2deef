"""A job from posting to payment on real processes: honest, lying, killed and drained workers."""

import pytest

from tests.e2e.network import (
    CIRCLE,
    all_settled,
    configure,
    events,
    job_spec,
    post,
    serving_false_openings,
    settlements,
    until,
)
from worker.cli.devnet.anvil import free_port
from worker.cli.devnet.network import Network, Operator
from worker.protocol.words import SeatOutcome

pytestmark = pytest.mark.asyncio(loop_scope="session")

# To run and to reveal there is more time than a busy machine needs: these windows end when all have
# moved. That to claim does not: who runs before it claims does so in its last third.
WINDOWS = {"claim": "24s", "run": "90s", "reveal": "90s"}
NAMED = {"operators": CIRCLE, "windows": WINDOWS}


async def _start(network: Network, *roles: tuple[Operator, str]) -> None:
    """Start workers, each in its role ("" for honest), and wait until they are ready."""
    for operator, role in roles:
        await network.start(operator, *role.split())
    for operator, _ in roles:

        async def is_ready(operator: Operator = operator) -> bool:
            status = await network.status(operator)
            return status is not None and status["ready"]

        await until(is_ready, f"{operator.name} ready", network)


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
    await _start(network, *((operator, "") for operator in network.operators))
    posted = await post(network, job_spec(windows=WINDOWS | {"claim": "12s"}))
    await all_settled(network, posted, within=150)

    final = await settlements(network, posted)
    assert all(one["paid_mask"] == posted.terms.full_mask(one["batch"]) for one in final)
    paid = await _paid(network, posted.key)
    assert sum(paid.values()) == posted.terms.tasks * 3 * posted.terms.price
    # Concluded: claims carried the seals, and nobody had to reveal.
    assert await events(network, "ResultRevealed", job=posted.key) == []
    await _assert_sound(network)


async def test_job__a_liar__grows_and_burns_its_bond(network: Network) -> None:
    liar, *honest = network.operators
    await _start(network, (liar, "--lie"), (honest[0], ""), (honest[1], ""))
    # Drawn, not named: where the payer chose who answers, no majority burns anybody's bond.
    posted = await post(network, job_spec(windows=WINDOWS))

    async def is_filled() -> bool:
        return len(await events(network, "SeatClaimed", job=posted.key)) >= 6

    await until(is_filled, "the base rounds filled", network)
    await _start(network, (honest[2], ""), (honest[3], ""))
    await all_settled(network, posted, within=150)

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


async def test_job__openings_that_never_come_or_do_not_fit__revealed_and_paid(
    network: Network,
) -> None:
    silent, false, honest = network.operators[:3]
    written = [one.settings.read_text() for one in (silent, false)]
    async with serving_false_openings(false.id) as port:
        configure(silent, "node", public_url=f"http://127.0.0.1:{free_port()}")
        configure(false, "node", public_url=f"http://127.0.0.1:{port}")
        try:
            await _start(network, (silent, ""), (false, ""), (honest, ""))
            posted = await post(network, job_spec(**NAMED))
            await all_settled(network, posted, within=150)
        finally:
            for operator, text in zip((silent, false), written, strict=True):
                operator.settings.write_text(text)

    reveals = await events(network, "ResultRevealed", job=posted.key)
    assert len(reveals) == 3 * posted.terms.batches
    each = posted.terms.tasks * posted.terms.price
    assert await _paid(network, posted.key) == dict.fromkeys(
        (one.id for one in (silent, false, honest)), each
    )
    await _assert_sound(network)
