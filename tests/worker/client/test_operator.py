"""An owner's wallet on a real chain: join, again, with too little, leave."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from worker.chain.config import ChainConfig
from worker.chain.deployment import Deployment
from worker.chain.keys import dev_signer, new_signer
from worker.client import operator
from worker.client.wallet import Wallet, as_tokens, open_wallet
from worker.errors import InsufficientFundsError, KeyInUseError, NotFoundError, RevertedError
from worker.types import OperatorId, Wei

TOKEN = 10**18
CHAIN_ID = 31337


@pytest.fixture
def chain(network: LocalNetwork) -> ChainConfig:
    return ChainConfig(rpc_urls=(network.url,), confirmations=0, poll_seconds=0.1)


@pytest.fixture
async def owner(network: LocalNetwork, chain: ChainConfig, tmp_path: Path) -> AsyncIterator[Wallet]:
    deployment = Deployment.load(network.deployment)
    async with open_wallet(deployment, chain, dev_signer(0, CHAIN_ID), tmp_path) as wallet:
        yield wallet


async def test_join__new_operator__may_lock_and_has_no_allowance_left(owner: Wallet) -> None:
    key = new_signer()
    done: list[str] = []
    number = await operator.join(owner, Wei(500 * TOKEN), key, progress=done.append)
    state = await operator.fetch_operator(owner, number)
    assert (state.owner, state.worker) == (owner.address, key.address)
    assert state.stake == state.key_ceiling == 500 * 10**9
    assert state.ceilings == {"ReplicatedJobs": 500 * 10**9, "ProvableJobs": 500 * 10**9}
    assert state.locked == state.standing_bonds == 20 * 10**9
    staking = owner.contracts.address("Staking")
    assert await owner.call("Token", "allowance", owner.address, staking) == 0
    assert len(done) == 4


async def test_join__one_service_chosen__the_other_may_lock_nothing(owner: Wallet) -> None:
    number = await operator.join(owner, Wei(500 * TOKEN), new_signer(), services=["ProvableJobs"])
    state = await operator.fetch_operator(owner, number)
    assert state.ceilings == {"ReplicatedJobs": 0, "ProvableJobs": 500 * 10**9}
    await operator.leave(owner, number)
    assert not any((await operator.fetch_operator(owner, number)).ceilings.values())


async def test_join__again_with_nothing_new__sends_nothing(owner: Wallet) -> None:
    key = new_signer()
    number = await operator.join(owner, Wei(500 * TOKEN), key)
    sent = len(owner.outbox.entries())
    assert await operator.join(owner, Wei(0), key, number) == number
    assert len(owner.outbox.entries()) == sent


async def test_stake__more_than_held__is_refused_before_sending(
    network: LocalNetwork, chain: ChainConfig, tmp_path: Path
) -> None:
    deployment = Deployment.load(network.deployment)
    async with open_wallet(deployment, chain, dev_signer(5, CHAIN_ID), tmp_path) as poor:
        with pytest.raises(InsufficientFundsError, match="holds 0 tokens, needs 500"):
            await operator.stake(poor, Wei(500 * TOKEN))
        assert poor.outbox.entries() == []


async def test_stake__below_minimum__shows_the_contracts_words(owner: Wallet) -> None:
    with pytest.raises(RevertedError, match="staking: below the minimum stake"):
        await operator.stake(owner, Wei(TOKEN))


async def test_unstake__and_leave__tell_when(owner: Wallet) -> None:
    number = await operator.join(owner, Wei(500 * TOKEN), new_signer())
    now = (await owner.pool.head()).timestamp
    assert await operator.unstake(owner, number, Wei(100 * TOKEN)) >= now + 2_000_000
    assert await operator.leave(owner, number) >= now + 14 * 86_400
    with pytest.raises(RevertedError, match="staking: nothing to withdraw"):
        await operator.withdraw_stake(owner, number)


async def test_fetch__unknown_operator__is_not_found(owner: Wallet) -> None:
    with pytest.raises(NotFoundError, match="no operator 77"):
        await operator.fetch_operator(owner, OperatorId(77))


async def test_open_wallet__twice__names_the_other_process(
    owner: Wallet, network: LocalNetwork, chain: ChainConfig, tmp_path: Path
) -> None:
    deployment = Deployment.load(network.deployment)
    with pytest.raises(KeyInUseError, match="in use by process"):
        async with open_wallet(deployment, chain, owner.signer, tmp_path):
            pass


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (TOKEN, "1"), (TOKEN // 2, "0.5"), (1, "0." + "0" * 17 + "1"), (-TOKEN, "-1")],
)
def test_as_tokens__amounts__read_as_written(amount: int, text: str) -> None:
    assert as_tokens(amount) == text
