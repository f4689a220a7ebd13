"""Choosing TCP ports on the loopback address."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the ephemeral range: while a crashed server is down, the kernel must not hand its port to
# somebody's outgoing connection, since the server has to come back on the same one.
_FIRST, _LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(avoid: set[int]) -> int:
    """A free port at random, so that stacks starting side by side hardly ever pick the same."""
    while True:
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if port not in avoid and is_free(port):
            return port
