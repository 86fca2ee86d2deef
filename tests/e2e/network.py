"""What tests add to a local network: small jobs whose blobs are files, and the chain's events."""

import asyncio
import json
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
import yaml
from aiohttp import web

from worker.chain.config import KeyConfig
from worker.cli.devnet.audit import Auditor
from worker.cli.devnet.network import REQUESTER, Network, Operator
from worker.client import AsyncClient, ClientConfig
from worker.client.build import Build
from worker.client.wasm_build import build_wasm
from worker.client.wasm_spec import WasmSpec
from worker.protocol.merkle import named_root
from worker.protocol.openings import Opening
from worker.protocol.words import GWEI, OnDissent, Origin, Terms
from worker.storage.locators import encode_locators
from worker.types import Gwei, JobKey, OperatorId, Seconds, Timestamp, Wei

ROOT = Path(__file__).parents[2]
CIRCLE = (1, 2, 3, 4, 5)
"""All operators of the network. Whoever of them runs claims work that names them at once; without
names, a draw lets the last of them claim after two thirds of the claim window."""

RAYTRACE = ROOT / "examples" / "raytrace"


@dataclass
class Posted:
    """A job on the chain."""

    key: JobKey
    terms: Terms
    origin: Origin


def job_spec(**changes: Any) -> WasmSpec:
    """Return a small picture as a job of two batches; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "name": "test",
        "program": "raytrace.wasm",
        "inputs": {"scene.txt": "scene.txt"},
        "args": ["{index}", "2", "2", "48", "32"],
        "tasks": {"range": {"from": 0, "to": 4}},
        "batch": 2,
        "seats": 3,
        "max_seats": 5,
        "price": "0.5",
        "bond": "2",
        "limits": {"fuel": "500M", "memory": "32MiB", "output": "1MiB", "files": 4},
        "windows": {"claim": "12s", "run": "15s", "reveal": "15s"},
    }
    return WasmSpec.model_validate_json(json.dumps(fields | changes))


def write_picture(folder: Path, **changes: Any) -> None:
    """Write what a person needs to submit a small picture: `job.yaml` and the files that it names.
    Its windows are wide enough for a busy machine; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "name": "picture",
        "program": "raytrace.wasm",
        "inputs": {"scene.txt": "scene.txt"},
        "args": ["{index}", 2, 1, 48, 32],
        "tasks": {"range": {"to": 2}},
        "batch": 2,
        "operators": list(CIRCLE),
        "limits": {"fuel": "500M", "memory": "32MiB", "output": "1MiB"},
        "windows": {"claim": "24s", "run": "90s", "reveal": "90s"},
    }
    for name in ("raytrace.wasm", "scene.txt"):
        shutil.copy(RAYTRACE / name, folder / name)
    (folder / "job.yaml").write_text(yaml.safe_dump(fields | changes))


async def post(network: Network, spec: WasmSpec, folder: Path = RAYTRACE) -> Posted:
    """Post a job whose blobs lie as files on this machine, besides where its locators say."""
    made = build_wasm(spec, folder)
    blobs = network.folder / "blobs"
    blobs.mkdir(exist_ok=True)
    for digest, blob in made.blobs.items():
        (blobs / digest.hex()).write_bytes(blob.path.read_bytes())
    for digest, data in made.documents.items():
        (blobs / digest.hex()).write_bytes(data)
    wallet = network.requester
    nonce = secrets.randbits(64)
    origin = Origin(nonce, made.program, made.inputs_root, made.manifest.digest())
    terms = await _terms(network, made, origin)
    entry = await wallet.send(
        "ReplicatedJobs",
        "post_job",
        terms.a,
        terms.b,
        terms.named,
        (nonce, origin.program, origin.inputs, origin.manifest),
        encode_locators((*spec.locators, f"file://{blobs}/{{digest}}")),
        await wallet.permit("Escrow", terms.escrow),
    )
    posted = next(e.args for e in await wallet.events_of(entry) if e.name == "JobPosted")
    full = Terms.unpack(posted["a"], posted["b"], posted["named"], terms.origin)
    return Posted(JobKey(posted["job"]), full, origin)


async def _terms(network: Network, made: Build, origin: Origin) -> Terms:
    spec, windows = made.spec, made.spec.windows
    head = await network.requester.pool.head()
    length = 2 * (5 * windows.claim + windows.run + windows.reveal)
    return Terms(
        price=Wei(spec.price),
        bond=Gwei(spec.bond_wei // GWEI),
        tasks=len(made.rows),
        seats=spec.seats,
        max_seats=spec.most_seats,
        batch_log2=spec.batch.bit_length() - 1,
        on_dissent=OnDissent[spec.on_dissent.upper()],
        token=0,
        fee_bps=await network.requester.call("Escrow", "fee_bps"),
        claim=Seconds(windows.claim),
        run=Seconds(windows.run),
        reveal=Seconds(windows.reveal),
        expiry=Timestamp(head.timestamp + length + 1_200),
        named=named_root(spec.operators) if spec.operators else bytes(32),
        origin=origin.digest(network.requester.address),
    )


async def events(network: Network, *names: str, job: bytes | None = None) -> list[Any]:
    """Return the arguments of the events of these names so far."""
    wallet = network.requester
    head = await wallet.pool.head()
    found = await Auditor(wallet.contracts, wallet.pool).events(head.number)
    return [e.args for e in found if e.name in names and job in (None, e.args.get("job"))]


@asynccontextmanager
async def requester(network: Network) -> AsyncIterator[AsyncClient]:
    """The requester's SDK, with a journal of its own."""
    config = ClientConfig(
        deployment=network.deployment_file,
        chain=network.chain,
        data=network.folder / f"requester-{secrets.token_hex(4)}",
        wallet=KeyConfig(dev_account=REQUESTER),
    )
    async with AsyncClient(config) as client:
        yield client


def configure(operator: Operator, table: str, **values: Any) -> None:
    """Change what a table of the operator's settings says; its worker reads them when it starts."""
    settings = tomlkit.parse(operator.settings.read_text()).unwrap()
    settings[table] |= values
    operator.settings.write_text(tomlkit.dumps(settings))


@asynccontextmanager
async def serving_false_openings(operator: int) -> AsyncIterator[int]:
    """Answer for an operator with openings that do not fit its seal; gives the port."""
    false = Opening(OperatorId(operator), 0, (bytes(32),) * 2, bytes(32)).encode()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=false, content_type="application/json")

    server = web.Application()
    server.router.add_get("/openings/{job}/{batch}", answer)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def settlements(network: Network, posted: Posted) -> list[Any]:
    """Return the events that made batches of the job final."""
    ended = await events(network, "BatchSettled", "BatchClosed", job=posted.key)
    return [args for args in ended if not args.get("contested_mask")]


async def until(
    condition: Callable[[], Awaitable[bool]], what: str, network: Network, within: float = 60.0
) -> None:
    """Wait for `condition`, at most `within` seconds; a worker that ended by itself is an error."""
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, f"{what}: not within {within:g} s"
        network.processes.require_running()
        await asyncio.sleep(0.3)


async def all_settled(network: Network, posted: Posted, within: float = 60.0) -> None:
    """Wait until every batch of the job is final."""

    async def done() -> bool:
        return len(await settlements(network, posted)) == posted.terms.batches

    await until(done, "every batch settled", network, within)
