"""Two listeners: admin, on loopback only, and public, where the operator says."""

import errno
import logging
from typing import Protocol

from aiohttp import web

from worker.api.config import ApiConfig
from worker.api.middleware import loopback_only, new_app
from worker.errors import ConfigError

ADMIN_HOST = "127.0.0.1"
_DRAIN_SECONDS = 5.0
_KEEPALIVE_SECONDS = 15.0

# aiohttp logs every malformed request with a trace: strangers could fill the disk with them.
_malformed = logging.getLogger("worker.api.malformed")
_malformed.setLevel(logging.CRITICAL)


class Routes(Protocol):
    """A group of routes that can join an application."""

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        ...


class ApiServer:
    """Serves both applications while its `async with` block runs; then drains for 5 seconds."""

    def __init__(self, config: ApiConfig, admin: list[Routes], public: list[Routes]) -> None:
        self._config = config
        self._admin = _runner(new_app(loopback_only), admin)
        self._public = _runner(new_app(), public)

    @property
    def admin_port(self) -> int:
        """The port the admin listener got."""
        return int(self._admin.addresses[0][1])

    @property
    def public_port(self) -> int:
        """The port the public listener got."""
        return int(self._public.addresses[0][1])

    async def __aenter__(self) -> "ApiServer":
        config = self._config
        try:
            await _listen(self._admin, "admin", ADMIN_HOST, config.admin_port)
            await _listen(self._public, "public", config.public_host, config.public_port)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening, let open requests finish for a while, then cut them."""
        await self._public.cleanup()
        await self._admin.cleanup()


def _runner(app: web.Application, groups: list[Routes]) -> web.AppRunner:
    for group in groups:
        group.add_to(app)
    return web.AppRunner(
        app,
        access_log=None,
        logger=_malformed,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=_DRAIN_SECONDS,
        max_line_size=2048,
        max_field_size=2048,
        handler_cancellation=True,
    )


async def _listen(runner: web.AppRunner, name: str, host: str, port: int) -> None:
    """Raises ConfigError in words when the address cannot be had."""
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        place = f"{name} API: cannot listen on {host}:{port}"
        if error.errno == errno.EADDRINUSE:
            hint = f"the port is in use; stop the other program or set api.{name}_port"
        else:
            hint = error.strerror or str(error)
        raise ConfigError(f"{place}: {hint}") from error
