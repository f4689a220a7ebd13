"""Connections to addresses that others chose: never into our own network.

The name is resolved once, all its addresses are judged, and the connection goes to the very address
that was judged; so a name that points elsewhere a moment later (DNS rebinding) gains nothing. TLS
still checks the certificate against the name.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError


class AddressRefused(ConnectError):
    """The name points into a private network, or nowhere."""


class Guarded(AsyncNetworkBackend):
    """Connects to public addresses only, unless `private_allowed` (tests, a receiver in the same network)."""

    def __init__(self, *, private_allowed: bool = False) -> None:
        self._private_allowed = private_allowed
        self._plain = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Resolve, judge, and connect to what was judged."""
        address = await self._judged(host, port)
        return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> AsyncNetworkStream:
        """Never."""
        raise AddressRefused(path)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _judged(self, host: str, port: int) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise AddressRefused("the name can't be resolved") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self._private_allowed and not all(map(is_public, addresses)):
            raise AddressRefused("the name points into a private network")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether `address` is one of the open internet; IPv4 inside IPv6 is judged as what it is."""
    parsed = ip_address(address.split("%", 1)[0])
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


def check_address(url: str, *, private_allowed: bool = False) -> str | None:
    """What is wrong with a subscription's address, in words; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if not host or parts.username or parts.password or parts.fragment:
        return "must have a host, and neither user, password nor fragment"
    if parts.scheme != "https" and not private_allowed:
        return "must begin with https://"
    try:
        literal = is_public(host)
    except ValueError:
        return None
    return None if literal or private_allowed else "points into a private network"
