"""An operator that works with its owner's key dies while it stakes what the account holds."""

import pytest

from tests.faults.crash import matrix
from tests.faults.crash.mortal import Mortal, living
from tests.faults.crash.scene import mined, nonce, settle_in
from tests.faults.sound import assert_sound
from worker.cli.devnet.network import FIRST_OWNER, Network
from worker.client import operator as owners
from worker.protocol.words import GWEI
from worker.types import Gwei, OperatorId

pytestmark = pytest.mark.asyncio(loop_scope="session")

INCOME = 7 * 10**18
CEILING = Gwei(10_000 * GWEI)


async def test_fault_20__killed_at_every_step_of_compounding__staked_once(network: Network) -> None:
    alone, owner = network.operators[0], await network.wallet(FIRST_OWNER)
    await owners.set_worker(owner, OperatorId(alone.id), owner.signer, CEILING)
    key, collect = {"dev_account": FIRST_OWNER}, {"least": 1, "compound": True}
    settle_in(network, alone, key=key, collect=collect)
    await network.requester.send("Token", "transfer", owner.address, INCOME)

    async def stake() -> int:
        gwei, *_ = await owner.call("Staking", "operator", alone.id)
        return int(gwei) * GWEI

    async def is_staked() -> bool:
        return await owner.call("Token", "balanceOf", owner.address) == 0

    before, sent = await stake(), await nonce(network, owner.address)
    async with living(Mortal(network, alone, matrix.COMPOUNDED)) as cast:
        await cast.until(is_staked, "the income staked", 120)
        await cast.all_died()
        assert await stake() == before + INCOME
        assert await nonce(network, owner.address) - sent == mined(network, alone)
        await assert_sound(network, [alone])
