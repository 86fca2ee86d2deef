"""Where a blob may be found: the texts in a posting event, and what they stand for.

A locator is one of
  https://host/path/{digest}   `{digest}` becomes the blob's sha256 in hex (also http)
  https://host/path            one blob's own place; a fragment `#<sha256>` names which blob
  ipfs://CID/path/{digest}     a file in IPFS, likewise
  file:///path/{digest}        a file on this machine, likewise
Locators are joined by newlines in the event.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from worker.errors import UsageError
from worker.types import Digest

MAX_LOCATORS = 16
MAX_LENGTH = 512
Scheme = Literal["http", "https", "ipfs", "file"]
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CID_PATH = re.compile(r"[A-Za-z0-9]{32,128}(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


@dataclass(frozen=True)
class Source:
    """One place to try: a whole URL of a scheme we speak, for one blob."""

    scheme: Scheme
    url: str

    @property
    def shown(self) -> str:
        """The URL as it may be logged: without user, query or fragment, and short."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{self.scheme}://{host}{parts.path}"[:160]


def encode_locators(locators: tuple[str, ...]) -> bytes:
    """Return the bytes for the posting event. Raises UsageError naming the bad locator."""
    if len(locators) > MAX_LOCATORS:
        raise UsageError(f"at most {MAX_LOCATORS} locators")
    for locator in locators:
        if _source(locator, Digest(bytes(32)), any_blob=True) is None:
            raise UsageError(f"not a locator: {locator[:100]!r}")
    return "\n".join(locators).encode()


def decode_locators(data: bytes) -> tuple[str, ...]:
    """Return the locators of a posting event; what is not one is left out, never an error."""
    lines = data.decode("ascii", "replace").split("\n")[:MAX_LOCATORS]
    return tuple(line for line in lines if _source(line, Digest(bytes(32)), any_blob=True))


def endpoint_locator(endpoint: str) -> str:
    """Return the locator of a worker's public endpoint, such as "https://host:8440"."""
    return f"{endpoint.rstrip('/')}/blobs/{{digest}}"


def sources(locators: tuple[str, ...], digest: Digest) -> list[Source]:
    """Return the places to try for a blob, in the locators' order, each once."""
    found = (_source(locator, digest) for locator in locators)
    return list(dict.fromkeys(source for source in found if source))


def _source(locator: str, digest: Digest, any_blob: bool = False) -> Source | None:
    if len(locator) > MAX_LENGTH or not _PRINTABLE.fullmatch(locator):
        return None
    place, _, wanted = locator.partition("#")
    if wanted and not (_SHA256.fullmatch(wanted) and (any_blob or wanted == digest.hex())):
        return None
    url = place.replace("{digest}", digest.hex())
    scheme, _, rest = url.partition("://")
    if scheme == "ipfs":
        return Source("ipfs", url) if _CID_PATH.fullmatch(rest) else None
    if scheme == "file":
        return Source("file", url) if rest.startswith("/") else None
    if not is_plain_http(url):
        return None
    return Source("https" if scheme == "https" else "http", url)


def is_plain_http(url: str) -> bool:
    """Tell whether `url` is http(s) with a host, a usable port and no user or password."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port_fits
        and "@" not in parts.netloc
        and "\\" not in url
    )
