"""The real sender with hundreds of transactions in flight, on a chain that may lose some."""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _crowd import Crowd

from worker.chain.config import ChainConfig
from worker.chain.endpoints import RpcPool
from worker.chain.keys import Signer, new_signer
from worker.chain.sender import Sender
from worker.protocol.outbox import LIVE, Intent, TxState
from worker.storage.database import Database
from worker.storage.outbox import SqliteOutbox

CONFIRMATIONS = 2
MOST_BLOCKS = 60
ETHER = 10**18


@dataclass(frozen=True)
class Sent:
    """What became of a batch of intents: seconds until all were final, the longest step, the most
    in flight at once, transactions that the node was made to forget, blocks needed."""

    intents: int
    seconds: float
    longest_tick: float
    most_in_flight: int
    dropped: int
    blocks: int
    mined_once: bool
    nonces_without_gap: bool


async def send_many(crowd: Crowd, folder: Path, count: int, drop: float) -> Sent:
    """Bring `count` transfers onto the chain, the node forgetting a share `drop` of them once.

    The crowd's chain must mine only when told.
    """
    signer = new_signer()
    crowd.ask(("anvil_setBalance", [signer.address, hex(1_000 * ETHER)]))
    async with _sender(crowd, signer, folder, count) as (sender, outbox):
        targets = [new_signer().address for _ in range(count)]
        for number, target in enumerate(targets):
            outbox.enqueue(Intent(f"gift:{number}", target, b"", value=1))  # type: ignore[arg-type]
        began, ticks, most, blocks = time.monotonic(), [0.0], 0, 0
        net = _Forgetful(crowd, drop)
        while outbox.count(TxState.QUEUED, *LIVE) and blocks < MOST_BLOCKS:
            at = time.monotonic()
            status = await sender.tick()
            ticks.append(time.monotonic() - at)
            most = max(most, status.in_flight)
            net.forget(outbox)
            crowd.ask(("evm_mine", []))
            blocks += 1
        return Sent(
            intents=count,
            seconds=round(time.monotonic() - began, 2),
            longest_tick=round(max(ticks), 2),
            most_in_flight=most,
            dropped=net.dropped,
            blocks=blocks,
            mined_once=_arrived_once(crowd, outbox, targets),
            nonces_without_gap=_is_gapless(crowd, outbox, signer),
        )


class _Forgetful:
    """Has the node forget a share of the transactions that it took."""

    def __init__(self, crowd: Crowd, share: float) -> None:
        self.dropped = 0
        self._crowd = crowd
        self._share = share
        self._met: set[int] = set()
        self._chance = random.Random(7)

    def forget(self, outbox: SqliteOutbox) -> None:
        """Drop some of those that wait for the first time."""
        new = [one for one in outbox.entries(TxState.PENDING) if one.id not in self._met]
        self._met |= {one.id for one in new}
        chosen = [one.attempts[-1].hash for one in new if self._chance.random() < self._share]
        if chosen:
            self._crowd.ask(*(("anvil_dropTransaction", ["0x" + one.hex()]) for one in chosen))
        self.dropped += len(chosen)


def _arrived_once(crowd: Crowd, outbox: SqliteOutbox, targets: list[Any]) -> bool:
    """Whether every intent is final and every target got its one wei, once."""
    balances = crowd.ask(*(("eth_getBalance", [target, "latest"]) for target in targets))
    all_final = outbox.count(TxState.FINAL) == len(outbox.entries())
    return all_final and all(balance == "0x1" for balance in balances)


def _is_gapless(crowd: Crowd, outbox: SqliteOutbox, signer: Signer) -> bool:
    """Whether the nonces are 0, 1, 2 … on both sides."""
    (mined,) = crowd.ask(("eth_getTransactionCount", [signer.address, "latest"]))
    held = sorted(entry.nonce for entry in outbox.entries() if entry.nonce is not None)
    return held == list(range(int(mined, 16)))


@asynccontextmanager
async def _sender(
    crowd: Crowd, signer: Signer, folder: Path, in_flight: int
) -> AsyncIterator[tuple[Sender, SqliteOutbox]]:
    config = ChainConfig.model_validate(
        {
            "rpc_urls": [crowd.url],
            "confirmations": CONFIRMATIONS,
            "max_in_flight": in_flight,
            "request_timeout": 30,
        }
    )
    database = Database(folder / f"{signer.address}.sqlite")
    try:
        async with RpcPool(config, crowd.deployment.identity) as pool:
            outbox = SqliteOutbox(database)
            chain_id = crowd.deployment.chain_id
            yield Sender(pool, outbox, signer, config, chain_id), outbox
    finally:
        database.close()
