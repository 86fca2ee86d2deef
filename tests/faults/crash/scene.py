"""What the scenes of the crash matrix share: a network of three, jobs, and how they must end."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from tests.e2e.network import ROOT, events, requester
from tests.faults.sound import assert_sound
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.books import open_books
from worker.cli.devnet.network import FIRST_WORKER, Network, Operator
from worker.client import JobFile
from worker.config import load_config
from worker.protocol.words import SeatOutcome
from worker.types import Address, JobKey

RAYTRACE = ROOT / "examples" / "raytrace"
DIGITS = ROOT / "examples" / "digits"

WASM_JOB = """
name: crash
program: raytrace.wasm
inputs: {{scene.txt: scene.txt}}
args: ["{{index}}", "2", "2", "48", "32"]
tasks: {{range: {{from: 0, to: 3}}}}
operators: {operators}
seats: 3
max_seats: 3
on_dissent: settle
price: 0.5
bond: 2
limits: {{fuel: 500M, memory: 32MiB, output: 1MiB, files: 4}}
windows: {windows}
"""

TENSOR_JOB = """
name: crash
kind: tensor
program: mlp.ptp
tasks: {{files: "{tasks}"}}
batch: {batch}
operators: {operators}
price: 0.01
bond: 3
audit: 100%
windows: {windows}
"""


def settle_in(network: Network, operator: Operator, **changes: Any) -> None:
    """Give the operator's worker an empty data folder, and its settings with these changes."""
    settings = tomlkit.parse(operator.settings.read_text()).unwrap()
    everybody = [one.id for one in network.operators]
    policy = {"circles": [everybody, *([one] for one in everybody)], **changes.pop("policy", {})}
    usual = {
        "policy": policy,
        "public_url": f"http://127.0.0.1:{operator.public_port}",
        "challenge": {},
    }
    node = {**settings["node"], **usual, **changes}
    data = operator.folder.resolve() / secrets.token_hex(4)
    operator.settings.write_text(tomlkit.dumps({**settings, "data": str(data), "node": node}))


async def submit(network: Network, source: str, folder: Path, **fields: object) -> JobKey:
    """Post a job; return its key."""
    file = JobFile.parse(source.format(**fields).encode(), folder)
    async with requester(network) as client:
        record = await client.submit(file)
    assert record.key is not None
    return JobKey(bytes.fromhex(record.key))


async def paid(network: Network, job: JobKey) -> dict[int, int]:
    """Return what each operator was paid in a job, in wei before the fee."""
    sums: dict[int, int] = {}
    for settled in await events(network, "BatchSettled", job=job):
        for seat in map(SeatOutcome.unpack, settled["seats"]):
            sums[seat.operator] = sums.get(seat.operator, 0) + seat.paid
    return sums


async def once(network: Network, job: JobKey, name: str) -> Sequence[tuple[int, int, int]]:
    """Return (batch, round, operator) of each such event of a job; none may come twice."""
    found = [
        (one["batch"], one["round"], one["operator"])
        for one in await events(network, name, job=job)
    ]
    assert len(found) == len(set(found)), f"{name} twice: {found}"
    return found


async def nonces(network: Network) -> dict[int, int]:
    """Return how many transactions each operator's worker key has on the chain."""
    return {
        operator.id: await nonce(network, dev_signer(FIRST_WORKER + place, LOCAL_CHAIN_ID).address)
        for place, operator in enumerate(network.operators)
    }


async def nonce(network: Network, account: Address) -> int:
    """Return how many transactions an account has on the chain."""
    return int(await network.anvil.ask("eth_getTransactionCount", account, "latest"), 16)


async def check_end(network: Network, before: Mapping[int, int], *operators: Operator) -> None:
    """What the outboxes of these operators know as mined is all that their keys have sent since,
    and databases and chain are sound."""
    await assert_sound(network, operators)
    after = await nonces(network)
    for one in operators:
        assert after[one.id] - before[one.id] == mined(network, one), one.name


def mined(network: Network, operator: Operator) -> int:
    """Return how many transactions the operator's outbox knows as mined."""
    with open_books(load_config(operator.settings), network.requester.contracts) as books:
        return sum(entry.inclusion is not None for entry in books.desks[0].outbox.entries())
