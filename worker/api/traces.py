"""GET /traces and /tensors: what the openings of this worker's provable batches commit to."""

from collections.abc import Awaitable
from typing import Protocol

from aiohttp import web

from worker.api.middleware import Refusal
from worker.api.places import Places
from worker.errors import JobError, NotFoundError, RetryableError
from worker.storage.http import Speed
from worker.storage.pace import Pace
from worker.types import JobKey, TaskIndex

_TASK = "{job:(?:0x)?[0-9a-f]{64}}/{task:[0-9]{1,7}}"
_CHUNK = 1 << 18


class TraceSource(Protocol):
    """Who knows what this worker's openings commit to.

    Raises NotFoundError for what may not be seen, JobError or RetryableError when it cannot be told
    now.
    """

    async def trace(self, job: JobKey, task: TaskIndex) -> bytes:
        """Return the leaves of a task's trace."""
        ...

    async def segment(self, job: JobKey, task: TaskIndex, segment: int) -> bytes:
        """Return the leaves of a segment's trace."""
        ...

    async def tensor(self, job: JobKey, task: TaskIndex, operator: int) -> bytes:
        """Return the bytes of an operator's tensor."""
        ...


class TraceRoutes:
    """Serves bytes; what must be computed again has few places of its own."""

    def __init__(self, source: TraceSource, places: Places, computed: Places, speed: Speed) -> None:
        self._source = source
        self._places = places
        self._computed = computed
        self._speed = speed

    def add_to(self, app: web.Application) -> None:
        """Register the routes; HEAD comes with GET."""
        app.router.add_get(f"/traces/{_TASK}", self._trace)
        app.router.add_get(f"/traces/{_TASK}/segments/{{segment:[0-9]{{1,5}}}}", self._segment)
        app.router.add_get(f"/tensors/{_TASK}/{{operator:[0-9]{{1,4}}}}", self._tensor)

    async def _trace(self, request: web.Request) -> web.StreamResponse:
        with self._places.take(request.remote):
            return await self._answer(request, self._source.trace(*_task(request)))

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["segment"])
        with self._computed.take(request.remote):
            return await self._answer(request, self._source.segment(*_task(request), number))

    async def _tensor(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["operator"])
        with self._computed.take(request.remote):
            return await self._answer(request, self._source.tensor(*_task(request), number))

    async def _answer(self, request: web.Request, made: Awaitable[bytes]) -> web.StreamResponse:
        try:
            data = await made
        except NotFoundError as error:
            raise Refusal(404, "not_found", "no such part of an opened task") from error
        except (JobError, RetryableError) as error:
            raise Refusal(503, "unavailable", "it cannot be told now", Retry_After="5") from error
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        response.content_length = len(data)
        await response.prepare(request)
        if request.method != "HEAD":
            await self._send(request, response, data)
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        try:
            async with Pace(self._speed.grace, self._speed.min_rate) as pace:
                for start in range(0, len(data), _CHUNK):
                    chunk = data[start : start + _CHUNK]
                    await response.write(chunk)
                    pace.advance(len(chunk))
        except TimeoutError:  # the peer reads too slowly to be worth a place
            if request.transport:
                request.transport.abort()


def _task(request: web.Request) -> tuple[JobKey, TaskIndex]:
    job = JobKey(bytes.fromhex(request.match_info["job"].removeprefix("0x")))
    return job, TaskIndex(int(request.match_info["task"]))
