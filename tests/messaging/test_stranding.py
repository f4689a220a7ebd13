"""What is stranded is told to staff: once while it waits, once when it no longer does, and not about itself."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import orjson
import pytest_asyncio
from sqlalchemy import text

from shared.events.notifications import THE_CLINIC
from shared.events.operations import EventsReleased, EventsStranded
from shared.messaging.dead_letter_topics import dead_letters, put_back
from shared.messaging.door import Door
from shared.messaging.replay import replay_key
from shared.messaging.stranding import MOST_PATIENTS, StrandingWatch, Waiting, to_tell
from tests.messaging.counting import NOW
from tests.messaging.stranding import healed, lay_aside, park
from tests.messaging.test_door import door

__all__ = ["door"]


@pytest_asyncio.fixture(loop_scope="session")
async def watch(door: Door, kafka_bootstrap: str, clinic_id: str) -> AsyncGenerator[StrandingWatch]:
    await _nothing_told(door)
    yield a_watch(door, kafka_bootstrap, clinic_id)
    await _nothing_told(door)


def a_watch(door: Door, bootstrap: str, *clinic_ids: str) -> StrandingWatch:
    return StrandingWatch(door, bootstrap, lambda: set(clinic_ids))


async def _nothing_told(door: Door) -> None:
    async with door.engine.begin() as tx:
        await tx.execute(text("TRUNCATE stranding"))


async def told(
    door: Door, fact: type[EventsStranded | EventsReleased], clinic_id: str, topic: str = "plan.ended"
) -> list[dict[str, Any]]:
    """What was told of a topic: of others the clinic may hear too, of dead letters that are nobody's for sure."""
    query = text("SELECT payload FROM outbox WHERE aggregatetype = :name ORDER BY position")
    async with door.engine.connect() as connection:
        found = [orjson.loads(row.payload) for row in await connection.execute(query, {"name": fact.NAME})]
    return [one for one in found if (one["clinic_id"], one["topic"]) == (clinic_id, topic)]


async def test_a_parked_key_is_told_once_and_again_when_it_parks_anew(
    watch: StrandingWatch, kafka_bootstrap: str, clinic_id: str
) -> None:
    door = watch.door
    await park(door, clinic_id, "transferred", "completed", "completed")
    await asyncio.gather(*(a_watch(door, kafka_bootstrap, clinic_id).look() for _ in range(4)))
    (first,) = await told(door, EventsStranded, clinic_id)
    assert (first["patient_id"], first["service"], first["cause"], first["topic"], first["about"]) == (
        THE_CLINIC, "progress", "failed", "plan.ended", "p",
    )  # fmt: skip
    await replay_key(door, f"{clinic_id}/p")
    await watch.look()
    assert await told(door, EventsReleased, clinic_id) == [], "the replay failed: it still waits"
    await replay_key(healed(door), f"{clinic_id}/p")
    for _ in range(2):
        await watch.look()
    (over,) = await told(door, EventsReleased, clinic_id)
    assert over["stranding_id"] == first["stranding_id"]
    await park(door, clinic_id, "transferred")
    await watch.look()
    again = await told(door, EventsStranded, clinic_id)
    assert len({one["stranding_id"] for one in again}) == len(again) == 2


async def test_dead_letters_are_told_by_topic_and_day_until_all_are_put_back(
    watch: StrandingWatch, kafka_bootstrap: str, clinic_id: str
) -> None:
    topic = "measurement.voided"  # no other test lays a record of this topic aside
    for patient in ("late", "never"):
        await lay_aside(kafka_bootstrap, b"{", (), key=f"{clinic_id}/{patient}", topic=topic)
    await watch.look()
    assert await told(watch.door, EventsStranded, clinic_id, topic) == [], "nobody has read the topics yet"
    for _ in range(2):
        await watch.look_at_letters()
        await watch.look()
    (fact,) = await told(watch.door, EventsStranded, clinic_id, topic)
    assert fact["cause"] == "unreadable"
    assert "about" not in fact
    await a_watch(watch.door, kafka_bootstrap, clinic_id).look()
    assert await told(watch.door, EventsReleased, clinic_id, topic) == [], (
        "a process that has just started knows nothing"
    )
    ours = [one for one in await dead_letters(kafka_bootstrap, ["progress"]) if one.key.startswith(clinic_id)]
    for number, letter in enumerate(ours, start=1):
        await put_back(kafka_bootstrap, [letter])
        await watch.look_at_letters()
        await watch.look()
        assert len(await told(watch.door, EventsReleased, clinic_id, topic)) == (number == len(ours))


def waiting(number: int, *, topic: str = "plan.ended", clinic_id: str = "riverside", cause: str = "failed") -> Waiting:
    return Waiting(f"key/{clinic_id}/{topic}/{number}", clinic_id, cause, topic, str(number), f"p-{number}")


def fact_of(one: Waiting) -> EventsStranded:
    return one.stranded("progress", NOW)


def test_of_one_fault_that_strands_everybody_a_clinic_hears_so_often_and_no_more() -> None:
    many = [waiting(number) for number in range(3 * MOST_PATIENTS)]
    begun = list(to_tell(many, {}))
    assert begun == many[:MOST_PATIENTS]
    so_far = {one.name: fact_of(one) for one in begun}
    assert list(to_tell(many, so_far)) == []
    del so_far[many[3].name]
    assert list(to_tell(many[:3] + many[4:], so_far)) == [many[MOST_PATIENTS]], "one is over: the next is told"
    others = [waiting(0, clinic_id="elsewhere"), waiting(1, topic="adverse_event.recorded")]
    assert list(to_tell([*many, *others], {one.name: fact_of(one) for one in begun})) == others


def test_nothing_is_told_about_facts_that_tell_of_this() -> None:
    own = [waiting(1, topic=fact.NAME, cause=cause) for fact in (EventsStranded, EventsReleased)
           for cause in ("failed", "unreadable")]  # fmt: skip
    assert list(to_tell([*own, waiting(2)], {})) == [waiting(2)]


def test_what_waits_anew_is_another_stranding_and_looking_again_is_the_same() -> None:
    later = NOW + timedelta(hours=1)
    one = waiting(1)
    assert one.stranded("progress", NOW).event_id == one.stranded("progress", later).event_id
    assert fact_of(Waiting(one.name, *("riverside", "failed", "plan.ended", "2"))).event_id != fact_of(one).event_id
    assert one.stranded("intake", NOW).event_id != fact_of(one).event_id
