"""The network's limit of gas in one transaction: what is above it is never signed."""

import pytest

from tests.e2e.network import events
from tests.faults.proxy import result
from tests.faults.world import World
from worker.cli.devnet.books import Books
from worker.protocol.outbox import TxState

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOO_MUCH = 2**24 + 1
EXPIRED = 1


async def test_fault_25__more_gas_than_a_transaction_may_use__never_signed(world: World) -> None:
    victim = world.victim
    victim.inject(lambda: result(hex(TOO_MUCH)), "eth_estimateGas")
    sent = victim.sent("eth_sendRawTransaction")
    posted = await world.post()

    def refused(books: Books) -> list[str]:
        failed = books.desks[0].outbox.entries(TxState.FAILED)
        return [one.reason or "" for one in failed if posted.key.hex() in one.intent.purpose]

    async def is_refused() -> bool:
        return any(f"needs {TOO_MUCH} gas" in one for one in world.books(victim, refused))

    async def is_claimed() -> bool:
        return bool(await events(world.network, "SeatClaimed", job=posted.key))

    await world.until(is_refused, "the claim given up")
    await world.until(is_claimed, "the other's claim")
    assert victim.sent("eth_sendRawTransaction") == sent
    victim.heal()
    await world.network.anvil.skip(2 * 12)
    (ended,) = await world.settled(posted)
    assert ended["reason"] == EXPIRED
    await world.assert_sound()
