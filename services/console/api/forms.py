"""What browsers send: small forms, from our own pages only."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

_LONGEST: Final = 65_536
_MOST_FIELDS: Final = 200
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"


class Forged(Exception):
    """The form does not come from a page of this session."""


class TooLarge(Exception):
    """More was sent than a form of ours can hold."""


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form; of one that comes twice, the last.

    Raises:
        TooLarge: it is longer than 64 KiB, or has more than 200 fields.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            raise TooLarge
    try:
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise TooLarge from None


def check_csrf(request: Request, form: Mapping[str, str], secret: str | None) -> None:
    """Only a page of this session knows its secret. A program has none, and no cookie that could be misused.

    Raises:
        Forged: it was sent from another site, or without the secret.
    """
    check_origin(request)
    given = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD, "")
    if secret is not None and not hmac.compare_digest(_unmasked(given).encode(), secret.encode()):
        raise Forged


def check_origin(request: Request) -> None:
    """What a browser says of where a form comes from.

    Raises:
        Forged: from another site.
    """
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forged
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forged


def masked(secret: str) -> str:
    """The secret as a page shows it: other letters each time, so that compressing pages tells nothing of it."""
    mask = secrets.token_bytes(len(secret))
    return (mask + bytes(a ^ b for a, b in zip(mask, secret.encode(), strict=True))).hex()


def _unmasked(given: str) -> str:
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return ""
    half = len(both) // 2
    return bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=False)).decode(errors="replace")
