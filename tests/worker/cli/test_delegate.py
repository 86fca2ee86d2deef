"""`proofmesh delegate`: from opening a pool to withdrawing from it, and what may go wrong."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from tests.worker.cli.conftest import Run
from worker.chain.config import ChainConfig
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.keys import dev_signer
from worker.cli.exits import Exit
from worker.client import delegation, operator
from worker.client.wallet import Wallet, open_wallet
from worker.types import OperatorId, Wei

TOKEN = 10**18
STAKE, PURSE = Wei(1_000 * TOKEN), 500 * TOKEN
DELEGATOR = 1
UNBONDING = 30 * 86_400  # more than scripts/params/local.yaml has


class Owner:
    """The person whose operator others delegate to, beside the one at the command line."""

    def __init__(self, chain: LocalNetwork, folder: Path) -> None:
        self._chain = ChainConfig(rpc_urls=(chain.url,), confirmations=0, poll_seconds=0.02)
        self._deployment = Deployment.load(chain.deployment)
        self._folder = folder

    def does(self, work: Callable[[Wallet], object]) -> None:
        async def act() -> None:
            signer = dev_signer(0, 31337)
            opening = open_wallet(self._deployment, self._chain, signer, self._folder)
            async with opening as wallet:
                await work(wallet)  # type: ignore[misc]

        asyncio.run(act())


@pytest.fixture
def owner(chain: LocalNetwork, settings: Callable[..., None], tmp_path: Path) -> Owner:
    """Operator 1 is staked without a pool; who is at the command line has a purse."""
    settings(wallet=f"dev_account = {DELEGATOR}")

    async def begin(wallet: Wallet) -> None:
        await operator.stake(wallet, STAKE)
        purse = dev_signer(DELEGATOR, 31337).address
        await wallet.send("Token", "transfer", purse, PURSE)

    owner = Owner(chain, tmp_path / "owner")
    owner.does(begin)
    return owner


@pytest.fixture
def pool(owner: Owner) -> Owner:
    """Operator 1 takes delegations for a tenth."""
    owner.does(lambda wallet: delegation.open_pool(wallet, OperatorId(1), 1_000))
    return owner


def _skip(chain: LocalNetwork, seconds: int) -> None:
    asyncio.run(chain.anvil.skip(seconds))


def test_delegate__there_and_back__everything_comes_back(
    run: Run, pool: Owner, chain: LocalNetwork
) -> None:
    dry = run("delegate", "to", 1, 300, "--dry-run", "-o", "json")
    assert (dry.code, dry.data["shares"], dry.data["counts"]) == (Exit.OK, 300 * 10**9, "300")
    assert run("delegate", "show", "-o", "json").data == []
    assert [one["yours"] for one in run("delegate", "show", "--all", "-o", "json").data] == ["0"]

    made = run("delegate", "to", 1, 300, "-o", "json")
    assert made.data == {"operator": 1, "delegated": "300", "shares": 300 * 10**9}
    (shown,) = run("delegate", "show", "-o", "json").data
    assert (shown["yours"], shown["delegated"], shown["commission"]) == ("300", "300", "10%")
    assert run("gov", "sync", "--operator", 1, "-q").out == "1300\n"

    assert run("delegate", "leave", 1, 100).code == Exit.OK
    early = run("delegate", "leave", 1, "--withdraw")
    assert (early.code, "operator 1 matures in" in early.err) == (Exit.USAGE, True)
    _skip(chain, UNBONDING)
    out = run("delegate", "leave", 1, "--withdraw", "-o", "json")
    assert out.data == {"operator": 1, "withdrawn": "100"}
    assert run("delegate", "leave", 1, "--all").code == Exit.OK
    (shown,) = run("delegate", "show", "-o", "json").data
    assert (shown["yours"], shown["leaving"], shown["delegated"]) == ("0", "200", "0")


def test_claim__after_income__the_part_less_commission(
    run: Run, pool: Owner, chain: LocalNetwork
) -> None:
    assert run("delegate", "to", 1, 500, "-q").code == Exit.OK
    assert run("delegate", "claim").err == "there is nothing to claim\n"
    _earn(chain, 60 * TOKEN)
    (claimed,) = run("delegate", "claim", "-o", "json").data
    # 500 of the 1,500 tokens at stake, and a tenth of what they earned is the operator's.
    assert claimed == {"operator": 1, "claimed": "18", "delegated_again": "0"}
    assert run("delegate", "claim", 1).err == "there is nothing to claim\n"


def test_claim__compounding__is_delegated_where_it_came_from(
    run: Run, pool: Owner, chain: LocalNetwork
) -> None:
    assert run("delegate", "to", 1, 500, "-q").code == Exit.OK
    _earn(chain, 60 * TOKEN)
    (claimed,) = run("delegate", "claim", "--compound", "-o", "json").data
    assert claimed == {"operator": 1, "claimed": "18", "delegated_again": "18"}
    (shown,) = run("delegate", "show", "-o", "json").data
    assert (shown["yours"], shown["claimable"]) == ("518", "0")


def _earn(chain: LocalNetwork, amount: int) -> None:
    """Have Escrow pay operator 1 some income: the part of its delegators is all that it is told of
    here, and comes by a transfer."""

    async def earn() -> None:
        config = ChainConfig(rpc_urls=(chain.url,), confirmations=0, poll_seconds=0.02)
        deployment, ask = Deployment.load(chain.deployment), chain.anvil.ask
        async with RpcPool(config, deployment.identity) as rpc:
            contracts = Contracts(deployment, rpc)
            escrow, holder = deployment.address("Escrow"), dev_signer(0, 31337).address
            vault = deployment.address("Delegation")
            await ask("anvil_impersonateAccount", escrow)
            await ask("anvil_setBalance", escrow, hex(10**18))
            for sender, contract, function, args in (
                (escrow, "Delegation", "credit", (1, amount)),
                (holder, "Token", "transfer", (vault, amount)),
            ):
                data = "0x" + contracts.encode(contract, function, *args).hex()
                call = {"from": sender, "to": deployment.address(contract), "data": data}
                await ask("eth_sendTransaction", call)
            await ask("anvil_stopImpersonatingAccount", escrow)

    asyncio.run(earn())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("to", 1, 0), Exit.USAGE, "not a positive number of tokens"),
        (("to", 1, "0.5"), Exit.USAGE, "at least a token"),
        (("to", 1, "1.00000000001"), Exit.USAGE, "in whole gwei"),
        (("to", 1, 501), Exit.FUNDS, "holds 500 tokens, needs 501"),
        (("to", 9, 5), Exit.NOT_FOUND, "there is no operator 9"),
        (("leave", 1), Exit.USAGE, "give an amount, --all or --withdraw"),
        (("leave", 1, 5, "--all"), Exit.USAGE, "not both"),
        (("leave", 1, 5), Exit.USAGE, "has nothing delegated to operator 1"),
        (("leave", 1, "--all"), Exit.USAGE, "has nothing delegated to operator 1"),
        (("leave", 1, "--withdraw"), Exit.USAGE, "leaves operator 1"),
        (("claim", 9), Exit.NOT_FOUND, "there is no operator 9"),
    ],
)
def test_delegate__what_cannot_be__said_before_anything_is_sent(
    run: Run, pool: Owner, words: tuple[object, ...], code: Exit, told: str
) -> None:
    result = run("delegate", *words)
    assert (result.code, told in result.err) == (code, True), result.err


def test_leave__more_than_is_there__names_both(run: Run, pool: Owner) -> None:
    run("delegate", "to", 1, 5)
    result = run("delegate", "leave", 1, 6)
    assert result.code == Exit.USAGE
    assert "has 5 tokens delegated to operator 1, not 6" in result.err


def test_to__no_pool__not_found(run: Run, owner: Owner) -> None:
    result = run("delegate", "to", 1, 5)
    assert (result.code, "operator 1 takes no delegations" in result.err) == (Exit.NOT_FOUND, True)


def test_operator_at_zero_stake__delegators_left__may_leave_and_nobody_joins(
    run: Run, pool: Owner
) -> None:
    run("delegate", "to", 1, 5)
    pool.does(lambda wallet: operator.unstake(wallet, OperatorId(1), STAKE))

    refused = run("delegate", "to", 1, 5)
    assert refused.code == Exit.USAGE
    assert "operator 1 has less than 100 tokens of its own at stake" in refused.err
    assert run("delegate", "show", "-o", "json").data[0]["yours"] == "5"
    assert run("delegate", "leave", 1, "--all").code == Exit.OK
