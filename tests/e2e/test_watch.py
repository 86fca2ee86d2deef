"""Nobody gets away with a lie: real workers, a watcher without stake, the chain in between."""

import secrets
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import tomlkit

from tests.e2e.network import ROOT, Posted, configure, events, until
from worker.chain.keys import dev_signer
from worker.cli.devnet.cast.role import NOWHERE
from worker.cli.devnet.network import TENSOR_BACKEND, WATCHER, Network, Operator
from worker.client.build import Build
from worker.client.jobfile import JobFile
from worker.client.lane import reserve_of
from worker.protocol.merkle import named_root
from worker.protocol.words import GWEI, OnDissent, Origin, Terms
from worker.storage.locators import encode_locators
from worker.types import Gwei, JobKey, Seconds, Timestamp, Wei

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIGITS = ROOT / "examples" / "digits" / "job.yaml"
TOKEN = 10**18
PRICE = Wei(TOKEN // 1000)
BOND = Gwei(TOKEN // GWEI)
MOST_ROUNDS = 7


@pytest_asyncio.fixture(loop_scope="session")
async def watcher(network: Network) -> Path:
    """The settings of somebody with gas money and a token for demands."""
    address = dev_signer(WATCHER, network.deployment.chain_id).address
    await network.requester.send("Token", "transfer", address, TOKEN)
    folder = network.folder.resolve() / "watcher"
    folder.mkdir(exist_ok=True)
    file = folder / "config.toml"
    settings = {
        "deployment": str(network.deployment_file.resolve()),
        "data": str(folder / secrets.token_hex(4)),
        "chain": network.chain.model_dump(mode="json", exclude_defaults=True),
        "wallet": {"dev_account": WATCHER},
        "watch": {"tensor": {"backend": TENSOR_BACKEND}},
    }
    file.write_text(tomlkit.dumps(settings))
    return file


async def watch(network: Network, settings: Path, *words: str) -> str:
    """Start `proofmesh node watch`; return the process's name."""
    name = f"watch-{secrets.token_hex(2)}"
    command = [sys.executable, "-m", "worker", "node", "watch", "--config", str(settings), *words]
    await network.processes.start(name, command, {})
    return name


async def start_liar(network: Network, operator: Operator, url: str | None = None) -> None:
    """Start a worker whose kernel is broken, and which works for its own circle."""
    configure(operator, "node", policy={"circles": [[operator.id]]})
    if url is not None:
        configure(operator, "node", public_url=url)
    await network.start(operator, "--lie-at", "1")


async def post(network: Network, operator: Operator, challenge: int) -> Posted:
    """Post a task of digits that one operator alone may claim."""
    made = JobFile.load(DIGITS).build()
    blobs = network.folder / "blobs"
    blobs.mkdir(exist_ok=True)
    for digest, blob in made.blobs.items():
        with blob.open() as file:
            (blobs / digest.hex()).write_bytes(file.read())
    for digest, data in made.documents.items():
        (blobs / digest.hex()).write_bytes(data)
    wallet = network.requester
    origin = Origin(secrets.randbits(64), made.program, made.inputs_root, made.manifest.digest())
    terms = await _terms(network, made, origin, operator, challenge)
    entry = await wallet.send(
        "ProvableJobs",
        "post_job",
        terms.a,
        terms.b,
        terms.named,
        (origin.nonce, origin.program, origin.inputs, origin.manifest),
        encode_locators((f"file://{blobs}/{{digest}}",)),
        await wallet.permit("Escrow", reserve_of(terms)),
    )
    posted = next(e.args for e in await wallet.events_of(entry) if e.name == "JobPosted")
    full = Terms.unpack(posted["a"], posted["b"], posted["named"], terms.origin)
    return Posted(JobKey(posted["job"]), full, origin)


async def _terms(
    network: Network, made: Build, origin: Origin, operator: Operator, challenge: int
) -> Terms:
    head = await network.requester.pool.head()
    return Terms(
        price=PRICE,
        bond=BOND,
        tasks=len(made.rows),
        seats=1,
        max_seats=1,
        batch_log2=2,
        on_dissent=OnDissent.ESCALATE,
        token=0,
        fee_bps=await network.requester.call("Escrow", "fee_bps"),
        claim=Seconds(20),
        run=Seconds(20),
        reveal=Seconds(20),
        expiry=Timestamp(head.timestamp + 20 * 86_400),
        challenge=Seconds(challenge),
        audit_bps=100,
        named=named_root((operator.id,)),
        origin=origin.digest(network.requester.address),
    )


async def happened(network: Network, posted: Posted, name: str, within: float = 90.0) -> Any:
    """Wait for an event about a job and return its arguments."""

    async def is_there() -> bool:
        return bool(await events(network, name, job=posted.key))

    await until(is_there, name, network, within)
    return (await events(network, name, job=posted.key))[0]


async def balances(network: Network) -> dict[str, int]:
    """Return what the watcher and the requester hold, and how many tokens there are."""
    wallet = network.requester
    address = dev_signer(WATCHER, network.deployment.chain_id).address
    return {
        "watcher": await wallet.call("Token", "balanceOf", address),
        "requester": await wallet.call("Token", "balanceOf", wallet.address),
        "supply": await wallet.call("Token", "totalSupply"),
    }


async def check_books(network: Network) -> None:
    """Check every invariant of the contracts at the head."""
    audit = await network.audit()
    assert audit.holds, [check for check in audit.checks if not check.holds]


async def test_watch__faulty_kernel__is_convicted_in_one_transaction(network, watcher):
    liar = network.operators[0]
    await start_liar(network, liar)
    name = await watch(network, watcher)
    posted = await post(network, liar, challenge=60)
    before = await balances(network)

    convicted = await happened(network, posted, "OperatorConvicted")

    bond = posted.terms.tasks * BOND * GWEI
    after = await balances(network)
    assert (convicted["operator"], convicted["bond"] * GWEI) == (liar.id, bond)
    assert convicted["announced"]
    assert after["watcher"] - before["watcher"] == bond * 2 // 5
    assert after["requester"] - before["requester"] == bond // 10
    assert before["supply"] - after["supply"] == bond // 2
    assert not await events(network, "TraceDemanded", job=posted.key)
    log = network.processes.log(name)

    async def is_told() -> bool:
        return "convicted of op 1" in log.read_text()

    await until(is_told, "the watcher's line", network)
    told = next(line for line in log.read_text().splitlines() if "convicted of" in line)
    sys.stdout.write(told + "\n")
    assert ", gas " in told
    await check_books(network)
    assert await network.processes.stop(name) == 0


async def test_watch__silent_process__loses_its_whole_bond(network, watcher):
    liar = network.operators[1]
    await start_liar(network, liar, NOWHERE)
    posted = await post(network, liar, challenge=60)
    await happened(network, posted, "ResultRevealed")
    await network.processes.kill(liar.name)
    before = await balances(network)
    await watch(network, watcher)

    burnt = await happened(network, posted, "SeatForfeited")

    after = await balances(network)
    assert (burnt["operator"], burnt["burnt"]) == (liar.id, posted.terms.tasks * BOND)
    assert before["supply"] - after["supply"] == posted.terms.tasks * BOND * GWEI
    (opened,) = await events(network, "RoundOpened", job=posted.key)
    assert opened["round"] == 1
    assert not await events(network, "OperatorConvicted", job=posted.key)
    await check_books(network)


async def test_watch__answers_but_serves_nothing__is_convicted_by_its_answers(network, watcher):
    liar = network.operators[2]
    await start_liar(network, liar, NOWHERE)
    await watch(network, watcher)
    posted = await post(network, liar, challenge=120)

    convicted = await happened(network, posted, "OperatorConvicted", within=150)

    assert convicted["operator"] == liar.id
    demands = await events(network, "TraceDemanded", job=posted.key)
    assert 3 <= len(demands) <= MOST_ROUNDS
    await check_books(network)
