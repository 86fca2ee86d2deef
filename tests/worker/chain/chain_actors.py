"""What the tests of the chain room share: a contract, a configuration, a sender on a bench."""

import functools
from dataclasses import dataclass
from pathlib import Path

import vyper
from vyper.compiler.settings import Settings

from tests.faults.anvil import Anvil
from tests.faults.proxy import Proxy
from worker.chain.config import ChainConfig
from worker.chain.contracts import Contracts
from worker.chain.endpoints import RpcPool
from worker.chain.keys import dev_signer
from worker.chain.sender import Sender, SenderStatus
from worker.protocol.outbox import Intent
from worker.storage.database import Database
from worker.storage.outbox import SqliteOutbox

CHAIN_ID = 31337

# A contract with every shape that the worker meets: structs, indexed fields, reasons, overloads.
SOURCE = """
# pragma version 0.4.3
struct Terms:
    a: uint256
    named: bytes32

event Noted:
    by: indexed(address)
    value: indexed(uint256)
    terms: Terms
    words: String[40]

total: public(uint256)

@external
def note(terms: Terms, words: String[40] = "", unlucky: uint256 = 13):
    assert terms.a != unlucky, "notes: unlucky"
    self.total += terms.a
    log Noted(by=msg.sender, value=terms.a, terms=terms, words=words)

@external
@view
def latest(who: address) -> (address, Terms, DynArray[uint256, 4]):
    return who, Terms(a=self.total, named=empty(bytes32)), [self.total]
"""


@functools.cache
def compiled() -> dict:
    return vyper.compile_code(
        SOURCE,
        output_formats=["bytecode", "abi"],
        settings=Settings(evm_version="cancun"),
    )


def config_for(*urls: str, **changes) -> ChainConfig:
    defaults = {
        "confirmations": 2,
        "poll_seconds": 0.05,
        "probe_seconds": 0.2,
        "bump_after_blocks": 2,
    }
    return ChainConfig.model_validate({"rpc_urls": urls, **defaults, **changes})


@dataclass
class Bench:
    """A sender over one faulty endpoint, with its durable outbox."""

    anvil: Anvil
    proxy: Proxy
    pool: RpcPool
    contracts: Contracts
    config: ChainConfig
    path: Path
    outbox: SqliteOutbox
    sender: Sender
    address: str

    def note(self, purpose: str, value: int = 1, **changes) -> Intent:
        data = self.contracts.encode("Notes", "note", (value, bytes(32)))
        return Intent(purpose, self.contracts.address("Notes"), data, **changes)

    def restart(self, **changes) -> None:
        """Forget all that is not on disk, as after a SIGKILL."""
        self.config = self.config.model_copy(update=changes)
        self.outbox = SqliteOutbox(Database(self.path))
        signer = dev_signer(0, CHAIN_ID)
        self.sender = Sender(self.pool, self.outbox, signer, self.config, CHAIN_ID)

    async def total(self) -> int:
        return await self.contracts.call("Notes", "total")


async def ticks(bench: Bench, count: int = 1) -> SenderStatus:
    """Tick, letting the node mine what was sent each time; return the last status."""
    for _ in range(count):
        status = await bench.sender.tick()
        bench.anvil.drain()
    return status
