"""Row 36, short: many open jobs and operators; the long form is `make bench-load`."""

import asyncio
import sqlite3
import time
from collections import Counter
from pathlib import Path

from _call_gas import Levels, measure, spread, warm_up
from _chain import fresh_chain
from _follow import Follower, follower
from _open_jobs import LANES, OpenJob, OpenJobs
from _sending import send_many
from load import follow, open_crowd

OPERATORS = 20
SAMPLE = 16
LEVELS = (10, 120)
SECONDS = 3
IN_FLIGHT = 100


async def test_fault_36__many_open_jobs__gas_flat_and_nothing_lost(tmp_path: Path) -> None:
    with fresh_chain(operators=1) as chain:
        source = open_crowd(chain, tmp_path, OPERATORS)
        async with follower(source.crowd, tmp_path) as worker:
            gas, opened = await asyncio.to_thread(_gas, source)
            assert spread(gas) < 0.01, gas

            sent = await send_many(source.crowd, tmp_path, IN_FLIGHT, drop=0.1)
            assert sent.most_in_flight == IN_FLIGHT and sent.dropped > 0
            assert sent.mined_once and sent.nonces_without_gap

            kept_up = await follow(source, worker, opened, SECONDS, rate=2)
            assert kept_up["transactions_per_second"] > 5
            lags = sorted(Counter({int(k): n for k, n in kept_up["lag_blocks"].items()}).elements())
            assert lags[len(lags) // 2] <= 1, lags
            await _until_all_stored(worker, _on_chain(source))


def _gas(source: OpenJobs) -> tuple[Levels, dict[str, list[OpenJob]]]:
    warm_up(source, SAMPLE)
    return measure(source, LEVELS, SAMPLE)


async def _until_all_stored(worker: Follower, posted: int) -> None:
    give_up = time.monotonic() + 20
    while True:
        if (stored := _stored(worker)) == posted:
            return
        assert time.monotonic() < give_up, f"{stored} of {posted} postings are known"
        await asyncio.sleep(0.1)


def _stored(worker: Follower) -> int:
    """Return how many jobs the worker's database knows."""
    path = f"file:{worker.folder}/data/worker.sqlite?mode=ro"
    (count,) = sqlite3.connect(path, uri=True).execute("SELECT count(*) FROM jobs").fetchone()
    return int(count)


def _on_chain(source: OpenJobs) -> int:
    """Return how many postings both lanes have logged."""
    contracts = source.crowd.contracts
    found = 0
    for lane in LANES:
        criteria = {
            "address": contracts.address(lane),
            "topics": ["0x" + contracts.topic(lane, "JobPosted").hex()],
            "fromBlock": "0x0",
        }
        found += len(source.crowd.ask(("eth_getLogs", [criteria]))[0])
    return found
