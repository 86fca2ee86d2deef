"""How many batches a local network settles a second, and what a batch costs a worker's own process.

    python bench/jobs.py     measures with 1, 2 and 4 workers, writes results/jobs.json

All workers, the chain and the requester share this machine. With w workers every batch has w
seats, so that each worker takes part in every batch: named seats where there is one worker, whom
the requester pays by `accept`; drawn seats and the short path with 2 and 4. The tasks are tiny
(a tile of 16 x 16 pixels), so that the figures are about everything but the execution.

CPU per batch is that of the worker's own process, its sandboxed children not counted, from the
posting until all is settled, less what the same process uses idle in the same time.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import tomlkit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from worker.chain.config import KeyConfig  # noqa: E402
from worker.cli.devnet.audit import Auditor  # noqa: E402
from worker.cli.devnet.network import REQUESTER, Network, Operator, open_network  # noqa: E402
from worker.client import AsyncClient, ClientConfig, JobFile  # noqa: E402
from worker.protocol.outbox import Intent  # noqa: E402
from worker.protocol.words import Origin, Terms  # noqa: E402

RESULT = ROOT / "bench" / "results" / "jobs.json"
BATCHES = 64
WORKERS = (1, 2, 4)
IDLE_SECONDS = 10
MOST_SECONDS = 240
CPU_TARGET_MS = 25.0
SERVICE = "ReplicatedJobs"


@dataclass
class Measured:
    """One network's figures."""

    workers: int
    seats_per_batch: int
    batches: int
    seconds: float
    batches_per_second: float
    seats_per_second: float
    cpu_ms_per_batch: float
    cpu_ms_idle_per_second: float


async def main() -> None:
    """Measure and write."""
    measured = []
    for workers in WORKERS:
        with tempfile.TemporaryDirectory(prefix="proofmesh-bench-") as folder:
            figures = await measure(Path(folder), workers)
        print(figures)
        measured.append(asdict(figures))
    worst = max(one["cpu_ms_per_batch"] for one in measured)
    result = {
        "command": "python bench/jobs.py",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "system": platform.platform(),
        "python": platform.python_version(),
        "block_seconds": 1,
        "load_before": os.getloadavg()[0],
        "networks": measured,
        "cpu_ms_per_batch": {
            "worst": worst,
            "target": CPU_TARGET_MS,
            "met": worst <= CPU_TARGET_MS,
        },
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


async def measure(folder: Path, workers: int) -> Measured:
    """Start a network of `workers`, run one job of BATCHES batches of one task."""
    async with open_network(ROOT, folder, workers) as network:
        for operator in network.operators:
            _configure(operator, network)
            await network.start(operator)
        await _ready(network)
        idle = await _idle(network)
        before = _cpu(network)
        started = time.monotonic()
        await _run_job(network, workers)
        seconds = time.monotonic() - started
        # The last settlement is booked one block later; that tick belongs to the batch.
        await asyncio.sleep(3)
        spent = (_cpu(network) - before) / workers
        audit = await network.audit()
        if not audit.holds:
            raise SystemExit("the invariants do not hold")
    cpu = 1000 * (spent - idle * (seconds + 3)) / BATCHES
    return Measured(
        workers=workers,
        seats_per_batch=workers,
        batches=BATCHES,
        seconds=round(seconds, 2),
        batches_per_second=round(BATCHES / seconds, 2),
        seats_per_second=round(BATCHES * workers / seconds, 2),
        cpu_ms_per_batch=round(cpu, 2),
        cpu_ms_idle_per_second=round(1000 * idle, 2),
    )


def _configure(operator: Operator, network: Network) -> None:
    """Room for all batches at once, and one named circle."""
    settings = tomlkit.parse(operator.settings.read_text())
    node = settings["node"]
    everyone = [one.id for one in network.operators]
    node["policy"] = {"seats": 2 * BATCHES, "circles": [everyone]}  # type: ignore[index]
    settings["chain"]["max_in_flight"] = 64  # type: ignore[index]
    operator.settings.write_text(tomlkit.dumps(settings))


async def _ready(network: Network) -> None:
    async with asyncio.timeout(60):
        for operator in network.operators:
            while not ((await network.status(operator)) or {}).get("ready"):
                network.processes.require_running()
                await asyncio.sleep(0.2)


async def _idle(network: Network) -> float:
    """Return the CPU seconds that a worker uses each second with nothing to do."""
    await asyncio.sleep(3)
    before = _cpu(network)
    await asyncio.sleep(IDLE_SECONDS)
    return (_cpu(network) - before) / IDLE_SECONDS / len(network.operators)


def _cpu(network: Network) -> float:
    """Return the CPU seconds of all workers' own processes so far."""
    ticks = 0
    for operator in network.operators:
        fields = Path(f"/proc/{network.processes.pid(operator.name)}/stat").read_text()
        user, system = fields.rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def _job(workers: int, operators: list[int]) -> str:
    seats = {1: "seats: 1\nmax_seats: 1", 2: "seats: 2\nmax_seats: 5", 4: "seats: 4\nmax_seats: 7"}
    named = f"\noperators: {operators}" if workers == 1 else ""
    return f"""\
name: bench
program: raytrace.wasm
inputs: {{scene.txt: scene.txt}}
args: ["{{index}}", 8, 8, 128, 128]
tasks: {{range: {{from: 0, to: {BATCHES}}}}}
batch: 1
{seats[workers]}{named}
price: 0.5
bond: 1
limits: {{fuel: 100M, memory: 32MiB, output: 1MiB, files: 4}}
windows: {{claim: 60s, run: 2m, reveal: 2m}}
"""


async def _run_job(network: Network, workers: int) -> None:
    config = ClientConfig(
        deployment=network.deployment_file,
        chain=network.chain,
        data=network.folder / "requester",
        wallet=KeyConfig(dev_account=REQUESTER),
    )
    source = _job(workers, [one.id for one in network.operators]).encode()
    async with AsyncClient(config) as client:
        record = await client.submit(JobFile.parse(source, ROOT / "examples" / "raytrace"))
    key = bytes.fromhex(record.key or "")
    async with asyncio.timeout(MOST_SECONDS):
        while await _settled(network, key) < BATCHES:
            network.processes.require_running()
            if workers == 1:
                await _accept(network, key)
            await asyncio.sleep(0.5)


async def _settled(network: Network, key: bytes) -> int:
    return len([e for e in await _events(network, key) if e.name == "BatchSettled"])


async def _events(network: Network, key: bytes):  # type: ignore[no-untyped-def]
    wallet = network.requester
    head = await wallet.pool.head()
    found = await Auditor(wallet.contracts, wallet.pool).events(head.number)
    return [event for event in found if event.args.get("job") == key]


async def _accept(network: Network, key: bytes) -> None:
    """Pay for every batch that was revealed, as its requester."""
    wallet = network.requester
    events = await _events(network, key)
    posted = next(event.args for event in events if event.name == "JobPosted")
    origin = Origin(posted["nonce"], posted["program"], posted["inputs"], posted["manifest"])
    terms = Terms.unpack(posted["a"], posted["b"], posted["named"], origin.digest(posted["payer"]))
    brought = (origin.nonce, origin.program, origin.inputs, origin.manifest)
    for shown in (event.args for event in events if event.name == "ResultRevealed"):
        arguments = (terms.members(), brought, shown["batch"], list(shown["values"]))
        data = wallet.contracts.encode(SERVICE, "accept", *arguments)
        to = wallet.contracts.address(SERVICE)
        wallet.outbox.enqueue(Intent(f"accept:{shown['batch']}", to, data))
    await wallet.sender.tick()


if __name__ == "__main__":
    asyncio.run(main())
