"""Calls to providers over HTTP: which failures leave it open whether a message was taken."""

from typing import Any, Final

import httpx

from services.notifications.gateways.outcomes import PutOff, Rejected, Uncertain, Unreachable

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LATER: Final = frozenset({409, 425, 429})
_OURS_TO_MEND: Final = frozenset({401, 402, 403, 404, 405})
"""The account or its address is wrong: a token that has run out must not cost the messages of that hour."""
_REFUSED, _BROKEN = 400, 500
_MOST_SECONDS: Final = 86_400.0


async def post(client: httpx.AsyncClient, url: str, **request: Any) -> httpx.Response:
    """A POST's answer of 2xx.

    Raises:
        Unreachable: nothing was sent.
        PutOff: not now (409, 425, 429), or not until our account is mended (401 to 405).
        Rejected: any other 4xx.
        Uncertain: no answer, or one (3xx, 5xx) that leaves it open.
    """
    try:
        answer = await client.post(url, **request)
    except _NOT_SENT as error:
        raise Unreachable(type(error).__name__) from error
    except httpx.HTTPError as error:
        raise Uncertain(type(error).__name__) from error
    if answer.is_success:
        return answer
    code = f"http-{answer.status_code}"
    if answer.status_code in _LATER | _OURS_TO_MEND:
        raise PutOff(code, retry_after(answer.headers.get("retry-after")))
    if _REFUSED <= answer.status_code < _BROKEN:
        raise Rejected(code)
    raise Uncertain(code)


def retry_after(header: str | None) -> float | None:
    """Seconds to wait as the header says, at most a day; None where it says nothing that we understand."""
    try:
        return min(max(float(header or ""), 0.0), _MOST_SECONDS)
    except ValueError:
        return None
