"""The vaults on titanoboa's in-process chain: fast enough for thousands of random steps."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import cache

import boa
from boa.contracts.vyper.vyper_contract import VyperContract, VyperDeployer
from boa.interpret import set_cache_dir
from eth_account import Account
from eth_account.datastructures import SignedMessage
from eth_account.signers.local import LocalAccount

from tests.conftest import ROOT
from worker.protocol import eip712

DAY = 86_400
TOKEN = 10**18
GWEI = 10**9
SUPPLY = 10**9 * TOKEN
MINIMUM_STAKE = 1_000
WEIGHT_CAP = 100_000
LEVERAGE = 2
UNBONDING = 22 * DAY
EPOCH = 3_600
FEE_BPS = 250
REWARDS_EPOCH = 7 * DAY
BURN_BPS = 5_000
RATE_BPS = 5_000
FOREVER = 2**63
NO_PERMIT = (0, 0, b"\0" * 32, b"\0" * 32)


@dataclass(frozen=True)
class Network:
    """Everything deployed; `owner` owns all that can be owned and holds the initial supply."""

    owner: str
    treasury: str
    guardian: str
    token: VyperContract
    staking: VyperContract
    delegation: VyperContract
    escrow: VyperContract
    rewards: VyperContract


_COMPILED = ROOT / ".cache" / "boa"
set_cache_dir(_COMPILED)


@cache
def contract(name: str) -> VyperDeployer:
    """Compile what has changed: `name` is the path under contracts/ without the ending."""
    lock = _COMPILED / f"{name.replace('/', '.')}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        flock(held, LOCK_EX)  # what one process compiles the others need not
        with _uncollected():
            return boa.load_partial(f"contracts/{name}.vy", compiler_args={"evm_version": "cancun"})


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the collector a compiler's millions of nodes: they stay, and it would walk them."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def deploy() -> Network:
    """Deploy and bind token, vaults and rewards; the genesis list is still open."""
    owner, treasury, guardian = map(boa.env.generate_address, ("owner", "treasury", "guardian"))
    with boa.env.prank(owner):
        token = contract("Token").deploy(SUPPLY)
        staking = contract("Staking").deploy(
            token, EPOCH, UNBONDING, MINIMUM_STAKE, WEIGHT_CAP, LEVERAGE
        )
        escrow = contract("Escrow").deploy(token, staking, FEE_BPS, owner, guardian)
        delegation = contract("Delegation").deploy(token, staking, escrow)
        shares = (REWARDS_EPOCH, BURN_BPS, RATE_BPS, treasury)
        rewards = contract("Rewards").deploy(token, staking, escrow, delegation, *shares)
        token.bind_minter(rewards)
        staking.bind_delegation(delegation)
        delegation.bind_rewards(rewards)
        escrow.set_fee_sink(rewards)
    return Network(owner, treasury, guardian, token, staking, delegation, escrow, rewards)


def admit(network: Network, *services: VyperContract, standing: int = 5 * GWEI) -> None:
    """Admit the genesis services with a standing bond in gwei, and open staking."""
    with boa.env.prank(network.owner):
        for service in services:
            network.staking.admit_genesis(service.address, standing)
        network.staking.seal_genesis()


def fund(network: Network, account: str, amount: int) -> None:
    """Give `account` tokens, and the vaults the right to draw them."""
    network.token.transfer(account, amount, sender=network.owner)
    for vault in (network.staking, network.escrow, network.delegation):
        network.token.approve(vault.address, 2**256 - 1, sender=account)


def new_operator(
    network: Network, owner: str, stake: int, ceiling: int = 2**64 - 1
) -> LocalAccount:
    """Stake wei for a new operator of a funded `owner` and name its worker key."""
    operator = network.staking.stake(0, stake, NO_PERMIT, sender=owner)
    worker = Account.from_key(operator.to_bytes(32, "big"))
    signature = consent(network.staking, worker, operator, owner)
    network.staking.set_worker(operator, worker.address, ceiling, 2**63, signature, sender=owner)
    return worker


def consent(staking: VyperContract, worker: LocalAccount, operator: int, owner: str) -> bytes:
    """Sign that `worker` agrees to work for `operator`, for ever."""
    message = eip712.set_worker(domain("Proofmesh Staking", staking), operator, owner, FOREVER)
    return bytes(worker.sign_typed_data(full_message=message).signature)


def permit(
    token: VyperContract, holder: LocalAccount, spender: str, amount: int, chain: int | None = None
) -> SignedMessage:
    """Sign an allowance of the network token that never ends; on this chain, unless told."""
    nonce = token.nonces(holder.address)
    message = eip712.permit(
        domain("Proofmesh", token, chain), holder.address, spender, amount, nonce, FOREVER
    )
    return holder.sign_typed_data(full_message=message)


def domain(name: str, contract: VyperContract, chain: int | None = None) -> eip712.Domain:
    """Return what binds a signature to a contract: on this chain, unless told."""
    return eip712.Domain(name, "1", chain or boa.env.evm.patch.chain_id, contract.address)
