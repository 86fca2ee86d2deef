"""Row 20 of the catalogue on the requester's side: whenever the command dies, the same command
again finishes that posting, and there is never a second one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import tomlkit

from tests.e2e.network import ROOT, events
from tests.faults.crash.scene import RAYTRACE, WASM_JOB
from tests.faults.proxy import Call, Fault, Forward, Proxy
from tests.faults.sound import assert_sound
from worker.cli.devnet.network import Network, open_network
from worker.cli.devnet.saved import deploy_or_load
from worker.cli.exits import Exit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

MOMENTS = {
    "nothing written": ("eth_chainId", False),
    "written, not signed": ("eth_estimateGas", False),
    "signed, not sent": ("eth_sendRawTransaction", False),
    "sent, not known": ("eth_sendRawTransaction", True),
    "mined, not known": ("eth_getTransactionReceipt", True),
}
"""The call over which the command dies, and whether the chain still gets it."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    """A network on which nobody works, for all moments."""
    folder = tmp_path_factory.mktemp("quiet")
    async with open_network(ROOT, folder, 3, deploying=deploy_or_load) as network:
        yield network


class Command:
    """`proofmesh job submit` behind a proxy that can kill it over a call."""

    def __init__(self, network: Network, proxy: Proxy, folder: Path) -> None:
        self.pid = 0
        file = network.write_requester_settings()
        settings: Any = tomlkit.parse(file.read_text())
        settings["chain"]["rpc_urls"] = [proxy.url]
        settings["data"] = str(folder / "data")
        self._settings = folder / "settings.toml"
        self._settings.write_text(tomlkit.dumps(settings))
        everybody = [one.id for one in network.operators]
        windows = "{claim: 60s, run: 60s, reveal: 60s}"
        self._job = folder / "job.yaml"
        self._job.write_text(WASM_JOB.format(operators=everybody, windows=windows))
        for name in ("raytrace.wasm", "scene.txt"):
            (folder / name).write_bytes((RAYTRACE / name).read_bytes())

    async def run(self) -> int:
        """Run the command to its end; return its code."""
        words = ("job", "submit", str(self._job), "-y", "--config", str(self._settings))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", *words), stdout=asyncio.subprocess.DEVNULL
        )
        self.pid = process.pid
        return await asyncio.wait_for(process.wait(), 120)

    def killing(self, is_done: bool) -> Fault:
        """Return a fault that kills the command, behind the call or before it."""

        async def fault(call: Call, forward: Forward) -> Call:
            if is_done:
                await forward(call)
            os.kill(self.pid, signal.SIGKILL)
            raise ConnectionResetError

        return fault


@pytest.mark.parametrize("moment", MOMENTS)
async def test_fault_20__submitting_killed__same_command_again_posts_once(
    quiet: Network, tmp_path: Path, moment: str
) -> None:
    method, is_done = MOMENTS[moment]
    wallet, earlier = quiet.requester, len(await events(quiet, "JobPosted"))
    before = await wallet.call("Token", "balanceOf", wallet.address)
    async with Proxy(quiet.anvil.url) as proxy:
        command = Command(quiet, proxy, tmp_path)
        proxy.inject(command.killing(is_done), method, times=1)
        assert await command.run() == -signal.SIGKILL

        assert await command.run() == Exit.OK

    (posted,) = (await events(quiet, "JobPosted"))[earlier:]
    assert posted["payer"] == wallet.address
    spent = before - await wallet.call("Token", "balanceOf", wallet.address)
    assert spent == 3 * 3 * 10**18 // 2  # three tasks, three seats, half a token each
    await assert_sound(quiet, [])
