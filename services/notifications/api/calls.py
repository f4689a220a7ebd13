"""Calls by providers: signed, so they need no token."""

from collections.abc import Generator
from contextlib import contextmanager

from fastapi import HTTPException
from starlette.requests import Request

from services.notifications.gateways.provider import NotAuthentic, Unintelligible
from shared.messaging.service import Running
from shared.telemetry import log

_MOST_BYTES = 64 * 1024


async def body_of(request: Request) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 past 64 KiB.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413)
    return body


def address_of(running: Running, request: Request) -> str:
    """The address as the provider knows it, whatever proxies made of it."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{running.settings.stride_public_url.rstrip('/')}{request.url.path}{query}"


@contextmanager
def authentic(provider: str) -> Generator[None]:
    """Reading a call: 401 where it is not the provider's, 422 where it is not as agreed."""
    try:
        yield
    except NotAuthentic as error:
        log().warning("call-not-authentic", provider=provider, reason=str(error))
        raise HTTPException(401) from None
    except Unintelligible as error:
        log().warning("call-unintelligible", provider=provider, reason=str(error))
        raise HTTPException(422) from None
