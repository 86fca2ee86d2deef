"""A cap on transfers at once, in total and for each peer."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from worker.api.middleware import Refusal


class Places:
    """Grants places for transfers; an IPv6 peer is its /64, which costs nothing to have."""

    def __init__(self, total: int, per_peer: int) -> None:
        self._total = total
        self._per_peer = per_peer
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, remote: str | None) -> Iterator[None]:
        """Hold a place for the block. Raises Refusal: 429 for the peer's cap, 503 for the total."""
        peer = _peer(remote)
        if self._taken[peer] >= self._per_peer:
            raise Refusal(429, "too_many", f"{self._per_peer} transfers at once", Retry_After="1")
        if self._taken.total() >= self._total:
            raise Refusal(503, "busy", "all places for transfers are taken", Retry_After="1")
        self._taken[peer] += 1
        try:
            yield
        finally:
            self._taken[peer] -= 1
            if not self._taken[peer]:
                del self._taken[peer]


def _peer(remote: str | None) -> str:
    address = ipaddress.ip_address((remote or "::").partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
