"""Deploys the network step by step; a run that was cut off goes on where it stopped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ape.api import AccountAPI
from ape.contracts import ContractInstance
from ape.managers.project import LocalProject
from ape_accounts import KeyfileAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode

from scripts._params import Params

GWEI = 10**9
TOKEN = 10**18
FOLDER = Path(__file__).parent.parent / "deployments"


def unlock(account: AccountAPI) -> None:
    """Ask for a keystore's passphrase once, not again for every transaction of a script."""
    if isinstance(account, KeyfileAccount):
        account.set_autosign(True)


class DeploymentError(Exception):
    """The chain is not the one the parameters are for, or holds something unexpected."""


class Journal:
    """What was deployed so far, in `deployments/<chain>.part.json` before it is sent."""

    def __init__(self, path: Path) -> None:
        """Read the journal, or begin one."""
        self._path = path
        self.addresses: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def note(self, name: str, address: str) -> None:
        """Keep where `name` is, or is about to be."""
        self.addresses[name] = address
        write_atomically(self._path, json.dumps(self.addresses, indent=1) + "\n")

    def close(self) -> None:
        """Remove the journal: the deployment file says it all."""
        self._path.unlink(missing_ok=True)


class Deployer:
    """Brings one chain to the state that `params` describe; every step may be repeated."""

    def __init__(
        self,
        project: LocalProject,
        account: AccountAPI,
        params: Params,
        folder: Path = FOLDER,
        say: Callable[[str], None] = print,
    ) -> None:
        """Raises DeploymentError when the connected chain is another than the parameters'."""
        self._project = project
        self._provider = project.chain_manager.provider
        self._account = account
        self._params = params
        self._say = say
        if self._provider.chain_id != params.chain_id:
            connected = self._provider.chain_id
            raise DeploymentError(
                f"connected to chain {connected}, the parameters are for {params.chain_id}"
            )
        self.file = folder / f"{params.chain_id}.json"
        self._journal = Journal(folder / f"{params.chain_id}.part.json")
        self._contracts: dict[str, ContractInstance] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> Path:
        """Deploy what is missing, set what differs, write the file and return its path."""
        if self.file.exists() and self._is_current():
            self._say(f"{self.file} is up to date")
            return self.file
        block = self._provider.get_block("latest").number
        self._deploy_contracts()
        self._admit()
        self._hand_over()
        self._write(block)
        self._journal.close()
        return self.file

    def _is_current(self) -> bool:
        """Whether every contract of the file is on the chain; a fresh local chain has none."""
        known = json.loads(self.file.read_text())
        if known["genesis_hash"] != self._genesis():
            self._journal.close()
            return False
        codes = {name: _hash(self._code(c["address"])) for name, c in known["contracts"].items()}
        wrong = [
            name for name, code in codes.items() if code != known["contracts"][name]["code_hash"]
        ]
        if wrong:
            raise DeploymentError(f"{self.file}: other code on chain at {', '.join(wrong)}")
        return True

    def _deploy_contracts(self) -> None:
        params = self._params
        me = self._account.address
        token = self._deploy("Token", params.token.supply * TOKEN)
        staking = self._deploy(
            "Staking",
            token,
            params.staking.epoch,
            params.staking.unbonding,
            params.staking.minimum_stake,
            params.staking.weight_cap,
            params.staking.leverage,
        )
        timelock = self._deploy_governance(token, staking)
        guardian = params.escrow.guardian or me
        escrow = self._deploy("Escrow", token, staking, params.escrow.fee_bps, me, guardian)
        self._deploy_economy(token, staking, escrow, timelock)
        self._deploy("Registry", staking)
        seeds = self._deploy(params.seed_source)
        jobs = params.jobs
        minima = (jobs.min_claim, jobs.min_run, jobs.min_reveal)
        wasm_jobs = self._deploy("ReplicatedJobs", staking, escrow, seeds, *minima)
        provable = params.provable
        self._deploy("TensorCourt")
        courts = self._deploy(
            "Courts", staking, provable.least_audit_bps, provable.capture_bps, provable.gas_price
        )
        least = (*minima, provable.min_challenge)
        tensor_jobs = self._deploy(
            "ProvableJobs", staking, escrow, seeds, courts, least, provable.priority
        )
        self._deploy("Demands", tensor_jobs, wasm_jobs, provable.answer_window)

    def _deploy_economy(self, token: str, staking: str, escrow: str, timelock: str) -> None:
        params = self._params.rewards
        delegation = self._deploy("Delegation", token, staking, escrow)
        shares = (params.epoch, params.burn_bps, params.rate_bps, params.treasury or timelock)
        self._deploy("Rewards", token, staking, escrow, delegation, *shares)

    def _deploy_governance(self, token: str, staking: str) -> str:
        params = self._params.governance
        rules = (params.delay, params.period, params.quorum_bps, params.threshold)
        governor = self._deploy("Governor", token, staking, rules)
        timelock = self._deploy("Timelock", governor, params.timelock_delay)
        if self._contracts["Governor"].timelock() != timelock:
            self._contracts["Governor"].bind_timelock(timelock, sender=self._account)
        return timelock

    def _deploy(self, name: str, *args: Any) -> str:
        container = getattr(self._project, name)
        address = self._journal.addresses.get(name)
        expected = container.contract_type.runtime_bytecode.bytecode.removeprefix("0x")
        if address is None or not self._code(address):
            # Noted before it is sent: a run that dies here finds the contract next time.
            self._journal.note(name, _next_address(self._account))
            address = container.deploy(*args, sender=self._account).address
            self._say(f"{name:<16} {address}")
        elif not self._code(address).hex().startswith(expected):
            raise DeploymentError(
                f"{name}: other code at {address}, remove the journal to start anew"
            )
        else:
            self._say(f"{name:<16} {address} (already there)")
        self._contracts[name] = container.at(address)
        return str(address)

    def _admit(self) -> None:
        staking, courts = self._contracts["Staking"], self._contracts["Courts"]
        if staking.is_sealed():
            return
        court, dearest = self._contracts["TensorCourt"], self._params.provable.conviction_gas
        if courts.announced_at(court.address) == 0:
            courts.admit_genesis(court.address, dearest, sender=self._account)
        self._bind()
        self._bind_economy()
        standing = self._params.staking.standing_bond * TOKEN // GWEI
        # Demands lock nothing: what silence costs is kept for the services of the jobs.
        for name, bond in ("ReplicatedJobs", standing), ("ProvableJobs", standing), ("Demands", 0):
            service = self._contracts[name].address
            if not staking.is_active(service):
                staking.admit_genesis(service, bond, sender=self._account)
        staking.seal_genesis(sender=self._account)
        self._say("genesis list sealed, staking is open")

    def _bind(self) -> None:
        """Name the demands to both kinds of jobs; once these are announced nobody can."""
        demands = self._contracts["Demands"].address
        for name in ("ReplicatedJobs", "ProvableJobs"):
            jobs = self._contracts[name]
            if jobs.demands() != demands:
                jobs.bind_demands(demands, sender=self._account)

    def _bind_economy(self) -> None:
        """Tell the vaults and the token of each other; once staking is open nobody can."""
        contracts, me = self._contracts, self._account
        rewards, delegation = contracts["Rewards"], contracts["Delegation"]
        if not contracts["Token"].is_minter(rewards):
            contracts["Token"].bind_minter(rewards, sender=me)
        if contracts["Staking"].delegation() != delegation.address:
            contracts["Staking"].bind_delegation(delegation, sender=me)
        if delegation.rewards() != rewards.address:
            delegation.bind_rewards(rewards, sender=me)
        if contracts["Escrow"].fee_sink() != rewards.address:
            contracts["Escrow"].set_fee_sink(rewards, sender=me)

    def _hand_over(self) -> None:
        """Give everything that has an owner to the Timelock: from now on votes decide."""
        timelock = self._contracts["Timelock"]
        for name in ("Staking", "Escrow", "Rewards", "Courts"):
            contract = self._contracts[name]
            if contract.owner() == timelock.address:
                continue
            if contract.pending_owner() != timelock.address:
                contract.transfer_ownership(timelock, sender=self._account)
            self._accept(contract)
        self._say("the Timelock owns the contracts: votes decide from now on")

    def _accept(self, contract: ContractInstance) -> None:
        self._contracts["Timelock"].accept_ownership_of(contract, sender=self._account)

    def _write(self, block: int) -> None:
        contracts = {
            name: {
                "address": contract.address,
                "code_hash": _hash(self._code(contract.address)),
                "abi": [item.model_dump(mode="json", by_alias=True, exclude_none=True)
                        for item in contract.contract_type.abi],
            }
            for name, contract in self._contracts.items()
        }  # fmt: skip
        deployment = {
            "chain_id": self._params.chain_id,
            "genesis_hash": self._genesis(),
            "block": block,
            "contracts": contracts,
        }
        write_atomically(self.file, json.dumps(deployment, indent=1) + "\n")
        self._say(f"wrote {self.file}")

    def _code(self, address: str) -> bytes:
        return bytes(self._provider.get_code(address))

    def _genesis(self) -> str:
        return "0x" + bytes(self._provider.get_block(0).hash).hex()


def _next_address(account: AccountAPI) -> str:
    sender = bytes.fromhex(account.address.removeprefix("0x"))
    return to_checksum_address(keccak(rlp_encode([sender, account.nonce]))[12:])


def _hash(code: bytes) -> str:
    return "0x" + keccak(code).hex()


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one step."""
    part = path.with_suffix(path.suffix + ".new")
    part.write_text(text)
    part.replace(path)
