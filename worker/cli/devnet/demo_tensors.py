"""The demo's second job: digits told apart by a network, on a machine whose kernel is broken.

Two operators are named. The honest one is away until the other has been convicted, so that there is
a lie to be seen every time.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.chain.contracts import Event
from worker.chain.wire import parse_quantity
from worker.cli.devnet.network import Network
from worker.cli.watch import Watch
from worker.client import AsyncClient, JobFile
from worker.client.view import BatchState, JobView
from worker.client.wallet import as_tokens
from worker.client.yaml_file import parse_yaml
from worker.errors import ConfigError, VerificationError
from worker.protocol.words import GWEI

FAULTY, HONEST = 4, 5
CIRCLE = (FAULTY, HONEST)

ROLE = ("--lie-at", "1")
"""One element of the network's second operator is off by one, each time in the same way."""

_CHANGES = {
    "operators": list(CIRCLE),
    "batch": 4,
    "bond": 3,
    "audit": "1%",  # whoever watches finds the lie, not an auditor
    "windows": {"claim": "30s", "run": "30s", "reveal": "30s", "challenge": "60s"},
}


@dataclass
class Digits:
    """What the job came to."""

    right: int
    images: int
    conviction: Event
    gas: int

    def lines(self) -> list[str]:
        """Tell it."""
        told, bond = self.conviction.args, self.conviction.args["bond"] * GWEI
        return [
            f"operator {told['operator']} was convicted in one transaction of {self.gas:,} gas: "
            f"0x{self.conviction.tx_hash.hex()}",
            f"of its bond of {as_tokens(bond)} half is burnt, {as_tokens(bond * 2 // 5)} went to "
            f"the watcher and {as_tokens(bond // 10)} to the requester",
            f"operator {HONEST} ran the batch again: {self.right} of {self.images} digits are "
            "what their writers meant",
        ]


async def run_digits(network: Network, client: AsyncClient, folder: Path, watch: Watch) -> Digits:
    """Run the job in `folder`. Raises VerificationError unless the lie ended in a conviction."""
    away = network.operators[HONEST - 1]
    await network.processes.stop(away.name)
    watch.worker(HONEST, "away")
    await network.start_watcher()
    watch.note(f"a watcher without stake runs; worker {FAULTY}'s kernel is broken")
    record = await client.submit(_job(folder))
    view, is_accepted = None, False
    async for step in client.follow(record.id):
        view = step.view or view
        watch.step(step)
        if view is not None and not is_accepted:
            is_accepted = await _act(network, client, view, watch)
    if view is None:
        raise ConfigError("the job was posted, but nothing is known of it")
    return await _judge(network, client, view, folder)


def _job(folder: Path) -> JobFile:
    job = parse_yaml((folder / "job.yaml").read_bytes()) | _CHANGES
    return JobFile.parse(json.dumps(job).encode(), folder)


async def _act(network: Network, client: AsyncClient, view: JobView, watch: Watch) -> bool:
    """Bring the honest worker back after the conviction; accept its result once it is shown.

    Returns whether that is done.
    """
    batch, away = view.batches[0], network.operators[HONEST - 1]
    if batch.round == 0:
        return False
    if not network.processes.is_running(away.name):
        watch.note(f"worker {FAULTY} was convicted; worker {HONEST} is back")
        await network.start(away)
        await network.until_ready(away)
        watch.worker(HONEST, "ready")
    elif batch.state is BatchState.CHALLENGE:
        await client.accept(view.key.hex())
        return True
    return False


async def _judge(network: Network, client: AsyncClient, view: JobView, folder: Path) -> Digits:
    convictions = [event for event in await network.events() if event.name == "OperatorConvicted"]
    if not convictions or not view.is_delivered:
        raise VerificationError("the broken kernel was not convicted, or the job not done")
    receipt = await network.requester.pool.call(
        "eth_getTransactionReceipt", ["0x" + convictions[0].tx_hash.hex()], dict
    )
    with tempfile.TemporaryDirectory() as results:
        files = await client.fetch(view.key.hex(), Path(results))
        right, images = _score(files, folder / "labels.txt")
    return Digits(right, images, convictions[0], parse_quantity(receipt["gasUsed"]))


def _score(files: Sequence[Path], labels: Path) -> tuple[int, int]:
    """Return how many of the digits, in the tasks' order, were told right, and of how many."""
    found = np.concatenate([np.load(file).argmax(1) for file in files])
    meant = np.array(labels.read_text().split(), np.int64)
    return int((found == meant).sum()), len(meant)
