"""Calling a clinic system's webhook."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore

from services.notifications.domain.parcels import Event
from services.notifications.gateways.http_calls import retry_after
from services.notifications.gateways.outcomes import Gone, PutOff
from services.notifications.gateways.webhooks import signing
from services.notifications.gateways.webhooks.guarded import Guarded
from shared.clock import SystemClock

_TAKEN: Final = range(200, 300)
_GONE = 410


class Webhooks:
    """All receivers of webhooks. A call may come twice, with one `webhook-id`: receivers must tell repeats."""

    def __init__(self, name: str, seconds: float, *, private_allowed: bool = False) -> None:
        self.name = name
        self._timeout: dict[str, float] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=Guarded(private_allowed=private_allowed), max_connections=50, keepalive_expiry=15
        )

    @asynccontextmanager
    async def dialogue(self, parcel: Event, key: str) -> AsyncGenerator["_Call"]:
        """The call is made when it is handed over."""
        yield _Call(self._pool, self._timeout, parcel, key)

    async def arrived(self, key: str) -> bool:  # the receiver tells repeats
        """No: a call may always be made again."""
        return False

    async def close(self) -> None:
        """Let go of connections."""
        await self._pool.aclose()


@dataclass(frozen=True, slots=True)
class _Call:
    pool: httpcore.AsyncConnectionPool
    timeout: dict[str, float]
    event: Event
    key: str

    async def hand_over(self) -> str:
        """Returns "". Redirects are not followed: they count as any other answer that is not 2xx.

        Raises:
            Gone: 410, the receiver wants no more.
            PutOff: everything else: a webhook is tried until its ladder ends.
        """
        # The receiver compares the signature's time with the machine's clock, whatever the clinic's says.
        signed = signing.headers(self.key, SystemClock().now(), self.event.body, self.event.secrets)
        headers: list[tuple[str | bytes, str | bytes]] = list(signed.items())
        try:
            async with self.pool.stream(
                "POST", self.event.url, headers=headers, content=self.event.body, extensions={"timeout": self.timeout}
            ) as answer:
                status, wait = answer.status, _header(answer, b"retry-after")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise PutOff(type(error).__name__) from error
        except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as error:
            raise PutOff("address") from error
        if status == _GONE:
            raise Gone("http-410")
        if status not in _TAKEN:
            raise PutOff(f"http-{status}", retry_after(wait))
        return ""


def _header(answer: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("ascii", "replace") for key, value in answer.headers if key.lower() == name), None)
