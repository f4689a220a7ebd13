"""Limits: a bad deployment stops instead of parking everything, and the inbox stays small."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from shared.messaging import parking, retention
from shared.messaging.door import Door
from shared.messaging.errors import TooManyFailures
from shared.messaging.message import Message
from tests.messaging.counting import tally
from tests.messaging.test_door import door, ended, rows

__all__ = ["door"]


def failing(clinic_id: str, count: int) -> list[Message]:
    return [ended(f"p{number}", clinic_id, "transferred") for number in range(count)]


async def test_when_everything_fails_reading_stops_at_the_limit_and_no_more_is_parked(
    door: Door, clinic_id: str
) -> None:
    await door.admit(failing(clinic_id, parking.MOST_FAILURES))
    with pytest.raises(TooManyFailures):
        await door.admit([ended("fine", clinic_id), ended("one-more", clinic_id, "transferred")])
    assert len(await rows(door.engine, "parked")) == parking.MOST_FAILURES
    assert f"{clinic_id}/fine" not in await tally(door.engine)


async def test_events_behind_a_parked_one_do_not_count_as_failures(door: Door, clinic_id: str) -> None:
    await door.admit(failing(clinic_id, parking.MOST_FAILURES))
    behind = [ended("p0", clinic_id) for _ in range(20)]
    assert {outcome.state for outcome in await door.admit(behind)} == {"parked"}


async def test_old_inbox_rows_go_in_steps_and_young_ones_stay(door: Door, clinic_id: str) -> None:
    await door.admit([ended(f"p{number}", clinic_id) for number in range(25)])
    async with door.engine.begin() as tx:
        await tx.execute(
            text(
                "UPDATE inbox SET received_at = now() - interval '31 days' "
                "WHERE event_id IN (SELECT event_id FROM inbox LIMIT 20)"
            )
        )
    assert await retention.forget_old(door.engine, step=8) == 20
    assert await retention.forget_old(door.engine, timedelta(days=30)) == 0
    async with door.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM inbox")) == 5
