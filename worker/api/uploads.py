"""PUT /blobs/{sha256}: inputs are left here, so that the laptop they came from may sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientPayloadError, web

from worker.api.blobs import BLOB_ROUTE
from worker.api.middleware import Refusal
from worker.api.places import Places
from worker.api.quota import UploadQuota
from worker.errors import InvalidBlobError, StoreFullError, UsageError
from worker.protocol.uploads import Upload, UploadDomain, from_header, is_signed
from worker.storage.blobs import BlobStore
from worker.storage.http import Speed
from worker.storage.pace import Pace
from worker.types import Digest, OperatorId, Timestamp

Allowance = Callable[[Upload], Awaitable[int]]
"""Policy: how many bytes the upload's signer may have here in all; 0 for a stranger."""


@dataclass(frozen=True)
class UploadTerms:
    """For whom uploads are taken: this operator in these services, `max_bytes` a blob."""

    operator: OperatorId
    domain: UploadDomain
    max_bytes: int
    max_seconds: int


class UploadRoutes:
    """Takes signed uploads within the signer's allowance and keeps them until they expire."""

    def __init__(
        self,
        store: BlobStore,
        terms: UploadTerms,
        allowance: Allowance,
        quota: UploadQuota,
        places: Places,
        speed: Speed,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._terms = terms
        self._allowance = allowance
        self._quota = quota
        self._places = places
        self._speed = speed
        self._clock = clock

    def add_to(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_put(BLOB_ROUTE, self._put)

    async def _put(self, request: web.Request) -> web.Response:
        with self._places.take(request.remote):
            upload = await self._authorized(request)
            until = Timestamp(min(upload.expiry, int(self._clock()) + self._terms.max_seconds))
            allowance = await self._allowance(upload)
            with self._quota.hold(upload, until, allowance, self._clock()):
                await self._receive(request, upload, until)
        # The same answer whether the blob was here before or not: nobody may find out by asking.
        return web.json_response({"digest": upload.digest.hex(), "kept_until": until}, status=201)

    async def _authorized(self, request: web.Request) -> Upload:
        """Return the checked permit, before a byte of the body is read."""
        size = request.content_length
        if size is None:
            raise Refusal(411, "length_required", "send Content-Length")
        if "Content-Encoding" in request.headers:  # the server would undo it before a byte counts
            raise Refusal(415, "encoded", "send the blob's own bytes, without Content-Encoding")
        if size > self._terms.max_bytes:
            raise Refusal(413, "too_large", f"at most {self._terms.max_bytes} bytes")
        digest = Digest(bytes.fromhex(request.match_info["sha256"]))
        try:
            upload, signature = from_header(
                request.headers.get("Authorization", ""), self._terms.operator, digest, size
            )
        except UsageError as error:
            raise Refusal(401, "unauthorized", str(error)) from error
        if upload.expiry <= self._clock():
            raise Refusal(401, "expired", "the permit has expired")
        domain = self._terms.domain
        if not await asyncio.to_thread(is_signed, upload, domain, signature):
            raise Refusal(
                401,
                "bad_signature",
                f"not the signer's signature for operator {upload.operator}, chain "
                f"{domain.chain_id}, service {domain.service}, this digest and size",
            )
        return upload

    async def _receive(self, request: web.Request, upload: Upload, until: Timestamp) -> None:
        try:
            with self._store.writer(upload.size) as writer:
                async with Pace(self._speed.grace, self._speed.min_rate) as pace:
                    async for chunk in request.content.iter_any():
                        writer.write(chunk)
                        pace.advance(len(chunk))
                await asyncio.to_thread(writer.commit, upload.digest, until)
        except InvalidBlobError as error:
            raise Refusal(422, "wrong_digest", str(error)) from error
        except StoreFullError as error:
            raise Refusal(507, "full", "no room for uploads now", Retry_After="60") from error
        except TimeoutError as error:
            raise Refusal(408, "too_slow", "the upload came too slowly") from error
        except (ClientPayloadError, ConnectionError) as error:
            raise Refusal(400, "cut_short", "the upload ended early") from error
