"""The admin listener's routes: is it alive, is it ready and why not, how is it doing."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

NotReady = Callable[[], Mapping[str, str]]
"""Gives reason codes, such as "rpc_stale", each with words for a person; none when ready."""

Status = Callable[[], Awaitable[Mapping[str, object]]]
"""Gives the worker's state as plain JSON values, without secrets."""


class AdminRoutes:
    """Answers operators, probes and Prometheus."""

    def __init__(self, not_ready: NotReady, status: Status, registry: CollectorRegistry) -> None:
        self._not_ready = not_ready
        self._status = status
        self._registry = registry

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/status", self._show_status)

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
