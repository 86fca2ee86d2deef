"""Which network addresses a stranger's locator may lead to.

The check sits where the socket is made, on the very address that it will connect to: a literal
address, a redirect and a name that resolves differently the second time all pass through it.
"""

import ipaddress
import socket
from collections.abc import Callable

from aiohttp.connector import AddrInfoType

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_LOCAL = _networks(
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"
)
# Global by their numbers, yet a cloud's inner service or a tunnel back to any IPv4 address.
_NEVER = _networks(
    "168.63.129.16",  # Azure's host
    "fd00:ec2::/32",  # Amazon's metadata
    "192.88.99.0/24",
    "2002::/16",
    "2001::/32",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "fec0::/10",
)


class RefusedAddressError(OSError):
    """The address lies in a network that strangers' locators may not reach."""


def is_allowed(text: str, allow_private: bool) -> bool:
    """Tell whether `text`, an IP address, is on the public internet.

    With `allow_private` (local chains) also loopback and private networks, but never link-local,
    shared, multicast, reserved or metadata addresses.
    """
    try:
        address = _unmapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_multicast or any(address in network for network in _NEVER):
        return False
    if address.is_global:
        return True
    return allow_private and any(address in network for network in _LOCAL)


def socket_factory(allow_private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """Return aiohttp's `socket_factory` that raises RefusedAddressError for what is not allowed."""

    def create(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if not is_allowed(str(target[0]), allow_private):
            raise RefusedAddressError(f"address {target[0]} is not public")
        return socket.socket(family=family, type=kind, proto=protocol)

    return create


def _unmapped(address: _Address) -> _Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
