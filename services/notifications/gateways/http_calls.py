"""Calls to providers over HTTP: which failures leave it open whether a message was taken."""

from typing import Any, Final

import httpx

from services.notifications.gateways.outcomes import PutOff, Rejected, Uncertain, Unreachable

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LATER: Final = frozenset({409, 425, 429})
_OURS_TO_MEND: Final = frozenset({401, 402, 403, 404, 405})
_REFUSED, _BROKEN = 400, 500
_MOST_SECONDS: Final = 86_400.0


async def post(client: httpx.AsyncClient, url: str, **request: Any) -> httpx.Response:
    """A POST's answer of 2xx.

    Raises:
        Unreachable: nothing was sent.
        PutOff: 409, 425 or 429: not now.
        Rejected: any other 4xx; another provider might take it where the fault is in our account.
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
    if answer.status_code in _LATER:
        raise PutOff(code, retry_after(answer.headers.get("retry-after")))
    if _REFUSED <= answer.status_code < _BROKEN:
        raise Rejected(code, elsewhere=answer.status_code in _OURS_TO_MEND)
    raise Uncertain(code)


def retry_after(header: str | None) -> float | None:
    """Seconds to wait as the header says, at most a day; None where it says nothing that we understand."""
    try:
        return min(max(float(header or ""), 0.0), _MOST_SECONDS)
    except ValueError:
        return None
