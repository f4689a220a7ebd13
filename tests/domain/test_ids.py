"""Derived ids are UUIDs of version 5, as anybody's library makes them: they must never change."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derived_id

STRIDE = uuid.UUID("5b1d6e5c-3d0e-5f0b-9c37-3f6f5b6d9f10")


@given(st.lists(st.text() | st.integers(), min_size=1))
def test_a_derived_id_is_the_uuid_of_its_parts(parts: list[str | int]) -> None:
    assert derived_id(*parts) == str(uuid.uuid5(STRIDE, "\x1f".join(map(str, parts))))
