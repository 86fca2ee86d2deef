"""Many accounts on one bench chain: thousands of transactions signed, sent in bulk and mined."""

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from _chain import HOUR, NO_LIMIT, NO_PERMIT, ROOT, STAKE, TOKEN, Chain
from eth_account import Account
from eth_utils.crypto import keccak

from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.keys import Signer
from worker.protocol import eip712
from worker.types import OperatorId, Timestamp

BLOCK_GAS = 200_000_000
CALL_GAS = 600_000
AT_ONCE = 250
ETHER = 10**24
LATE = Timestamp(2**63)
PAYERS = 8


@dataclass(frozen=True)
class Call:
    """One transaction that somebody of the crowd sends."""

    sender: Signer
    contract: str
    function: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Mined:
    """What became of a call: its gas, its block, and its logs as the node shows them."""

    gas: int
    block: int
    logs: list[dict[str, Any]]


class Crowd:
    """Sends for many accounts at once; nobody else may use them. Mines its own blocks unless the
    chain keeps time."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.url = str(chain.web3.provider.endpoint_uri)  # type: ignore[attr-defined]
        self.deployment = deployment_of(chain)
        self.contracts = Contracts(self.deployment, None)  # type: ignore[arg-type]
        self.operators: dict[OperatorId, Signer] = {}
        self.payers = [_signer(f"payer {index}") for index in range(PAYERS)]
        self._nonces: dict[str, int] = {}
        self.ask(("evm_setAutomine", [False]), ("evm_setBlockGasLimit", [hex(BLOCK_GAS)]))

    def ask(self, *calls: tuple[str, list[Any]]) -> list[Any]:
        """Return the node's answers to a batch of JSON-RPC calls. Raises RuntimeError."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answers = sorted(json.load(response), key=lambda one: one["id"])
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])
        return [answer["result"] for answer in answers]

    def fund(self) -> None:
        """Give every payer tokens, and Escrow an allowance of them."""
        admin = Signer(self.chain.admin)
        self._nonces[admin.address] = self._nonce(admin)
        self._give_ether(self.payers)
        give = [Call(admin, "Token", "transfer", (p.address, 10**5 * TOKEN)) for p in self.payers]
        self.play(give)
        spender = self.contracts.address("Escrow")
        self.play([Call(p, "Token", "approve", (spender, 2**255)) for p in self.payers])

    def join(self, count: int) -> None:
        """Make `count` operators with equal stakes that count; owners are their own workers."""
        admin = Signer(self.chain.admin)
        self._nonces[admin.address] = self._nonce(admin)
        people = [_signer(f"operator {index}") for index in range(count)]
        staking = self.contracts.address("Staking")
        self._give_ether(people)
        self.play([Call(admin, "Token", "transfer", (p.address, STAKE)) for p in people])
        self.play([Call(p, "Token", "approve", (staking, STAKE)) for p in people])
        staked = self.play([Call(p, "Staking", "stake", (0, STAKE, NO_PERMIT)) for p in people])
        added = "0x" + self.contracts.topic("Staking", "StakeAdded").hex()
        for who, one in zip(people, staked, strict=True):
            self.operators[_staked(one, added)] = who
        self.play([self._consent(id, who) for id, who in self.operators.items()])
        for service in ("ReplicatedJobs", "ProvableJobs"):
            address = self.contracts.address(service)
            self.play(
                [
                    Call(who, "Staking", "opt_in", (id, address, NO_LIMIT))
                    for id, who in self.operators.items()
                ]
            )
        self.chain.go_to((self.chain.now // HOUR + 2) * HOUR + 1)

    def _consent(self, id: OperatorId, who: Signer) -> Call:
        """Return the call in which an owner names itself as its worker."""
        staking = self.contracts.address("Staking")
        domain = eip712.Domain("Proofmesh Staking", "1", self.deployment.chain_id, staking)
        consent = who.sign_typed_data(eip712.set_worker(domain, id, who.address, LATE))
        return Call(who, "Staking", "set_worker", (id, who.address, NO_LIMIT, LATE, consent))

    def play(self, calls: Sequence[Call]) -> list[Mined]:
        """Send the calls and mine blocks until all are mined; each must succeed."""
        hashes = self.send(calls)
        while int(self.ask(("txpool_status", []))[0]["pending"], 16):
            self.ask(("evm_mine", []))
        return self.mined(calls, hashes)

    def send(self, calls: Sequence[Call]) -> list[str]:
        """Sign and hand over; return the transactions' hashes."""
        hashes: list[str] = []
        for start in range(0, len(calls), AT_ONCE):
            raw = [self._sign(call) for call in calls[start : start + AT_ONCE]]
            hashes += self.ask(*(("eth_sendRawTransaction", ["0x" + one.hex()]) for one in raw))
        return hashes

    def mined(self, calls: Sequence[Call], hashes: Sequence[str]) -> list[Mined]:
        """Return what became of mined calls. Raises RuntimeError for one that reverted."""
        found = []
        for start in range(0, len(hashes), AT_ONCE):
            part = hashes[start : start + AT_ONCE]
            found += self.ask(*(("eth_getTransactionReceipt", [one]) for one in part))
        for call, receipt in zip(calls, found, strict=True):
            if receipt is None or receipt["status"] != "0x1":
                raise RuntimeError(f"{call.contract}.{call.function} failed: {receipt}")
        return [
            Mined(int(one["gasUsed"], 16), int(one["blockNumber"], 16), one["logs"])
            for one in found
        ]

    def _give_ether(self, people: Sequence[Signer]) -> None:
        self.ask(*(("anvil_setBalance", [p.address, hex(ETHER)]) for p in people))

    def _nonce(self, who: Signer) -> int:
        return int(self.ask(("eth_getTransactionCount", [who.address, "latest"]))[0], 16)

    def _sign(self, call: Call) -> bytes:
        nonce = self._nonces.get(call.sender.address, 0)
        self._nonces[call.sender.address] = nonce + 1
        raw, _ = call.sender.sign_transaction(
            {
                "type": 2,
                "chainId": self.deployment.chain_id,
                "nonce": nonce,
                "to": self.contracts.address(call.contract),
                "data": self.contracts.encode(call.contract, call.function, *call.args),
                "value": 0,
                "gas": CALL_GAS,
                "maxFeePerGas": 10**10,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        return raw


def deployment_of(chain: Chain) -> Deployment:
    """Return what a deployment file says about a bench chain."""
    compiled = json.loads((ROOT / ".build" / "__local__.json").read_text())["contractTypes"]
    contracts = {
        name: {
            "address": contract.address,
            "abi": compiled[name]["abi"],
            "code_hash": "0x" + keccak(chain.web3.eth.get_code(contract.address)).hex(),
        }
        for name, contract in chain.contracts.items()
    }
    genesis = "0x" + bytes(chain.web3.eth.get_block(0)["hash"]).hex()
    fields = {"chain_id": chain.web3.eth.chain_id, "genesis_hash": genesis, "block": 0}
    return Deployment.model_validate({**fields, "contracts": contracts})


def _signer(name: str) -> Signer:
    return Signer(Account.from_key(keccak(text=name)))


def _staked(mined: Mined, topic: str) -> OperatorId:
    """Return the number of the operator that a transaction staked for."""
    return next(
        OperatorId(int(log["topics"][1], 16)) for log in mined.logs if log["topics"][0] == topic
    )
