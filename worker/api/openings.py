"""GET /openings/{job}/{batch}: this worker's own opening, once its round is sealed for good."""

from typing import Protocol

from aiohttp import web

from worker.api.middleware import Refusal
from worker.protocol.openings import NoOpening, Opening
from worker.types import BatchIndex, JobKey


class OpeningSource(Protocol):
    """Who knows this worker's openings, and when each may be told."""

    async def opening(self, job: JobKey, batch: BatchIndex) -> Opening | NoOpening:
        """Return the opening of the batch's newest round that this worker sits in.

        Must not return one before the round is sealed at confirmation depth: another operator
        could copy it.
        """
        ...


class OpeningRoutes:
    """Lets the other seats of a batch conclude it in one transaction."""

    def __init__(self, source: OpeningSource) -> None:
        self._source = source

    def add_to(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_get("/openings/{job:(?:0x)?[0-9a-f]{64}}/{batch:[0-9]{1,7}}", self._get)

    async def _get(self, request: web.Request) -> web.Response:
        job = JobKey(bytes.fromhex(request.match_info["job"].removeprefix("0x")))
        batch = BatchIndex(int(request.match_info["batch"]))
        found = await self._source.opening(job, batch)
        if found is NoOpening.UNKNOWN:
            raise Refusal(404, "not_found", "this worker has no seat in that batch")
        if found is NoOpening.TOO_EARLY:
            raise Refusal(
                425, "too_early", "the round is not sealed at confirmation depth", Retry_After="2"
            )
        return web.Response(body=found.encode(), content_type="application/json")
