"""A JSON-RPC proxy that misbehaves on request, placed before a real node.

A fault is an async function `(call, forward) -> answer` around one JSON-RPC call; it may forward
the call, change either side, answer itself, or raise `HttpAnswer` to answer for the whole request.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web

Call = dict[str, Any]
Forward = Callable[[Call], Awaitable[Call]]
Fault = Callable[[Call, Forward], Awaitable[Call]]

_FOREVER = 3600.0

RANGE_LIMITS = {
    "infura": (
        -32005,
        "query returned more than 10000 results. Try with this block range [{a}, {b}].",
    ),
    "alchemy": (
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"
        " and no limit on the response size. Based on your parameters, this block range should"
        " work: [{a}, {b}]",
    ),
    "quicknode": (-32614, "eth_getLogs is limited to a 10,000 range"),
    "quicknode free": (-32615, "eth_getLogs is limited to a 5 block range"),
    "ankr": (-32600, "block range is too wide"),
    "geth": (-32602, "exceed maximum block range: 50000"),
    "llama": (-32603, "query exceeds max block range 100000"),
    "drpc": (35, "ranges over 10000 blocks are not supported on freetier"),
    "tenderly": (-32603, "response size should not greater than 10000000 bytes"),
    "polygon": (-32005, "Log count limit exceeded: too many logs in range is 10000"),
    "erigon": (-32000, "query timeout exceeded"),
}


class HttpAnswer(Exception):
    """Answer the HTTP request itself with this."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass
class _Rule:
    fault: Fault
    method: str
    times: int | None
    probability: float


class Proxy:
    """Forwards to `target`; use as an async context manager."""

    def __init__(self, target: str, seed: int = 0) -> None:
        self.target = target
        self.calls: list[Call] = []
        self.latency = 0.0
        """Seconds that each request is under way."""
        self.loss = 0.0
        """The chance that a request is never answered."""
        self._rules: list[_Rule] = []
        self._random = random.Random(seed)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def inject(
        self, fault: Fault, method: str = "*", times: int | None = None, probability: float = 1.0
    ) -> None:
        """Apply `fault` to calls of `method` (all: "*"), so often at most, or by chance."""
        self._rules.append(_Rule(fault, method, times, probability))

    def heal(self) -> None:
        """Drop all faults."""
        self._rules.clear()
        self.latency = self.loss = 0.0

    def sent(self, method: str) -> list[Call]:
        """Return the calls of `method` that arrived."""
        return [call for call in self.calls if call["method"] == method]

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        calls = body if isinstance(body, list) else [body]
        lost = self._random.random() < self.loss
        await asyncio.sleep(_FOREVER if lost else self.latency)
        try:
            answers = [await self._one(call) for call in calls]
        except HttpAnswer as answer:
            return web.Response(status=answer.status, body=answer.body)
        return web.json_response(answers if isinstance(body, list) else answers[0])

    async def _one(self, call: Call) -> Call:
        self.calls.append(call)
        for rule in self._rules:
            if rule.method not in ("*", call["method"]) or rule.times == 0:
                continue
            if self._random.random() >= rule.probability:
                continue
            if rule.times is not None:
                rule.times -= 1
            return await rule.fault(call, self._forward)
        return await self._forward(call)

    async def _forward(self, call: Call) -> Call:
        async with self._session.post(self.target, json=call) as response:
            return await response.json(content_type=None)


def http_status(status: int, body: bytes = b"") -> Fault:
    """Answer with an HTTP status."""

    async def fault(call: Call, forward: Forward) -> Call:
        raise HttpAnswer(status, body)

    return fault


def html(status: int = 200) -> Fault:
    """Answer with a page, as gateways do."""
    return http_status(status, b"<html><body>502 Bad Gateway</body></html>")


def invalid_json() -> Fault:
    """Answer with half a JSON document."""
    return http_status(200, b'{"jsonrpc": "2.0", "id": 1, "resu')


def hang(seconds: float = _FOREVER) -> Fault:
    """Accept and never answer."""

    async def fault(call: Call, forward: Forward) -> Call:
        await asyncio.sleep(seconds)
        return await forward(call)

    return fault


def error(code: int, message: str) -> Fault:
    """Answer with a JSON-RPC error."""

    async def fault(call: Call, forward: Forward) -> Call:
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}

    return fault


def result(value: Any) -> Fault:
    """Answer with this result."""

    async def fault(call: Call, forward: Forward) -> Call:
        return {"jsonrpc": "2.0", "id": call["id"], "result": value}

    return fault


def transform(change: Callable[[Any], Any]) -> Fault:
    """Change the node's result."""

    async def fault(call: Call, forward: Forward) -> Call:
        answer = await forward(call)
        if "result" in answer:
            answer["result"] = change(answer["result"])
        return answer

    return fault


def wrong_id() -> Fault:
    """Answer some other call."""

    async def fault(call: Call, forward: Forward) -> Call:
        return {**await forward(call), "id": 999_999_999}

    return fault


def stale(blocks: int) -> Fault:
    """Know no block of the last `blocks`."""

    async def fault(call: Call, forward: Forward) -> Call:
        head = int(
            (await forward({**call, "method": "eth_blockNumber", "params": []}))["result"], 16
        )
        seen = hex(max(0, head - blocks))
        if call["method"] == "eth_blockNumber":
            return {"jsonrpc": "2.0", "id": call["id"], "result": seen}
        params = [seen if value == "latest" else value for value in call["params"]]
        return await forward({**call, "params": params})

    return fault


def range_limit(vendor: str, most: int) -> Fault:
    """Refuse log queries over more than `most` blocks in that vendor's words."""
    code, words = RANGE_LIMITS[vendor]

    async def fault(call: Call, forward: Forward) -> Call:
        criteria = call["params"][0]
        first, last = int(criteria["fromBlock"], 16), int(criteria["toBlock"], 16)
        if last - first + 1 <= most:
            return await forward(call)
        text = words.format(a=hex(first), b=hex(first + most - 1))
        return await error(code, text)(call, forward)

    return fault


def shuffled(seed: int = 0) -> Fault:
    """Return every item twice, in another order."""

    def change(items: list[Any]) -> list[Any]:
        mixed = items * 2
        random.Random(seed).shuffle(mixed)
        return mixed

    return transform(change)


def swallow() -> Fault:
    """Accept a transaction and forget it."""

    async def fault(call: Call, forward: Forward) -> Call:
        from eth_utils.crypto import keccak

        tx_hash = keccak(hexstr=call["params"][0])
        return {"jsonrpc": "2.0", "id": call["id"], "result": "0x" + tx_hash.hex()}

    return fault


NONSENSE: list[Any] = [
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "0x",
    "0xzz",
    "latest",
    [],
    {},
    [[]],
    [None],
    {"number": "0x1"},
    "0x" + "ff" * 40,
]


def nonsense(seed: int) -> Fault:
    """Replace the result, or one of its fields, by a value of a wrong type."""
    chance = random.Random(seed)

    def change(value: Any) -> Any:
        if isinstance(value, dict) and value and chance.random() < 0.7:
            return {**value, chance.choice(sorted(value)): chance.choice(NONSENSE)}
        return chance.choice(NONSENSE)

    return transform(change)
