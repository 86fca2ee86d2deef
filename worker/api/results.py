"""GET /results/{job}/{task}: a settled task's record, and which blob has its outputs."""

from typing import Protocol

from aiohttp import web

from worker.api.middleware import Refusal
from worker.types import JobKey, TaskIndex


class ResultSource(Protocol):
    """Who knows this worker's results, and when each may be told."""

    async def result(self, job: JobKey, task: TaskIndex) -> bytes | None:
        """Return the document (see worker.protocol.results), None before its settlement."""
        ...


class ResultRoutes:
    """Tells requesters what their tasks gave here."""

    def __init__(self, source: ResultSource) -> None:
        self._source = source

    def add_to(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_get("/results/{job:(?:0x)?[0-9a-f]{64}}/{task:[0-9]{1,7}}", self._get)

    async def _get(self, request: web.Request) -> web.Response:
        job = JobKey(bytes.fromhex(request.match_info["job"].removeprefix("0x")))
        found = await self._source.result(job, TaskIndex(int(request.match_info["task"])))
        if found is None:
            raise Refusal(404, "not_found", "no settled result of that task is here")
        return web.Response(body=found, content_type="application/json")
