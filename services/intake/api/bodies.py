"""Reading what strangers post: bounded, strict JSON, nothing that a later reader could trip over."""

import json
import re
from typing import Any, Final, NoReturn

import orjson
from starlette.requests import Request

from services.intake.api.problems import Mistake, Rejected

DEPTH = 32
_INTEGER_DIGITS = 15
"""Integers up to here are exact in every JSON reader, binary floating point included."""


_SUSPECT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Only an escape can bring NUL or half a surrogate pair into a text that is UTF-8."""
_PERHAPS_INEXACT: Final = re.compile(rb"\d{16}")
_PERHAPS_A_NAME: Final = re.compile(rb'"\s*:')


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
    content = _read_quickly(body)
    return _read_strictly(body) if content is None else content


def _read_quickly(body: bytes) -> Any:
    """What the body says if it is beyond doubt, else None: five times as fast as the strict reading.

    No rule is broken where it can't be: without an escape that is suspect and a long row of digits, and with as many
    names in all objects as there are places that look like one.
    """
    if _SUSPECT.search(body) or _PERHAPS_INEXACT.search(body):
        return None
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    names = _count_names(content)
    return content if names == len(_PERHAPS_A_NAME.findall(body)) else None


def _count_names(content: Any) -> int | None:
    """How many names all objects have; None if nested deeper than 32. No recursion that input could exhaust."""
    level: list[Any] = [content] if type(content) is dict or type(content) is list else []
    names = 0
    for _ in range(DEPTH):
        inner: list[Any] = []
        for outer in level:
            if type(outer) is dict:
                names += len(outer)
                inner += [value for value in outer.values() if type(value) is dict or type(value) is list]
            else:
                inner += [value for value in outer if type(value) is dict or type(value) is list]
        if not inner:
            return names
        level = inner
    return None


def _read_strictly(body: bytes) -> Any:
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
    if _count_names(content) is None:
        raise NotStrictJson(f"Nested deeper than {DEPTH}.")
    if _SUSPECT.search(body):
        _check_texts(content)
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


def _check_texts(content: Any) -> None:
    """NUL and half surrogate pairs in any key or value; the depth is known to be bounded."""
    if isinstance(content, str):
        if "\x00" in content:
            raise NotStrictJson("A text holds the character NUL.")
        if not content.isascii() and any("\ud800" <= character <= "\udfff" for character in content):
            raise NotStrictJson("A text holds half a surrogate pair.")
    elif isinstance(content, dict):
        for key, value in content.items():
            _check_texts(key)
            _check_texts(value)
    elif isinstance(content, list):
        for value in content:
            _check_texts(value)
