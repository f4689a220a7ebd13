"""Replay: in order, once, also when asked twice or while new events come in."""

import asyncio
from dataclasses import replace
from datetime import datetime

import orjson
from sqlalchemy import text

from shared.events.intake import PlanEnded
from shared.messaging.door import Door
from shared.messaging.message import Decision, Message, RawRecord
from shared.messaging.replay import Replayed, parked_keys, replay_key
from tests.messaging.counting import Count, count, tally
from tests.messaging.test_door import door, ended, rows

__all__ = ["door"]


def mended(state: Count, fact: PlanEnded, now: datetime) -> Decision[Count]:
    """The handler after its fault was mended."""
    return count(state, fact.model_copy(update={"reason": "completed"}), now)


async def park(door: Door, clinic_id: str, events: int) -> str:
    batch = [ended("p", clinic_id, "transferred"), *(ended("p", clinic_id) for _ in range(events - 1))]
    await door.admit([message._replace(record=headed(message)) for message in batch])
    return batch[0].key


def headed(message: Message) -> RawRecord:
    assert message.record
    headers = (("ce_type", message.fact.wire_type().encode()), ("ce_id", message.event_id.encode()))
    return message.record._replace(headers=headers)


async def test_what_still_fails_stays_parked_and_says_why(door: Door, clinic_id: str) -> None:
    key = await park(door, clinic_id, 3)
    assert await replay_key(door, key) == Replayed(key, 0, "ZeroDivisionError in the handler")
    (parked,) = await parked_keys(door.engine)
    assert (parked.key, parked.events, parked.reason) == (key, 3, "ZeroDivisionError in the handler")


async def test_a_replay_applies_all_in_order_and_unblocks_the_key(door: Door, clinic_id: str) -> None:
    key = await park(door, clinic_id, 4)
    parked_order = [row.event_id for row in await rows(door.engine, "parked")]
    healed = replace(door, handlers={PlanEnded: mended})
    assert await replay_key(healed, key) == Replayed(key, 4)
    assert await parked_keys(door.engine) == []
    assert (await tally(door.engine))[key] == 4
    caused_by = [dict(orjson.loads(row.headers))["ce_causationid"] for row in await rows(door.engine, "outbox")]
    assert caused_by == parked_order
    assert [o.state for o in await healed.admit([ended("p", clinic_id)])] == ["applied"]


async def test_replays_at_once_and_during_traffic_apply_each_event_once(door: Door, clinic_id: str) -> None:
    key = await park(door, clinic_id, 12)
    healed = replace(door, handlers={PlanEnded: mended})

    async def traffic() -> None:
        for _ in range(10):
            later = ended("p", clinic_id)
            await healed.admit([later._replace(record=headed(later))])

    await asyncio.gather(replay_key(healed, key), replay_key(healed, key), traffic())
    await replay_key(healed, key)
    assert await parked_keys(door.engine) == []
    assert (await tally(door.engine))[key] == 22


async def test_a_dry_run_changes_nothing(door: Door, clinic_id: str) -> None:
    key = await park(door, clinic_id, 3)
    healed = replace(door, handlers={PlanEnded: mended})
    result = await replay_key(healed, key, dry_run=True)
    assert result.key == key
    assert key not in await tally(door.engine)
    async with door.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM parked")) == 3
        assert await connection.scalar(text("SELECT count(*) FROM outbox")) == 0
