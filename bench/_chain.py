"""A local chain with Proofmesh on it, for measuring gas: every transaction is real and counted."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.types import RPCEndpoint

from worker.cli.devnet.anvil import find_anvil, free_port
from worker.protocol import eip712

ROOT = Path(__file__).parent.parent
MNEMONIC = "test test test test test test test test test test test junk"
TOKEN = 10**18
HOUR = 3_600
GENESIS = 2_000_000_000  # fixed: the same run uses the same gas, to the unit
STAKE = 1_000 * TOKEN
FEE_BPS = 500
NO_PERMIT = (0, 0, bytes(32), bytes(32))
NO_LIMIT = 2**64 - 1
START_SECONDS = 20


def _key(index: int) -> Any:
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")


@dataclass
class Chain:
    """The deployed contracts, and a tally of the gas used since `measured` began."""

    web3: Web3
    contracts: dict[str, Contract] = field(default_factory=dict)
    operators: dict[int, str] = field(default_factory=dict)
    spent: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = [_key(index) for index in range(20)]
        self.admin, self.payer = self.keys[0], self.keys[1]

    def send(self, call: ContractFunction, sender: str) -> Any:
        """Send a transaction, note its gas, return its receipt."""
        receipt = self.web3.eth.wait_for_transaction_receipt(
            call.transact({"from": sender, "gas": 16_000_000}), poll_latency=0.002
        )
        if receipt["status"] != 1:
            call.call({"from": sender})
            raise RuntimeError(f"{call.fn_name} failed")
        self.spent.append((call.fn_name, receipt["gasUsed"]))
        return receipt

    def measured(self, scenario: Callable[[], object]) -> list[tuple[str, int]]:
        """Return name and gas of each transaction that `scenario` sent."""
        self.spent = []
        scenario()
        taken, self.spent = self.spent, []
        return taken

    @property
    def now(self) -> int:
        """The latest block's time."""
        return self.web3.eth.get_block("latest")["timestamp"]

    def go_to(self, moment: int) -> None:
        """Mine a block at `moment`, or one at once when that has passed."""
        self.rpc("evm_setNextBlockTimestamp", max(moment, self.now + 1))
        self.rpc("evm_mine")

    def rpc(self, method: str, *params: int) -> None:
        """Ask anvil for something that only a test chain does."""
        self.web3.provider.make_request(RPCEndpoint(method), params)

    def permit(self, owner: Any, spender: Contract, amount: int) -> tuple[int, int, bytes, bytes]:
        """Sign an ERC-2612 permit of the network token."""
        token = self.contracts["Token"]
        domain = eip712.Domain("Proofmesh", "1", self.web3.eth.chain_id, token.address)
        nonce = token.functions.nonces(owner.address).call()
        message = eip712.permit(domain, owner.address, spender.address, amount, nonce, 2**63)
        signed = owner.sign_typed_data(full_message=message)
        r, s = (value.to_bytes(32, "big") for value in (signed.r, signed.s))
        return 2**63, signed.v, r, s

    def deploy(self, name: str, *args: Any) -> Contract:
        """Deploy a compiled contract."""
        compiled = loads((ROOT / ".build" / "__local__.json").read_text())["contractTypes"][name]
        factory = self.web3.eth.contract(
            abi=compiled["abi"], bytecode=compiled["deploymentBytecode"]["bytecode"]
        )
        tx = factory.constructor(*args).transact({"from": self.admin.address})
        address = self.web3.eth.wait_for_transaction_receipt(tx)["contractAddress"]
        self.contracts[name] = self.web3.eth.contract(address=address, abi=compiled["abi"])
        return self.contracts[name]

    def deploy_all(self, operators: int) -> None:
        """Deploy the network, stake `operators` of them and let their weight count."""
        token = self.deploy("Token", 10**9 * TOKEN)
        staking = self.deploy("Staking", token.address, HOUR, 22 * 24 * HOUR, 100, 10**6, 2)
        admin = self.admin.address
        escrow = self.deploy("Escrow", token.address, staking.address, FEE_BPS, admin, admin)
        self._deploy_economy(token, staking, escrow)
        seeds = self.deploy("BlockSeed")
        jobs = self.deploy(
            "ReplicatedJobs", staking.address, escrow.address, seeds.address, 60, 60, 60
        )
        provable = self._deploy_provable(staking, escrow, seeds)
        mock = self.deploy("MockService", staking.address, escrow.address, HOUR)
        for service, standing in ((jobs, 10**9), (provable, 10**9), (mock, 0)):
            self.send(staking.functions.admit_genesis(service.address, standing), admin)
        self.send(staking.functions.seal_genesis(), admin)
        self.send(token.functions.transfer(self.payer.address, 10**7 * TOKEN), admin)
        for index in range(operators):
            self._join(self.keys[2 + index], index + 1)
        self.go_to((self.now // HOUR + 2) * HOUR + 1)

    def _deploy_economy(self, token: Contract, staking: Contract, escrow: Contract) -> None:
        """Deploy and bind delegation and rewards: the fees are theirs."""
        vaults = (token.address, staking.address)
        delegation = self.deploy("Delegation", *vaults, escrow.address)
        shares = (HOUR, 5_000, 5_000, self.admin.address)
        rewards = self.deploy("Rewards", *vaults, escrow.address, delegation.address, *shares)
        for call in (
            token.functions.bind_minter(rewards.address),
            staking.functions.bind_delegation(delegation.address),
            delegation.functions.bind_rewards(rewards.address),
            escrow.functions.set_fee_sink(rewards.address),
        ):
            self.send(call, self.admin.address)

    def _deploy_provable(self, staking: Contract, escrow: Contract, seeds: Contract) -> Contract:
        """Deploy provable jobs with a court whose own check costs next to nothing."""
        courts = self.deploy("Courts", staking.address, 500, 2_000, 10**9)
        court = self.deploy("MockCourt")
        self.send(courts.functions.admit_genesis(court.address, 1_700_000), self.admin.address)
        vaults = (staking.address, escrow.address, seeds.address)
        return self.deploy("ProvableJobs", *vaults, courts.address, (60, 60, 60, 60), 60)

    def _join(self, key: Any, expected: int) -> None:
        """Make `key` an operator that is its own worker."""
        token, staking = self.contracts["Token"], self.contracts["Staking"]
        self.send(token.functions.transfer(key.address, 10 * STAKE), self.admin.address)
        permit = self.permit(key, staking, STAKE)
        self.send(staking.functions.stake(0, STAKE, permit), key.address)
        self.name_worker(key, expected)
        for service in ("ReplicatedJobs", "ProvableJobs"):
            address = self.contracts[service].address
            self.send(staking.functions.opt_in(expected, address, NO_LIMIT), key.address)
        self.operators[expected] = key.address

    def name_worker(self, key: Any, operator: int) -> None:
        """Have an operator's owner work for it itself."""
        staking = self.contracts["Staking"]
        domain = eip712.Domain("Proofmesh Staking", "1", self.web3.eth.chain_id, staking.address)
        message = eip712.set_worker(domain, operator, key.address, 2**63)
        consent = key.sign_typed_data(full_message=message).signature
        call = staking.functions.set_worker(operator, key.address, NO_LIMIT, 2**63, consent)
        self.send(call, key.address)


@contextmanager
def fresh_chain(operators: int) -> Iterator[Chain]:
    """Yield a new local chain with the network deployed; end it afterwards."""
    with bare_chain("cancun") as chain:
        chain.deploy_all(operators)
        yield chain


@contextmanager
def bare_chain(hardfork: str) -> Iterator[Chain]:
    """Yield a new local chain with nothing on it; end it afterwards."""
    port = free_port()
    command = [str(find_anvil(ROOT)), "--port", str(port), "--hardfork", hardfork]
    command += ["--accounts", "20", "--timestamp", str(GENESIS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        web3 = Web3(Web3.HTTPProvider(f"http://127.0.0.1:{port}"))
        deadline = time.monotonic() + START_SECONDS
        while not web3.is_connected():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("anvil did not start")
            time.sleep(0.05)
        chain = Chain(web3)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        yield chain
    finally:
        process.terminate()
        process.wait()
