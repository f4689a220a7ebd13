"""A body is read quickly where no rule can be broken, and strictly else: nobody can tell which."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.api import bodies
from services.intake.api.bodies import NotStrictJson, parse_json

TEXTS = st.text(max_size=6) | st.sampled_from(['":', '" :', "\\", "\x00", "0123456789012345", "a"])
NUMBERS = st.integers(-(10**17), 10**17) | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)
PIECES = st.sampled_from(
    (
        *(b"{", b"}", b"[", b"]", b'"a"', b'"b"', b":", b" : ", b",", b"1", b"1e999", b"-0", b"0.5", b"9" * 16),
        *(b"NaN", b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\":"', b'"\xff"', b"\n", b"\xef\xbb\xbf"),
        *(b"null", b"[" * 33),
    )
)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return repr(read(body))
    except NotStrictJson as error:
        return error.args


def strictly(body: bytes) -> Any:
    return bodies._read_strictly(body)  # pyright: ignore[reportPrivateUsage]


@given(VALUES, st.booleans())
def test_what_any_writer_makes_is_read_as_the_strict_reading_has_it(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert outcome(parse_json, body) == outcome(strictly, body)


@given(st.lists(PIECES, max_size=12).map(b"".join))
@example(b'{"a":1,"a":2}')
@example(b'{"a":{"b":1,"b":2},"c":"\\":"}')
@example(b'{"a" : 1, "a"\n: 2}')
@example(b"[" * 32 + b"]" * 32)
@example(b"[" * 33 + b"]" * 33)
@example(b"[" * 5000)
def test_what_nobody_should_send_is_refused_as_the_strict_reading_refuses_it(body: bytes) -> None:
    assert outcome(parse_json, body) == outcome(strictly, body)


@pytest.mark.parametrize("body", [b'{"id":"e-1","data":{"value":4.5,"unit":"{score}"}}', b'[{"a":1},{"a":2}]', b"[]"])
def test_what_clinics_send_is_read_quickly(body: bytes) -> None:
    assert bodies._read_quickly(body) == json.loads(body)  # pyright: ignore[reportPrivateUsage]
