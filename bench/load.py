"""Proofmesh under load: one local chain, up to 10,000 open jobs, 100 operators, one real worker.

    python bench/load.py     writes results/load.json; run `ape compile` first; some minutes

What is measured: gas of every call while ever more jobs are open, in both lanes; how far a real
worker process is behind the head, and what memory it takes, while a crowd moves jobs on in every
block; its listeners under many connections; the sender with 500 transactions in flight.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import structlog

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from _api_load import Route, load  # noqa: E402
from _call_gas import measure, spread, warm_up  # noqa: E402
from _chain import fresh_chain  # noqa: E402
from _crowd import Crowd  # noqa: E402
from _follow import Follower, Sample, follower  # noqa: E402
from _open_jobs import LANES, OpenJob, OpenJobs  # noqa: E402
from _real_contents import real_contents  # noqa: E402
from _sending import send_many  # noqa: E402
from _stream import Stream, drawn  # noqa: E402

from worker.storage.blobs import BlobStore  # noqa: E402
from worker.types import Timestamp  # noqa: E402

RESULT = ROOT / "bench" / "results" / "load.json"
LEVELS = (10, 100, 1_000, 10_000)
OPERATORS = 100
SAMPLE = 40  # jobs a lane that are played, where drawn, at each level
RATE = 8  # jobs of each lane that begin in every block
STREAM_SECONDS = 90
CURRENT_SECONDS = 600
IN_FLIGHT = 500
BLOB_BYTES = 8 << 20
ROUTE_SECONDS = 5
SPAN = 64 << 10
TARGETS = {"gas_spread": 0.01, "lag_p99_blocks": 1, "memory_growth": 0.05, "status_p95_ms": 100}


def open_crowd(chain: Any, folder: Path, operators: int) -> OpenJobs:
    """Return a crowd on a new chain that posts jobs which a worker can fetch and run."""
    chain.deploy("Registry", chain.contracts["Staking"].address)
    crowd = Crowd(chain)
    crowd.fund()
    crowd.join(operators)
    source = OpenJobs(crowd)
    source.contents = real_contents(folder / "blobs")
    return source


async def follow(
    source: OpenJobs, worker: Follower, opened: dict[str, list[OpenJob]], seconds: float, rate: int
) -> dict[str, Any]:
    """Let the crowd work in real time, a block a second; return how the worker kept up."""
    source.crowd.ask(("evm_setIntervalMining", [1]))
    caught_up = await worker.until_current(CURRENT_SECONDS)
    wanted = int(seconds * rate) + rate
    jobs = {lane: drawn(source, opened[lane], wanted) for lane in LANES}
    stream = Stream(source, jobs, rate)
    _, samples = await asyncio.gather(asyncio.to_thread(stream.run, seconds), worker.watch(seconds))
    source.crowd.ask(("evm_setIntervalMining", [0]))
    return {
        "seconds": seconds,
        "seconds_until_current": round(caught_up, 1),
        "transactions_per_second": round(stream.sent / seconds, 1),
        **summary(samples),
    }


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return lag, memory and load over a series of looks."""
    lags = Counter(sample.lag for sample in samples)
    ordered = sorted(sample.lag for sample in samples)
    half = samples[len(samples) // 2 :]
    thirds = len(half) // 3
    early = mean(sample.memory for sample in half[:thirds])
    late = mean(sample.memory for sample in half[-thirds:])
    first, last = samples[0], samples[-1]
    return {
        "looks": len(samples),
        "lag_blocks": {str(lag): lags[lag] for lag in sorted(lags)},
        "lag_p99_blocks": ordered[int(0.99 * len(ordered))],
        "memory_mb": round(last.memory / 1e6, 1),
        "memory_growth_last_half": round(late / early - 1, 4),
        "processor_share": round((last.cpu - first.cpu) / (last.at - first.at), 3),
    }


async def serve(worker: Follower, blob: str, seconds: float) -> dict[str, Any]:
    """Load the worker's listeners, one route after the other; `processor_ms` is what the worker
    spends on an answer, whatever else keeps the machine busy."""
    url = f"{worker.public_url}/blobs/{blob}"
    plans = {
        "status, 1 connection": (Route(f"{worker.admin_url}/status"), 1),
        "status, 16 connections": (Route(f"{worker.admin_url}/status"), 16),
        "readyz, 64 connections": (Route(f"{worker.admin_url}/readyz"), 64),
        "metrics, 16 connections": (Route(f"{worker.admin_url}/metrics"), 16),
        "blob ranges of 64 KiB, 16 connections": (Route(url, BLOB_BYTES, SPAN), 16),
        "blob ranges of 64 KiB, 64 connections": (Route(url, BLOB_BYTES, SPAN), 64),
        "whole blobs of 8 MiB, 8 connections": (Route(url), 8),
    }
    found = {}
    for name, plan in plans.items():
        before = worker.processor_seconds()
        served = await load(*plan, seconds)
        spent = worker.processor_seconds() - before
        found[name] = {**asdict(served), "processor_ms": round(1000 * spent / served.answers, 2)}
    return found


def put_blob(folder: Path) -> str:
    """Put a blob into the store of a worker that is to start, as a finished upload does; return
    its digest."""
    store = BlobStore(folder / "data" / "blobs", 1 << 30)
    return store.put(os.urandom(BLOB_BYTES), Timestamp(2**40)).hex()


async def run(folder: Path) -> dict[str, Any]:
    """Measure everything on one chain."""
    with fresh_chain(operators=1) as chain:
        source = open_crowd(chain, folder, OPERATORS)
        warm_up(source, SAMPLE)
        gas, opened = measure(source, LEVELS, SAMPLE)
        print("gas", spread(gas), flush=True)
        sending = {
            name: asdict(await send_many(source.crowd, folder, IN_FLIGHT, drop))
            for name, drop in (("kept", 0.0), ("a tenth dropped", 0.1))
        }
        print(sending, flush=True)
        blob = put_blob(folder)
        async with follower(source.crowd, folder) as worker:
            following = await follow(source, worker, opened, STREAM_SECONDS, RATE)
            print(following, flush=True)
            serving = await serve(worker, blob, ROUTE_SECONDS)
    return {
        "gas": gas,
        "gas_spread": round(spread(gas), 4),
        "following": following,
        "serving": serving,
        "sending": sending,
    }


def main() -> None:
    """Measure and write."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="proofmesh-bench-") as folder:
        found = asyncio.run(run(Path(folder)))
    result = {
        "command": "python bench/load.py",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "block_seconds": 1,
        "operators": OPERATORS,
        "targets": TARGETS,
        **found,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
