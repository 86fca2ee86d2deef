"""The admin listener's routes: is it alive, is it ready and why not, how is it doing; drain it."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

NotReady = Callable[[], Mapping[str, str]]
"""Gives reason codes, such as "rpc_stale", each with words for a person; none when ready."""

Status = Callable[[], Awaitable[Mapping[str, object]]]
"""Gives the worker's state as plain JSON values, without secrets."""

Drain = Callable[[], None]
"""Asks the worker to take no new work, finish what it holds and leave; may be called again."""


class AdminRoutes:
    """Answers operators, probes and Prometheus."""

    def __init__(
        self, not_ready: NotReady, status: Status, drain: Drain, registry: CollectorRegistry
    ) -> None:
        self._not_ready = not_ready
        self._status = status
        self._drain = drain
        self._registry = registry

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/status", self._show_status)
        app.router.add_post("/drain", self._begin_drain)

    async def _livez(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = dict(self._not_ready())
        body = {"ready": not reasons, "reasons": reasons}
        return web.json_response(body, status=503 if reasons else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _show_status(self, _: web.Request) -> web.Response:
        return web.json_response(dict(await self._status()))

    async def _begin_drain(self, _: web.Request) -> web.Response:
        self._drain()
        return web.json_response({"draining": True}, status=202)
