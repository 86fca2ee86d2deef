"""Other workers' public listeners: openings, traces, and room for a requester's inputs."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import BinaryIO

from worker.errors import FetchError, InvalidBlobError, UsageError
from worker.protocol.openings import MAX_BYTES, Opening
from worker.protocol.uploads import Upload, to_header
from worker.storage.blobs import CHUNK
from worker.storage.http import GuardedHttp
from worker.storage.locators import is_plain_http
from worker.types import BatchIndex, JobKey, TaskIndex, Timestamp

_LEAF = 32


class PeerClient:
    """Asks workers at endpoints that strangers announced, such as "https://host:8440".

    All methods raise FetchError: PassingFetchError when a later try makes sense.
    """

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def fetch_opening(self, endpoint: str, job: JobKey, batch: BatchIndex) -> Opening:
        """Return what the worker says it sealed; only the seal on chain tells whether it did."""
        url = _url(endpoint, f"openings/{job.hex()}/{batch}")
        try:
            return Opening.decode(await self._http.get(url, MAX_BYTES))
        except InvalidBlobError as error:
            raise FetchError(str(error)) from error

    async def fetch_trace(
        self, endpoint: str, job: JobKey, task: TaskIndex, operators: int
    ) -> list[bytes]:
        """Return the leaves that the worker says its trace of a task has, one an operator; only
        their root tells whether it sealed them."""
        path = f"traces/{job.hex()}/{task}"
        return _leaves(await self._exactly(endpoint, path, _LEAF * operators))

    async def fetch_segment(
        self, endpoint: str, job: JobKey, task: TaskIndex, segment: int, operators: int
    ) -> list[bytes]:
        """Return the leaves of a segment's trace, one an operator."""
        path = f"traces/{job.hex()}/{task}/segments/{segment}"
        return _leaves(await self._exactly(endpoint, path, _LEAF * operators))

    async def fetch_tensor(
        self, endpoint: str, job: JobKey, task: TaskIndex, operator: int, size: int
    ) -> bytes:
        """Return what the worker says an operator wrote: `size` bytes, the rows one by one."""
        return await self._exactly(endpoint, f"tensors/{job.hex()}/{task}/{operator}", size)

    async def _exactly(self, endpoint: str, path: str, size: int) -> bytes:
        data = await self._http.get(_url(endpoint, path), size)
        if len(data) != size:
            raise FetchError(f"{len(data)} bytes where {size} are due")
        return data

    async def upload(
        self, endpoint: str, upload: Upload, signature: bytes, file: BinaryIO
    ) -> Timestamp:
        """Leave a blob with the worker; return until when it says to keep it.

        `signature` is the signer's over `uploads.typed_data`. Raises UsageError when the file's
        size is not the one that was signed.
        """
        size = file.seek(0, io.SEEK_END)
        if size != upload.size:
            raise UsageError(f"upload: the file has {size} bytes, {upload.size} were signed")
        file.seek(0)
        url = _url(endpoint, f"blobs/{upload.digest.hex()}")
        headers = {"Authorization": to_header(upload, signature)}
        answer = await self._http.put(url, _chunks(file), size, headers)
        return kept_until(answer)


def _leaves(data: bytes) -> list[bytes]:
    return [data[start : start + _LEAF] for start in range(0, len(data), _LEAF)]


def _url(endpoint: str, path: str) -> str:
    if not is_plain_http(endpoint) or "?" in endpoint or "#" in endpoint:
        raise FetchError("not a worker's endpoint")
    return f"{endpoint.rstrip('/')}/{path}"


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk


def kept_until(answer: bytes) -> Timestamp:
    """Return until when a worker says to keep an upload. Raises FetchError."""
    try:
        until = json.loads(answer)["kept_until"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FetchError("an answer that is not in its format") from error
    if type(until) is not int or not 0 <= until < 1 << 63:
        raise FetchError("an answer that is not in its format")
    return Timestamp(until)
