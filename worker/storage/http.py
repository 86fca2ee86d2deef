"""HTTP to places that strangers name: checked addresses, capped sizes, a floor under the speed."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from worker.errors import FetchError
from worker.storage.locators import is_plain_http
from worker.storage.netguard import RefusedAddressError, socket_factory
from worker.storage.pace import Pace

CHUNK = 1 << 16
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429)
_MAX_ANSWER = 4096  # bytes of what is said about an upload
_CODE = re.compile(r"[a-z_]{1,40}")
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "proofmesh/1"}


class PassingFetchError(FetchError):
    """This place may well answer the same question a moment later."""


@dataclass(frozen=True)
class Speed:
    """How long a peer may take: `connect` and `grace` in seconds, `min_rate` in bytes a second."""

    connect: float = 5.0
    grace: float = 10.0
    min_rate: float = 16_384.0


class GuardedHttp:
    """An HTTP client for untrusted places; use it in an `async with` block.

    `allow_private` (local chains only) also lets loopback and private networks through. `trusted`
    requests go to a service that the operator configured: their first address is not checked, but
    where they redirect is.
    """

    def __init__(
        self,
        allow_private: bool,
        speed: Speed | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.allow_private = allow_private
        self._speed = speed or Speed()
        self._resolver = resolver

    async def __aenter__(self) -> "GuardedHttp":
        self._guarded = self._session(
            aiohttp.TCPConnector(
                socket_factory=socket_factory(self.allow_private),
                resolver=self._resolver,
                use_dns_cache=False,
                force_close=True,
                limit=32,
            )
        )
        self._trusted = self._session(aiohttp.TCPConnector(limit=8))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._guarded.close()
        await self._trusted.close()

    async def get(self, url: str, max_bytes: int) -> bytes:
        """Return a small body, whole. Raises FetchError as `stream` does."""
        parts: list[bytes] = []
        await self.stream(url, max_bytes, parts.append)
        return b"".join(parts)

    async def stream(
        self,
        url: str,
        max_bytes: int,
        take: Callable[[bytes], None],
        *,
        method: str = "GET",
        trusted: bool = False,
    ) -> None:
        """Hand a body of at most `max_bytes` to `take`, chunk by chunk.

        Raises FetchError with the reason: PassingFetchError when a second try makes sense.
        """
        with _reasons():
            async with (
                Pace(self._speed.grace, self._speed.min_rate) as pace,
                self._open(url, method, trusted) as response,
            ):
                _check_head(response, max_bytes)
                left = max_bytes
                async for chunk in response.content.iter_chunked(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise FetchError(f"larger than {max_bytes} bytes")
                    pace.advance(len(chunk))
                    take(chunk)

    async def put(
        self, url: str, body: AsyncIterator[bytes], size: int, headers: Mapping[str, str]
    ) -> bytes:
        """Send `size` bytes, following no redirect; return the short answer.

        Raises FetchError with the status and, if told, the code of the refusal.
        """
        sent = {**headers, "Content-Length": str(size)}
        with _reasons():
            async with (
                Pace(self._speed.grace, self._speed.min_rate) as pace,
                self._guarded.put(
                    url, data=_paced(body, pace), headers=sent, allow_redirects=False
                ) as response,
            ):
                answer = await _read_answer(response)
                if response.status not in (200, 201):
                    raise _refusal(response.status, read_code(answer))
                return answer

    @asynccontextmanager
    async def _open(
        self, url: str, method: str, trusted: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Follow redirects by hand: each new place is checked like the first."""
        session = self._trusted if trusted else self._guarded
        for _ in range(MAX_REDIRECTS + 1):
            async with session.request(method, url, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                url = redirect_of(response.url, response.headers.get("Location", ""))
                method = "GET"
                session = self._guarded
        raise FetchError(f"more than {MAX_REDIRECTS} redirects")

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._speed.connect),
            trust_env=False,
        )


def redirect_of(url: URL, location: str) -> str:
    """Return where a place's Location header leads. Raises FetchError unless we may follow."""
    try:
        target = url.join(URL(location))
        text = str(target)  # only now the library reads the port
    except (ValueError, IndexError) as error:  # the latter of "//[::1]@"
        raise FetchError("redirected to nonsense") from error
    if not is_plain_http(text):
        raise FetchError("redirected to something else than plain http(s)")
    if url.scheme == "https" and target.scheme == "http":
        raise FetchError("redirected from https to http")
    return text


def _check_head(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    if response.status != 200:
        raise _refusal(response.status)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError("a compressed answer, which was not asked for")
    if (response.content_length or 0) > max_bytes:
        raise FetchError(f"larger than {max_bytes} bytes")


def _refusal(status: int, code: str = "") -> FetchError:
    told = f"status {status}" + (f" ({code})" if code else "")
    is_passing = status >= 500 or status in _BUSY
    return PassingFetchError(told) if is_passing else FetchError(told)


async def _paced(body: AsyncIterator[bytes], pace: Pace) -> AsyncIterator[bytes]:
    async for chunk in body:
        yield chunk
        pace.advance(len(chunk))  # asked for more: the chunk is on its way


async def _read_answer(response: aiohttp.ClientResponse) -> bytes:
    answer = b""
    async for chunk in response.content.iter_any():
        answer += chunk
        if len(answer) > _MAX_ANSWER:
            raise FetchError(f"an answer longer than {_MAX_ANSWER} bytes")
    return answer


def read_code(answer: bytes) -> str:
    """Return the `error` of a worker's refusal; "" unless it is a short plain word."""
    try:
        code = json.loads(answer)["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn what aiohttp raises into FetchErrors with short reasons."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError) as error:
        raise _reason(error) from error


def _reason(error: Exception) -> FetchError:
    if isinstance(error, TimeoutError):
        return PassingFetchError("too slow")
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, RefusedAddressError):
            return FetchError(str(error.os_error))
        return PassingFetchError(f"cannot connect ({error.strerror})")
    if isinstance(error, aiohttp.ClientPayloadError):
        return PassingFetchError("cut short")
    if isinstance(error, aiohttp.InvalidURL | aiohttp.ClientResponseError):
        return FetchError("not understandable HTTP")
    return PassingFetchError(f"connection failed ({type(error).__name__})")
