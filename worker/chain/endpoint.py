"""One JSON-RPC endpoint: ask it, and remember how well it answers."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from worker.chain.refusals import EndpointError, Trouble, classify_error
from worker.chain.wire import parse_object
from worker.errors import RpcError
from worker.logs import scrub, scrub_url

_MAX_ANSWER = 64 * 1024 * 1024
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0

_ids = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """One call. `parse` turns the JSON result into a typed value, or raises RpcError."""

    method: str
    params: Sequence[Any]
    parse: Callable[[Any], Any]


class Endpoint:
    """One URL with its circuit breaker and its distance from the best head seen."""

    def __init__(self, url: str, timeout: float, session: aiohttp.ClientSession) -> None:
        self.name = scrub_url(url)
        self.is_verified = False
        self.wrong: str | None = None  # what is wrong with its chain or contracts
        self.head: int | None = None
        self.lag = 0
        self.behind_since: float | None = None
        self.failures: Counter[Trouble] = Counter()
        self.last_error: str | None = None
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session = session
        self._streak = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it may be asked: it has not failed just now."""
        return time.monotonic() >= self._closed_until

    async def ask(self, requests: Sequence[Request]) -> list[Any]:
        """Send `requests` in one HTTP request and return their parsed results.

        Raises EndpointError when the endpoint is at fault (its breaker then keeps it out for a
        while), and RevertedError or ResponseError when the first failed request is.
        """
        ids = [next(_ids) for _ in requests]
        calls = [
            {"jsonrpc": "2.0", "id": id, "method": request.method, "params": list(request.params)}
            for id, request in zip(ids, requests, strict=True)
        ]
        try:
            status, content = await self._post(calls)
            results = read_answers(requests, ids, status, content)
        except EndpointError as error:
            self.last_error = str(error)
            self.fail(error.trouble)
            raise
        self._streak = 0
        self.last_error = None
        return results

    def fail(self, trouble: Trouble, pause: float | None = None) -> None:
        """Keep it out for `pause` seconds, or for longer with each failure in a row."""
        self.failures[trouble] += 1
        if pause is None:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._streak, 10))
        self._streak += 1
        self._closed_until = time.monotonic() + pause
        self.is_verified = False  # whatever comes back must prove again what it is

    def note_head(self, head: int, best: int) -> None:
        """Remember its head, and how far it is behind the best one seen before it was asked."""
        self.head = head
        self.lag = max(0, best - head)
        if self.lag == 0:
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = time.monotonic()

    async def _post(self, calls: list[dict[str, Any]]) -> tuple[int, bytes]:
        """Return the answer's HTTP status and body."""
        body = json.dumps(calls if len(calls) > 1 else calls[0]).encode()
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return response.status, await _read(response)
        except TimeoutError:
            raise EndpointError("no answer in time", Trouble.TIMEOUT) from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            text = scrub(str(error)) or type(error).__name__
            raise EndpointError(text, Trouble.CONNECTION) from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > _MAX_ANSWER:
            raise EndpointError("answer too large")
    return bytes(content)


def read_answers(
    requests: Sequence[Request], ids: Sequence[int], status: int, content: bytes
) -> list[Any]:
    """Return the parsed results of requests that were sent under these ids.

    Raises EndpointError when it is no answer to them, RevertedError or ResponseError for the first
    request that was refused.
    """
    if status == 429 or status >= 500 or status in (401, 403):
        raise EndpointError(f"HTTP status {status}", Trouble.HTTP)
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise EndpointError(f"HTTP status {status}, not JSON") from None
    return [_result(*pair) for pair in zip(requests, _match(ids, answer), strict=True)]


def _match(ids: Sequence[int], answer: Any) -> list[dict[str, Any]]:
    """Return the answers in the order of the calls; each must bear its call's id."""
    answers = answer if isinstance(answer, list) else [answer]
    if len(ids) > 1 and isinstance(answer, dict) and "error" in answer:
        return [answer] * len(ids)  # the batch as a whole was refused
    by_id = {}
    for item in answers:
        if not isinstance(item, dict) or item.get("jsonrpc") != "2.0":
            raise EndpointError("answer is not JSON-RPC 2.0")
        if isinstance(item.get("id"), int):
            by_id[item["id"]] = item
    if len(answers) != len(ids) or set(by_id) != set(ids):
        raise EndpointError("answer with a wrong id")
    return [by_id[id] for id in ids]


def _result(request: Request, answer: dict[str, Any]) -> Any:
    if answer.get("error") is not None:
        raise _error(request.method, answer["error"])
    if "result" not in answer:
        raise EndpointError("answer without a result")
    try:
        return request.parse(answer["result"])
    except EndpointError:
        raise
    except RpcError as error:
        raise EndpointError(scrub(str(error))) from error


def _error(method: str, value: Any) -> Exception:
    try:
        fields = parse_object(value, "error")
    except RpcError as error:
        return EndpointError(str(error))
    code, message = fields.get("code"), fields.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        return EndpointError("malformed error")
    return classify_error(method, code, scrub(message)[:500], fields.get("data"))
