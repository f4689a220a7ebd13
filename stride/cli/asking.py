"""Asking a service over HTTP with each token in turn: a plan's id does not say whose clinic it is."""

from collections.abc import Sequence
from typing import Any

import httpx

from shared.messaging.errors import Unavailable
from stride.cli.reach import NoWay

_NOT_FOUND = 404
_TIMEOUT_SECONDS = 30


def opened(url: str) -> httpx.Client:
    """A connection to a service."""
    return httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)


def ask(
    http: httpx.Client, path: str, tokens: Sequence[str], body: Any = None
) -> tuple[httpx.Response | None, dict[str, str]]:
    """The first answer but 404, and the header that opened it; none where no clinic has what is asked for.

    Raises:
        NoWay: the service says no.
        Unavailable: it does not answer.
    """
    for token in tokens:
        headers = {"authorization": f"Bearer {token}"}
        answer = send(http, path, headers, body)
        if answer.is_success:
            return answer, headers
        if answer.status_code != _NOT_FOUND:
            raise NoWay(f"{http.base_url} says {answer.status_code}: {answer.json().get('detail', '')}")
    return None, {}


def send(http: httpx.Client, path: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
    """One answer, whatever it is.

    Raises:
        Unavailable: nobody answers.
    """
    try:
        return http.request("GET" if body is None else "POST", path, headers=headers, json=body)
    except httpx.HTTPError as error:
        raise Unavailable(f"{http.base_url} does not answer: {type(error).__name__}. Is `stride up` running?") from None
