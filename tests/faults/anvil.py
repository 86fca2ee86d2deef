"""A real anvil for tests: started on a free port, driven over raw JSON-RPC."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from worker.cli.devnet.anvil import find_anvil

ROOT = Path(__file__).resolve().parents[2]


class Anvil:
    """One chain process."""

    def __init__(self, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [str(find_anvil(ROOT)), "--port", str(self.port), "--silent", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + 20
        while True:
            try:
                self.rpc("eth_chainId")
                return
            except OSError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result, or raise RuntimeError with the node's message."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        request = urllib.request.Request(
            self.url, json.dumps(call).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """Mine `blocks` blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def drain(self) -> None:
        """Wait until what waits is mined, which an automining node does after it has answered."""
        give_up = time.monotonic() + 1
        while self.rpc("anvil_getAutomine") and time.monotonic() < give_up:
            if int(self.rpc("txpool_status")["pending"], 16) == 0:
                return
            time.sleep(0.005)

    def head(self) -> int:
        """Return the number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def nonce(self, address: str) -> int:
        """Return how many transactions of `address` were mined."""
        return int(self.rpc("eth_getTransactionCount", address, "latest"), 16)

    def stop(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
