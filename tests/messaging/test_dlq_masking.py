"""What is told of a record by default gives away none of its values, whatever a sender made of it."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.masking import bare_headers, bare_value, identifier, masked_headers, outline, printable

NAME = "Ada Lovelace"


def test_an_outline_has_fields_and_types_only() -> None:
    value = {"name": NAME, "age": 36, "ill": True, "note": None, "visits": [{"on": NAME}, {"on": NAME}], NAME: 1}
    assert outline(orjson.dumps(value)) == {
        "name": "text",
        "age": "number",
        "ill": "true or false",
        "note": "null",
        "visits": [{"on": "text"}, "2 in all"],
        "(12 characters)": "number",
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "no value (a tombstone)"),
        (b"", "0 bytes that are not JSON"),
        (NAME.encode(), "12 bytes that are not JSON"),
        (b"\xff\xfe", "2 bytes that are not JSON"),
        (b"[" * 100_000, "100000 bytes that are not JSON"),
        (orjson.dumps(NAME), "text"),
    ],
)
def test_what_is_no_object_is_told_in_a_line(value: bytes | None, told: str) -> None:
    assert outline(value) == told


def test_a_large_or_deep_value_is_told_in_short() -> None:
    assert len(orjson.dumps(outline(orjson.dumps({f"f{n}": [n] * 500 for n in range(5000)})))) < 20_000
    assert "deeper than is shown" in str(outline(b'{"a":' * 50 + b"1" + b"}" * 50))


def test_headers_are_told_by_value_only_where_we_know_them() -> None:
    headers = [
        ("ce_id", b"4711"), ("ce_subject", NAME.encode()), ("x-note", NAME.encode()), (NAME, b"1"), ("ce_type", None),
        ("content-type", b"application/json; charset=utf-8"), ("authorization", b"Bearer secret"),
        ("dlq-reason", NAME.encode()), ("dlq-reason", b"ours: a reason"),
    ]  # fmt: skip
    assert masked_headers(headers) == [
        ("ce_id", "4711"), ("ce_subject", "(12 bytes)"), ("x-note", "(12 bytes)"), ("(12 characters)", "(1 bytes)"),
        ("ce_type", "(null)"), ("content-type", "application/json; charset=utf-8"), ("authorization", "(13 bytes)"),
        ("dlq-reason", "(12 bytes)"), ("dlq-reason", "ours: a reason"),
    ]  # fmt: skip


def test_even_bare_a_token_is_never_shown_and_no_byte_commands_the_terminal() -> None:
    bare = bare_headers([("Authorization", b"Bearer secret"), ("x-note", b"\x1b[2J\xff")])
    assert bare == [("Authorization", "(a secret, never shown)"), ("x-note", "\\x1b[2J\\xff")]
    assert bare_value(b"\x1b]0;x\x07") == "\\x1b]0;x\\x07"
    assert bare_value(b'{"a":1}') == {"a": 1}


@given(st.text())
def test_whatever_is_printed_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert identifier(text.encode("utf-8", "surrogatepass")).isprintable()
