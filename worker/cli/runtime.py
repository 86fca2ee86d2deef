"""What commands share: settings, the wallet, the password prompt, an event loop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from worker.client import AsyncClient
    from worker.client.wallet import Wallet
    from worker.config import Config

_T = TypeVar("_T")
_TOKEN = 10**18


class Duration(click.ParamType):
    """A time that people write with a unit, such as 10m; the command gets seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds."""
        from worker.client.units import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Share(click.ParamType):
    """A share that people write in percent, such as 2.5%; the command gets basis points."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return basis points, at most 10,000."""
        from worker.client.units import parse_share

        try:
            bps = parse_share(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if bps > 10_000:
            self.fail(f"{value} is more than all", param, ctx)
        return bps


class Tokens(click.ParamType):
    """An amount that people write in whole tokens; the command gets wei."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return wei; at least one, and no fraction of one."""
        if isinstance(value, int):
            return value
        try:
            wei = Decimal(value) * _TOKEN
        except InvalidOperation:
            self.fail(f"{value!r} is not a number of tokens", param, ctx)
        if not wei.is_finite() or wei <= 0 or wei != wei.to_integral_value():
            self.fail(f"{value!r} is not a positive number of tokens", param, ctx)
        return int(wei)


class Key(click.ParamType):
    """A job's key or a program's digest in hex; the command gets 32 bytes."""

    name = "key"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Return the bytes."""
        if isinstance(value, bytes):
            return value
        with suppress(ValueError):
            key = bytes.fromhex(value.removeprefix("0x"))
            if len(key) == 32:
                return key
        self.fail(f"{value!r} is not 64 hexadecimal digits", param, ctx)


def settings_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config`; it receives the loaded settings as `config`."""

    @click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False),
                  help="Settings file instead of the usual one.")  # fmt: skip
    @wraps(command)
    def wrapper(*args: Any, file: Path | None, **kwargs: Any) -> Any:
        from worker.config import load_config

        return command(*args, config=load_config(file), **kwargs)

    return wrapper


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run asynchronous work to its end. SIGTERM ends it as Ctrl-C does: cleaned up."""

    async def interruptible() -> _T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@asynccontextmanager
async def open_wallet(config: "Config") -> AsyncIterator["Wallet"]:
    """Open the wallet of the settings, asking for its password where none is set."""
    from worker.chain.deployment import Deployment
    from worker.chain.keys import open_signer
    from worker.client import wallet as wallets

    deployment = Deployment.load(config.deployment)
    signer = open_signer(config.require_wallet(), deployment.chain_id, ask_password)
    async with wallets.open_wallet(deployment, config.chain, signer, config.data) as wallet:
        yield wallet


def open_client(config: "Config") -> "AsyncClient":
    """Return the SDK's client for the settings, to be opened by `async with`."""
    from worker.client import AsyncClient, ClientConfig

    wanted = ClientConfig(
        deployment=config.deployment,
        chain=config.chain,
        data=config.data,
        wallet=config.wallet,
        fetch=config.fetch,
    )
    return AsyncClient(wanted, ask_password)


def ask_password() -> str:
    """Ask for a keystore's password."""
    answer: str = click.prompt("Password", hide_input=True, err=True)
    return answer
