"""Known secrets, a whole worker and its commands in trouble: nothing that comes out shows one."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from eth_account import Account

from tests.conftest import LocalNetwork
from tests.faults.proxy import Call, Forward, HttpAnswer, Proxy
from worker.chain.keys import dev_signer, load_keystore, save_keystore
from worker.cli.devnet.anvil import free_port

PASSWORD = "correct-horse-passphrase"
WRONG_PASSWORD = "wrong-horse-passphrase"
RPC_SECRETS = ("rpcuser", "rpcpassphrase", "pathkey0123456789", "querykey0123456789")
OWNER = dev_signer(0, 31337)


@dataclass
class Operator:
    """Somebody whose endpoints, keys and passwords are secret; hears all that is printed."""

    folder: Path
    url: str
    heard: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path.cwd()),
            "PROOFMESH_CONFIG": str(self.folder / "home" / "config.toml"),
            "PROOFMESH_PASSWORD": PASSWORD,
            "PROOFMESH_DEBUG": "1",  # the most that can be shown
            "XDG_DATA_HOME": str(self.folder / "state"),
        }

    async def start(self, *words: object, **env: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", *map(str, words)),
            env=self.env | env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *words: object, **env: str) -> int | None:
        process = await self.start(*words, **env)
        await self.hear(process)
        return process.returncode

    async def hear(self, process: asyncio.subprocess.Process) -> None:
        said = await asyncio.wait_for(process.communicate(), 60)
        self.heard += [part.decode() for part in said]

    async def ask(self, port: int, path: str) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}{path}") as answer,
        ):
            self.heard.append(await answer.text())
            return self.heard[-1]

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Yield all that lies on disk, but for where secrets are kept on purpose."""
        kept = {"config.toml", "worker.json", "owner.json"}
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in kept:
                yield path, path.read_bytes()


@pytest.fixture
async def proxy(network: LocalNetwork) -> AsyncIterator[Proxy]:
    async with Proxy(network.url) as proxy:
        yield proxy


@pytest.fixture
async def operator(
    network: LocalNetwork, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Operator:
    """A staked operator with two endpoints whose URLs hold keys; at one nobody answers."""
    monkeypatch.setattr(Account, "_default_kdf", "pbkdf2")
    save_keystore(tmp_path / "owner.json", OWNER, PASSWORD)
    user, password, path, query = RPC_SECRETS
    host = proxy.url.removeprefix("http://").rstrip("/")
    operator = Operator(tmp_path, f"http://{user}:{password}@{host}/v3/{path}?key={query}")
    dead = operator.url.replace(host, "127.0.0.1:9")
    given = ("--rpc", operator.url, "--rpc", dead, "--deployment", network.deployment)
    more = ("--owner", tmp_path / "owner.json", "--public-url", "http://127.0.0.1:1")
    assert await operator.run("node", "init", *given, *more) == 0
    worker = load_keystore(tmp_path / "home" / "worker.json", PASSWORD).address
    await network.anvil.ask("anvil_setBalance", worker, hex(10**18))
    settings = tmp_path / "home" / "config.toml"
    text = settings.read_text().replace("[chain]", "[chain]\nconfirmations = 0\npoll_seconds = 0.1")
    text = text.replace("[node]", "[node]\nmin_free_bytes = 1000000")
    settings.write_text(text + "\n[node.api]\npublic_port = 0\n" + f"admin_port = {free_port()}\n")
    assert await operator.run("node", "stake", 500) == 0
    return operator


def _secrets(operator: Operator) -> set[str]:
    keys = [
        load_keystore(operator.folder / name, PASSWORD)._account.key.hex().removeprefix("0x")
        for name in ("owner.json", "home/worker.json")
    ]
    return {PASSWORD, WRONG_PASSWORD, *RPC_SECRETS, *keys}


async def _until_ready(operator: Operator, port: int, process: Any) -> None:
    ends_at = time.monotonic() + 100
    while time.monotonic() < ends_at and process.returncode is None:
        try:
            if '"ready": true' in await operator.ask(port, "/readyz"):
                return
        except aiohttp.ClientError:
            pass  # it does not listen yet
        await asyncio.sleep(0.2)
    pytest.fail(f"the worker did not become ready: {operator.heard[-1]}")


async def _trouble(operator: Operator, proxy: Proxy, port: int) -> None:
    """Have every call fail in words that repeat the URL, until the worker complains."""

    async def repeat(call: Call, _: Forward) -> Call:
        words = f"invalid project id at {operator.url}"
        if len(proxy.calls) % 10 == 0:
            raise HttpAnswer(500, words.encode())
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32005, "message": words}}

    proxy.inject(repeat)
    ends_at = time.monotonic() + 60
    while "rpc_unavailable" not in await operator.ask(port, "/readyz"):
        assert time.monotonic() < ends_at, "the worker did not notice"
        await asyncio.sleep(0.2)


async def test_secrets__worker_and_commands_in_trouble__none_comes_out(operator, proxy):
    port = int((operator.folder / "home" / "config.toml").read_text().rsplit("admin_port = ")[-1])
    process = await operator.start("node", "start")
    try:
        await _until_ready(operator, port, process)
        await _trouble(operator, proxy, port)
        for path in ("/metrics", "/status", "/nowhere?key=querykey0123456789"):
            await operator.ask(port, path)
        for words in (("node", "doctor"), ("config", "show"), ("job", "list")):
            await operator.run(*words)
        assert await operator.run("node", "stake", 1, PROOFMESH_PASSWORD=WRONG_PASSWORD) != 0
    finally:
        proxy.heal()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await operator.hear(process)

    log, secrets = operator.heard[-1], _secrets(operator)
    assert "retrying" in log and "invalid project id at http://127.0.0.1" in log
    for text in operator.heard:
        assert not [secret for secret in secrets if secret in text], text
    for path, data in operator.files():
        assert not [secret for secret in secrets if secret.encode() in data], path
