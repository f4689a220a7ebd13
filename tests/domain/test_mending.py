"""A letter's fields are set or taken away by their paths; anything else stays byte for byte the same JSON."""

import orjson
import pytest

from shared.messaging.mending import Change, mend_with
from shared.messaging.message import Position, RawRecord
from shared.messaging.replay_run import NotMended

CONTENT = {"a": {"b/c": 1, "d~e": [10, {"f": None}]}, "name": "Ada"}


def mended(*changes: Change, value: bytes | None = None) -> object:
    record = RawRecord(Position("t", 0, 1), b"k", value or orjson.dumps(CONTENT), (("ce_id", b"1"),))
    found = mend_with(changes)(record)
    assert found._replace(value=record.value) == record
    return orjson.loads(found.value or b"")


@pytest.mark.parametrize(
    ("pointer", "value", "after"),
    [
        ("/name", '"Eve"', {**CONTENT, "name": "Eve"}),
        ("/new", "[1]", {**CONTENT, "new": [1]}),
        ("/name", None, {"a": CONTENT["a"]}),
        ("/a/b~1c", "2", {**CONTENT, "a": {"b/c": 2, "d~e": [10, {"f": None}]}}),
        ("/a/d~0e/1/f", "true", {**CONTENT, "a": {"b/c": 1, "d~e": [10, {"f": True}]}}),
        ("/a/d~0e/0", None, {**CONTENT, "a": {"b/c": 1, "d~e": [{"f": None}]}}),
    ],
)
def test_one_field_changes(pointer: str, value: str | None, after: object) -> None:
    assert mended(Change(pointer, value)) == after


def test_changes_are_made_in_order() -> None:
    assert mended(Change("/x", "{}"), Change("/x/y", "1"), Change("/name")) == {"a": CONTENT["a"], "x": {"y": 1}}


@pytest.mark.parametrize(
    ("pointer", "value", "why"),
    [
        ("name", "1", "begins with /"), ("/nobody", None, "no field"), ("/nobody/x", "1", "no field"),
        ("/name/x", "1", "no field"), ("/a/d~0e/7", "1", "no field"), ("/a/d~0e/-1x", "1", "no field"),
        ("/name", "Eve", "needs quotes"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_says_why(pointer: str, value: str | None, why: str) -> None:
    with pytest.raises(NotMended, match=why):
        mended(Change(pointer, value))


def test_other_bytes_have_no_fields() -> None:
    with pytest.raises(NotMended, match="no JSON"):
        mended(Change("/a", "1"), value=b"\xff\x00")
