"""Two listeners: admin, on loopback only, and public, where the operator says."""

import errno
from typing import Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from worker.api.middleware import loopback_only, new_app
from worker.errors import ConfigError

ADMIN_HOST = "127.0.0.1"
_DRAIN_SECONDS = 5.0
_KEEPALIVE_SECONDS = 15.0


class ApiConfig(BaseModel):
    """Where to listen, and how much strangers may take. Port 0 lets the system choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_host: str = "127.0.0.1"
    public_port: int = Field(default=8440, ge=0, le=65_535)
    admin_port: int = Field(default=8441, ge=0, le=65_535)
    transfers: int = Field(default=64, ge=1)
    transfers_per_peer: int = Field(default=8, ge=1)
    upload_bytes: int = Field(default=256 << 20, ge=0)  # a blob
    uploads_total_bytes: int = Field(default=4 << 30, ge=0)
    upload_seconds: int = Field(default=7 * 86_400, ge=0)  # kept at most


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
        place = f"{name} API: cannot listen on {host} port {port}"
        if error.errno == errno.EADDRINUSE:
            hint = f"the port is in use; stop the other program or set api.{name}_port"
        else:
            hint = error.strerror or str(error)
        raise ConfigError(f"{place}: {hint}") from error
