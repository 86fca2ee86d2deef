"""Role-named actors and the vaults under test. Every test starts from the same chain."""

import os
from collections.abc import Callable
from itertools import groupby
from types import SimpleNamespace

import ape.exceptions
import pytest
from eth_account.messages import encode_typed_data

from worker.cli.devnet.anvil import free_port
from worker.protocol import eip712

# Where ape starts this process's chain: it would draw a port that a connection may have by then.
os.environ["APE_FOUNDRY_HOST"] = f"http://127.0.0.1:{free_port()}"

DAY = 86_400
TOKEN = 10**18
GWEI = 10**9
MINIMUM_STAKE = 1_000  # whole tokens
WEIGHT_CAP = 10_000  # whole tokens
LEVERAGE = 2
UNBONDING = 22 * DAY
MAX_LOCK = 14 * DAY
GRACE = 7 * DAY
EPOCH = 3_600
FEE_BPS = 250
STANDING = 5 * GWEI  # gwei: five tokens
STAKE = 5_000 * TOKEN
NO_LIMIT = 2**64 - 1
FOREVER = 2**63
ZERO = "0x" + "00" * 20
NO_PERMIT = (0, 0, b"\0" * 32, b"\0" * 32)


STAGES = ("open_network", "staked", "joined")
"""Fixtures of which each goes on where the one before ends, once a file."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a file's tests that need an earlier stage come first, so that each finds just its own."""
    files = groupby(items, key=lambda item: item.path)
    items[:] = [item for _, tests in files for item in sorted(tests, key=_stage)]


def _stage(item: pytest.Item) -> int:
    return sum(stage in getattr(item, "fixturenames", ()) for stage in STAGES)


@pytest.fixture(scope="session", autouse=True)
def plain_reverts():
    """A refusal's reason tells which line it is of: ape would trace each expected one besides, in a
    quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ape.exceptions.TransactionError, "source_traceback", None)
        yield


@pytest.fixture(scope="session")
def owner(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def sink(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def guardian(accounts):
    return accounts[2]


@pytest.fixture(scope="session")
def requester(accounts):
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts):
    return accounts[4]


@pytest.fixture(scope="session")
def operators(accounts):
    """The cold accounts of operators 1 and 2."""
    return accounts[5:7]


@pytest.fixture(scope="session")
def workers(accounts):
    """The worker keys of operators 1 and 2, and a spare one."""
    return accounts[7:10]


@pytest.fixture(scope="session")
def token(project, owner):
    return owner.deploy(project.Token, 10**9 * TOKEN)


@pytest.fixture(scope="session")
def staking(project, owner, token):
    return owner.deploy(
        project.Staking, token, EPOCH, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, LEVERAGE
    )


@pytest.fixture(scope="session")
def escrow(project, owner, token, staking, sink, guardian):
    return owner.deploy(project.Escrow, token, staking, FEE_BPS, sink, guardian)


@pytest.fixture(scope="session")
def registry(project, owner, staking):
    return owner.deploy(project.Registry, staking)


@pytest.fixture(scope="session")
def new_service(project, owner, staking, escrow):
    """Deploy another service, not yet admitted."""
    return lambda max_lock=DAY: owner.deploy(project.MockService, staking, escrow, max_lock)


@pytest.fixture(scope="session")
def services(new_service):
    return [new_service(), new_service()]


@pytest.fixture(scope="session")
def funded(token, owner, staking, escrow, requester, operators):
    """Everybody with money has given both vaults an allowance."""
    for account in [requester, *operators]:
        token.transfer(account, 10**6 * TOKEN, sender=owner)
        for vault in (staking, escrow):
            token.approve(vault, 2**256 - 1, sender=account)


@pytest.fixture(scope="module")
def open_network(staking, owner, services, funded):
    """The genesis services are in, and staking is open."""
    for service in services:
        staking.admit_genesis(service, STANDING, sender=owner)
    staking.seal_genesis(sender=owner)


@pytest.fixture(scope="session")
def consent(staking, chain):
    """Sign a worker key's consent to work for an operator."""

    def sign(worker, operator, owner, deadline=FOREVER):
        domain = eip712.Domain("Proofmesh Staking", "1", chain.chain_id, str(staking))
        return _sign(worker, eip712.set_worker(domain, operator, str(owner), deadline))

    return lambda *args, **kwargs: sign(*args, **kwargs).encode_rsv()


@pytest.fixture(scope="session")
def permit(token, chain):
    """Sign an allowance, as the vaults take it."""

    def sign(holder, spender, amount, deadline=FOREVER):
        domain = eip712.Domain("Proofmesh", "1", chain.chain_id, str(token))
        parties, nonce = (str(holder), str(spender)), token.nonces(holder)
        signed = _sign(holder, eip712.permit(domain, *parties, amount, nonce, deadline))
        return (deadline, signed.v, signed.r, signed.s)

    return sign


def _sign(account, message):
    return account.sign_message(encode_typed_data(full_message=message))


@pytest.fixture(scope="module")
def staked(staking, open_network, operators, workers, consent):
    """Operators 1 and 2: 5,000 tokens each, a worker key, and no service yet."""
    for number, (account, worker) in enumerate(zip(operators, workers, strict=False), start=1):
        staking.stake(0, STAKE, NO_PERMIT, sender=account)
        staking.set_worker(
            number, worker, NO_LIMIT, FOREVER, consent(worker, number, account), sender=account
        )


@pytest.fixture(scope="module")
def joined(staking, staked, operators, services):
    """Both operators opted in to both services, without a ceiling that binds."""
    for number, account in enumerate(operators, start=1):
        for service in services:
            staking.opt_in(number, service, NO_LIMIT, sender=account)


@pytest.fixture
def at(chain) -> Callable[[int], None]:
    """Give the next transaction's block this timestamp."""
    return lambda timestamp: chain.provider.set_timestamp(timestamp)


@pytest.fixture
def now(chain) -> Callable[[], int]:
    return lambda: chain.blocks.head.timestamp


@pytest.fixture
def wait(chain) -> Callable[[int], None]:
    """Let `seconds` pass, and mine a block."""

    def _wait(seconds):
        chain.provider.set_timestamp(chain.blocks.head.timestamp + seconds)
        chain.mine()

    return _wait


@pytest.fixture(scope="session")
def terms(chain):
    """What tells one agreement from others, in the order in which Escrow takes it."""

    def build(reference=b"\1" * 32, token=0, expiry=None, fee_bps=FEE_BPS):
        expiry = expiry or chain.blocks.head.timestamp + DAY
        return SimpleNamespace(reference=reference, token=token, expiry=expiry, fee_bps=fee_bps)

    return build


def settled(operator: int, released: int, burnt: int = 0) -> int:
    """Pack what `Staking.settle` takes: gwei released, gwei burnt."""
    return operator | burnt << 120 | released << 184


def paid(operator: int, amount: int) -> int:
    """Pack what `Escrow.pay` takes: wei before the fee."""
    return operator | amount << 24
