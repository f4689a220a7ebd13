"""The door: applied once, all or nothing, one bad event holds up nobody else."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import SystemClock
from shared.events.intake import PlanEnded
from shared.ids import random_id
from shared.messaging import inbox, locks, wire
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.door import Door
from shared.messaging.errors import FlowDisagrees
from shared.messaging.message import Message, Position, RawRecord
from shared.messaging.relay import Relay
from shared.messaging.transactions import begin
from tests.messaging.counting import NOW, CountStore, count, create_tally, empty_everything, tally


@pytest_asyncio.fixture(loop_scope="session")
async def door(progress_engine: AsyncEngine, kafka_bootstrap: str) -> AsyncGenerator[Door]:
    await create_tally(progress_engine)
    relay = Relay(progress_engine, kafka_bootstrap)
    yield Door("progress", {PlanEnded: count}, CountStore(), progress_engine, SystemClock(), relay)
    await empty_everything(progress_engine)


_offsets = iter(range(1_000_000))


def ended(
    patient: str, clinic_id: str, reason: str = "completed", *, event_id: str = "", kafka: bool = True
) -> Message:
    fact = PlanEnded.model_validate(
        {
            "clinic_id": clinic_id,
            "patient_id": patient,
            "plan_id": random_id(),
            "reason": reason,
            "ended_at": NOW,
        }
    )
    position = Position("plan.ended", 0, next(_offsets)) if kafka else None
    record = RawRecord(position, fact.key.encode(), fact.document, (("x", b"\xff\x00"),)) if position else None
    return Message(event_id or fact.event_id, "test", fact, position=position, record=record)


async def rows(engine: AsyncEngine, table: str) -> list[Any]:
    async with engine.connect() as connection:
        return list(await connection.execute(text(f"SELECT * FROM {table} ORDER BY position")))


async def test_a_batch_is_applied_and_its_facts_wait_in_the_outbox_in_order(door: Door, clinic_id: str) -> None:
    batch = [ended("p1", clinic_id), ended("p2", clinic_id), ended("p1", clinic_id)]
    assert [outcome.state for outcome in await door.admit(batch)] == ["applied"] * 3
    assert await tally(door.engine) == {f"{clinic_id}/p1": 2, f"{clinic_id}/p2": 1}
    waiting = await rows(door.engine, "outbox")
    assert [row.aggregateid.decode() for row in waiting] == [m.key for m in batch]
    headers = dict(orjson.loads(waiting[0].headers))
    assert headers["ce_causationid"] == batch[0].event_id


async def test_a_repeat_in_another_batch_or_in_the_same_changes_nothing(door: Door, clinic_id: str) -> None:
    once = ended("p", clinic_id)
    again = Message(once.event_id, once.source, once.fact, position=Position("plan.ended", 1, 7), record=once.record)
    assert [o.state for o in await door.admit([once, again])] == ["applied", "repeat"]
    later = Message(once.event_id, once.source, once.fact, position=Position("plan.ended", 2, 9), record=once.record)
    assert [o.state for o in await door.admit([later])] == ["repeat"]
    assert await tally(door.engine) == {f"{clinic_id}/p": 1}


async def test_what_was_read_stays_read_even_when_the_inbox_has_forgotten(door: Door, clinic_id: str) -> None:
    message = ended("p", clinic_id)
    await door.admit([message])
    async with door.engine.begin() as tx:
        await tx.execute(text("TRUNCATE inbox"))
    assert [o.state for o in await door.admit([message])] == ["repeat"]
    assert await tally(door.engine) == {f"{clinic_id}/p": 1}


async def test_an_event_that_fails_parks_the_later_ones_of_its_key_only(door: Door, clinic_id: str) -> None:
    batch = [
        ended("good", clinic_id),
        ended("bad", clinic_id, "transferred"),
        ended("bad", clinic_id),
        ended("good", clinic_id),
    ]
    assert [o.state for o in await door.admit(batch)] == ["applied", "parked", "parked", "applied"]
    assert [o.state for o in await door.admit([ended("bad", clinic_id)])] == ["parked"]
    parked = await rows(door.engine, "parked")
    assert [row.reason for row in parked] == ["ZeroDivisionError in the handler", "behind-parked", "behind-parked"]
    assert wire.unpack_headers(parked[0].headers) == [("x", b"\xff\x00")]
    assert parked[0].value == (batch[1].record.value if batch[1].record else None)


async def test_a_refusal_over_http_is_answered_and_may_be_mended_under_the_same_id(door: Door, clinic_id: str) -> None:
    refused = ended("p", clinic_id, "deceased", event_id="evt-1", kafka=False)
    assert [(o.state, o.reason) for o in await door.admit([refused])] == [("refused", "not this one")]
    mended = ended("p", clinic_id, event_id="evt-1", kafka=False)
    assert [o.state for o in await door.admit([mended])] == ["applied"]
    assert await rows(door.engine, "parked") == []


async def test_a_row_that_the_database_rejects_parks_only_its_event(door: Door, clinic_id: str) -> None:
    async with door.engine.begin() as tx:
        await tx.execute(text("INSERT INTO tally VALUES (:key, 99)"), {"key": f"{clinic_id}/full"})
    states = [o.state for o in await door.admit([ended("full", clinic_id), ended("free", clinic_id)])]
    assert states == ["parked", "applied"]
    assert (await tally(door.engine))[f"{clinic_id}/free"] == 1


async def test_an_unreadable_record_leaves_for_the_dead_letters_byte_for_byte(door: Door) -> None:
    record = RawRecord(
        Position("plan.ended", 3, next(_offsets)), b"k", b"{not json", (("ce_type", b"\xff"), ("authorization", b"s"))
    )
    await door.admit([DeadLetter(record, "bad-header", "A header is not UTF-8.")])
    (row,) = await rows(door.engine, "outbox")
    assert (row.aggregatetype, row.payload, row.aggregateid) == ("dlq.progress.plan.ended", b"{not json", b"k")
    headers = dict(wire.unpack_headers(row.headers))
    assert headers["ce_type"] == b"\xff"
    assert headers["dlq-code"] == b"bad-header"
    assert "authorization" not in headers


async def test_a_fact_that_the_map_does_not_list_is_not_published(door: Door, clinic_id: str) -> None:
    stray = ended("p", clinic_id).fact
    with pytest.raises(FlowDisagrees, match="plan.ended"):
        async with door.work() as work:
            door.publish(work, stray)


async def test_two_processes_with_the_same_unreadable_record_leave_one_dead_letter(door: Door) -> None:
    record = RawRecord(Position("plan.ended", 3, next(_offsets)), b"k", b"{not json", ())
    async with begin(door.engine) as tx:
        await inbox.advance(tx, [record.position])
        second = asyncio.ensure_future(door.admit([DeadLetter(record, "bad-value", "not JSON")]))
        await asyncio.wait([second], timeout=0.5)
    assert [outcome.state for outcome in await second] == ["repeat"]
    assert await rows(door.engine, "outbox") == []


async def test_an_event_that_the_database_rejects_is_parked_under_its_keys_lock(door: Door, clinic_id: str) -> None:
    message = ended("p", clinic_id)
    async with begin(door.engine) as tx:
        await locks.lock(tx, door.service, [door.store.key(message.fact)])
        parking = asyncio.ensure_future(door.park_alone(message, "database error 23514"))
        await asyncio.wait([parking], timeout=0.5)
        assert not parking.done()
    assert (await parking).state == "parked"
