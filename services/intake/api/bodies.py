"""Reading what strangers post: bounded, strict JSON, nothing that a later reader could trip over."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from starlette.requests import Request

from services.intake.api.problems import Mistake, Rejected

DEPTH = 32
_INTEGER_DIGITS = 15
"""Integers up to here are exact in every JSON reader, binary floating point included."""


class NotStrictJson(ValueError):
    """The body is no JSON that we take; the message says why."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, up to `limit` bytes, however it is sent.

    Raises:
        Rejected: 413 when it is longer, 415 when it is compressed, 400 when Content-Length is no number.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        remedy = Mistake("Compressed bodies are not read.", remedy="Send it without Content-Encoding.")
        raise Rejected(415, "unsupported-media-type", remedy, headers={"Accept-Encoding": "identity"})
    too_large = Rejected(413, "too-large", Mistake(f"More than {limit} bytes.", remedy="Send fewer items at once."))
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or len(declared) > _INTEGER_DIGITS:
        raise Rejected(400, "bad-body", Mistake("Content-Length is not a number."))
    if int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """The JSON in `body`.

    Raises:
        NotStrictJson: not UTF-8, not JSON, nested deeper than 32, a key twice in one object, NaN or
            Infinity, a number beyond the exact range, NUL, or half a surrogate pair.
    """
    try:
        content = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_exact,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise NotStrictJson("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise NotStrictJson(f"Nested deeper than {DEPTH}.") from None
    _check(content)
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise NotStrictJson("An object has the same key twice.")
    return content


def _no_constant(_: str) -> NoReturn:
    raise NotStrictJson("NaN and Infinity are no JSON.")


def _exact(digits: str) -> int:
    if len(digits.lstrip("-")) > _INTEGER_DIGITS:
        raise NotStrictJson(f"A whole number has more than {_INTEGER_DIGITS} digits.")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotStrictJson("A number is too large.")
    return number


def _check(content: Any) -> None:
    """Depth and characters of everything, level by level: no recursion that input could exhaust."""
    level: list[Any] = [content]
    for _ in range(DEPTH + 1):
        for value in level:
            if isinstance(value, str):
                _check_text(value)
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise NotStrictJson(f"Nested deeper than {DEPTH}.")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise NotStrictJson("A text holds the character NUL.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise NotStrictJson("A text holds half a surrogate pair.")
