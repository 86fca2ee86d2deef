"""GET /blobs/{sha256}: blobs that may be public, whole or in ranges."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from aiohttp import web

from worker.api.middleware import Refusal
from worker.api.places import Places
from worker.api.ranges import Range, parse_ranges
from worker.errors import NotFoundError
from worker.storage.blobs import BlobStore
from worker.storage.http import Speed
from worker.storage.pace import Pace
from worker.types import Digest

BLOB_ROUTE = "/blobs/{sha256:[0-9a-f]{64}}"
_CHUNK = 1 << 18
IsPublic = Callable[[Digest], Awaitable[bool]]


@dataclass(frozen=True)
class _Part:
    """A range, and the text that goes before it in a multipart body."""

    head: bytes
    range: Range


class BlobRoutes:
    """Serves what `is_public` allows; the rest looks as if it did not exist."""

    def __init__(self, store: BlobStore, is_public: IsPublic, places: Places, speed: Speed) -> None:
        self._store = store
        self._is_public = is_public
        self._places = places
        self._speed = speed

    def add_to(self, app: web.Application) -> None:
        """Register the routes; HEAD comes with GET."""
        app.router.add_get(BLOB_ROUTE, self._get)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        digest = Digest(bytes.fromhex(request.match_info["sha256"]))
        etag = f'"{digest.hex()}"'
        with closing(await self._open(digest)) as file:
            if etag in request.headers.get("If-None-Match", ""):
                return web.Response(status=304, headers={"ETag": etag})
            size = os.fstat(file.fileno()).st_size
            header = request.headers.get("Range")
            if request.headers.get("If-Range", etag) != etag:
                header = None
            wanted = parse_ranges(header, size)
            if wanted == []:
                raise Refusal(416, "range", "no such range", Content_Range=f"bytes */{size}")
            response, parts, tail = _layout(wanted, size)
            response.headers.update(
                {
                    "ETag": etag,
                    "Accept-Ranges": "bytes",
                    "Cache-Control": "public, max-age=31536000, immutable",
                    "Content-Disposition": "attachment",
                }
            )
            with self._places.take(request.remote):
                await self._send(request, response, file, parts, tail)
            return response

    async def _open(self, digest: Digest) -> BinaryIO:
        """Open the file at once: eviction cannot take it from under an answer that has begun."""
        try:
            if await self._is_public(digest):
                return await asyncio.to_thread(self._store.path(digest).open, "rb")
        except (NotFoundError, FileNotFoundError):
            pass
        raise Refusal(404, "not_found", "no such blob, or it is not public yet")

    async def _send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        file: BinaryIO,
        parts: list[_Part],
        tail: bytes,
    ) -> None:
        await response.prepare(request)
        if request.method == "HEAD":
            return
        try:
            async with Pace(self._speed.grace, self._speed.min_rate) as pace:
                for part in parts:
                    await response.write(part.head)
                    await _send_range(response, file, part.range, pace)
                await response.write(tail)
        except TimeoutError:  # the peer reads too slowly to be worth a place
            if request.transport:
                request.transport.abort()


async def _send_range(
    response: web.StreamResponse, file: BinaryIO, wanted: Range, pace: Pace
) -> None:
    offset, end = wanted.start, wanted.start + wanted.length
    while offset < end:
        size = min(_CHUNK, end - offset)
        chunk = await asyncio.to_thread(os.pread, file.fileno(), size, offset)
        if not chunk:
            raise OSError("a blob's file became shorter")
        await response.write(chunk)
        pace.advance(len(chunk))
        offset += len(chunk)


def _layout(wanted: list[Range] | None, size: int) -> tuple[web.StreamResponse, list[_Part], bytes]:
    """Return the answer's head, its parts, and what ends its body."""
    kind = "application/octet-stream"
    if wanted is None or len(wanted) == 1:
        whole = wanted is None
        part = _Part(b"", Range(0, size) if wanted is None else wanted[0])
        response = web.StreamResponse(status=200 if whole else 206)
        response.content_length = part.range.length
        if not whole:
            response.headers["Content-Range"] = part.range.told(size)
        response.content_type = kind
        return response, [part], b""
    mark = secrets.token_hex(16)
    parts = [
        _Part(
            f"\r\n--{mark}\r\nContent-Type: {kind}\r\n"
            f"Content-Range: {item.told(size)}\r\n\r\n".encode(),
            item,
        )
        for item in wanted
    ]
    tail = f"\r\n--{mark}--\r\n".encode()
    response = web.StreamResponse(status=206)
    response.headers["Content-Type"] = f"multipart/byteranges; boundary={mark}"
    response.content_length = sum(len(p.head) + p.range.length for p in parts) + len(tail)
    return response, parts, tail
