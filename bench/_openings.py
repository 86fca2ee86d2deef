"""A batch's openings as workers hand them out: over HTTP, believed where they fit the seals."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from _jobs import Bench

from worker.api.config import ApiConfig
from worker.api.openings import OpeningRoutes
from worker.api.server import ApiServer
from worker.protocol.openings import NoOpening, Opening
from worker.storage.http import GuardedHttp
from worker.types import BatchIndex, JobKey
from worker.work.peers import PeerClient


@dataclass
class Teller:
    """What one operator's worker may tell of the bench's job."""

    job: Bench
    own: Opening

    async def opening(self, job: JobKey, batch: BatchIndex) -> Opening | NoOpening:
        """Return the operator's opening once every seat of the batch is sealed."""
        if job != self.job.key:
            return NoOpening.UNKNOWN
        word = self.job.word(batch)
        return self.own if word.all_sealed(self.job.terms) else NoOpening.TOO_EARLY


def fetch_openings(job: Bench, own: list[Opening]) -> list[Opening]:
    """Serve each operator's opening by the worker's public API and fetch it with its client.

    Raises RuntimeError when one does not fit its seal on chain.
    """
    openings = asyncio.run(_fetch(job, own))
    for opening in openings:
        if not job.is_sealed_by(opening):
            raise RuntimeError(f"operator {opening.operator} tells what it did not seal")
    return openings


async def _fetch(job: Bench, own: list[Opening]) -> list[Opening]:
    ports = ApiConfig(public_port=0, admin_port=0)
    async with GuardedHttp(allow_private=True) as http, AsyncExitStack() as stack:
        client, openings = PeerClient(http), []
        for opening in own:
            routes = OpeningRoutes(Teller(job, opening))
            server = await stack.enter_async_context(ApiServer(ports, [], [routes]))
            endpoint = f"http://127.0.0.1:{server.public_port}"
            openings.append(await client.fetch_opening(endpoint, JobKey(job.key), BatchIndex(0)))
        return openings
