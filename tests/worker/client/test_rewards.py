"""Fees on what an operator was paid, from Escrow to what is minted for it, on a real chain."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from worker.chain.config import ChainConfig
from worker.chain.deployment import Deployment
from worker.chain.keys import dev_signer
from worker.client import delegation, operator, rewards
from worker.client.wallet import NO_PERMIT, Wallet, open_wallet
from worker.types import OperatorId, Wei

TOKEN = 10**18
PAID, FEE_BPS = 1_000 * TOKEN, 100
STAKE, LENT, COMMISSION_BPS = 1_000, 500, 1_000
VESTING = 30 * 86_400


@pytest.fixture
async def owner(network: LocalNetwork, tmp_path: Path) -> AsyncIterator[Wallet]:
    """The owner of operator 1, who has delegated to itself."""
    chain = ChainConfig(rpc_urls=(network.url,), confirmations=0, poll_seconds=0.02)
    deployment = Deployment.load(network.deployment)
    async with open_wallet(deployment, chain, dev_signer(0, 31337), tmp_path) as wallet:
        number = await operator.stake(wallet, Wei(STAKE * TOKEN))
        await delegation.open_pool(wallet, number, COMMISSION_BPS)
        pool = await delegation.fetch_pool(wallet, number)
        await delegation.delegate(wallet, pool, Wei(LENT * TOKEN))
        yield wallet


async def _pay(network: LocalNetwork, wallet: Wallet) -> None:
    """Have a jobs contract pay operator 1, out of the wallet's account."""
    service = wallet.contracts.address("ReplicatedJobs")
    await wallet.send("Token", "approve", wallet.contracts.address("Escrow"), PAID)
    terms = (b"r" * 32, (await wallet.pool.head()).timestamp + 3_600, FEE_BPS)
    ask = network.anvil.ask
    await ask("anvil_impersonateAccount", service)
    await ask("anvil_setBalance", service, hex(10**18))
    for function, args in (
        ("open", (wallet.address, 0, PAID, *terms, NO_PERMIT)),
        ("pay", (0, *terms, [1 | PAID << 24], 0, 0)),
    ):
        data = "0x" + wallet.contracts.encode("Escrow", function, *args).hex()
        call = {"from": service, "to": wallet.contracts.address("Escrow"), "data": data}
        await ask("eth_sendTransaction", call)
        await ask("evm_mine")
    await ask("anvil_stopImpersonatingAccount", service)


async def test_collect__as_time_goes_by__a_quarter_of_the_fee_is_minted(
    network: LocalNetwork, owner: Wallet
) -> None:
    await _pay(network, owner)
    told: list[str] = []
    # A third of what is at stake is lent, and a tenth of that part is the commission.
    fee = PAID * FEE_BPS // 10_000
    part = (PAID - fee) * 9 // 10 * LENT // (STAKE + LENT)
    assert await rewards.collect(owner, OperatorId(1), told.append) == (0, PAID - fee - part)
    assert await rewards.collect(owner, OperatorId(1), told.append) == (0, 0)
    await network.anvil.skip(await owner.call("Rewards", "epoch_length"))
    assert await rewards.collect(owner, OperatorId(1), told.append) == (0, 0)
    await network.anvil.skip(VESTING)

    minted, came = await rewards.collect(owner, OperatorId(1), told.append)

    assert (minted, came) == (fee // 4, fee // 4 * 7 // 10)
    assert [line.split()[-2:] for line in told] == [
        ["are", "divided"],
        ["is", "closed"],
        ["its", "delegators"],
    ]
    sent = len(owner.outbox.entries())
    assert await rewards.collect(owner, OperatorId(1)) == (0, 0)
    assert len(owner.outbox.entries()) == sent
    assert await delegation.claim(owner, [OperatorId(1)]) == {1: part + fee // 4 * 3 // 10}


async def test_compound__what_came__is_staked_in_whole_gwei(owner: Wallet) -> None:
    assert await rewards.compound(owner, OperatorId(1), Wei(10**9 - 1)) == 0
    assert await rewards.compound(owner, OperatorId(1), Wei(5 * 10**9 + 1)) == 5 * 10**9
    assert await owner.call("Staking", "stake_of", 1) == STAKE * 10**9 + 5
