"""Tables stay small under endless traffic, by steps whose cost does not depend on how much stays."""

# pyright: reportPrivateUsage=false
# The statements themselves are explained here: nobody else needs them.

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifications.store import finished
from shared.database import open_engine
from shared.messaging import parking, retention
from shared.messaging.door import Door
from tests.domain.notifications_examples import FIRST, Example
from tests.handlers.notifications_desk import Desk, open_desk
from tests.messaging.counting import tally
from tests.messaging.test_door import door, ended, rows

__all__ = ["door"]

_MONTH = timedelta(days=31)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    engine = open_engine(database_url, "notifications")
    yield await open_desk(engine, "localhost:1", [clinic_id])
    await open_desk(engine, "localhost:1", [clinic_id])
    await engine.dispose()


@asynccontextmanager
async def at_once(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection without a transaction, as VACUUM wants it."""
    async with engine.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")


async def plan_of(engine: AsyncEngine, statement: TextClause, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nodes of the plan as executed, root first; what it does is taken back."""
    nodes: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        nodes.append(node)
        for inner in node.get("Plans", ()):
            walk(inner)

    async with engine.connect() as connection:
        explain = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}")
        found: Any = await connection.scalar(explain, dict(known))
        walk(found[0]["Plan"])
        await connection.rollback()
    return nodes


def pages(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])


async def age(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(text("UPDATE inbox SET received_at = received_at - CAST(:by AS interval)"), {"by": _MONTH})


async def test_a_step_on_the_inbox_reads_what_it_removes_and_not_the_table(door: Door) -> None:
    """Old rows lie scattered, as they do once new rows have taken the places of removed ones."""
    async with at_once(door.engine) as connection:
        await connection.execute(
            text("""
                INSERT INTO inbox (source, event_id, received_at)
                SELECT 'test', n::text, now() - interval '60 days' * ((n * 7919 % 50000) / 50000.0)
                FROM generate_series(1, 50000) AS n
            """)
        )
        await connection.execute(text("VACUUM ANALYZE inbox"))
        size = await connection.scalar(text("SELECT pg_relation_size('inbox') / 8192"))
    assert size > 300
    nodes = await plan_of(door.engine, retention._REMOVE, {"keep": retention.KEEP, "step": 50})
    (scan,) = [node for node in nodes if node.get("Index Name") == "inbox_received"]
    assert (scan["Node Type"], scan["Actual Rows"]) == ("Index Scan", 50)
    assert pages(scan) < 70
    assert pages(nodes[0]) < 350
    nothing = await plan_of(door.engine, retention._REMOVE, {"keep": timedelta(days=90), "step": 50})
    assert pages(nothing[0]) < 20


async def test_a_step_on_the_reminders_reads_what_it_removes_and_not_the_table(desk: Desk) -> None:
    async with at_once(desk.engine) as connection:
        await connection.execute(
            text("""
                INSERT INTO delivery (delivery_id, patient_key, clinic_id, patient_id, recipient, recipient_id, channel,
                    topic, subject_id, subject_version, slot, state, reason, due_at, valid_until)
                SELECT n::text, 'c/p', 'c', 'p', 'patient', 'p', 'email',
                    CASE WHEN n % 10 = 0 THEN 'booked' ELSE 'reminder' END, n::text, 1, '1d', 'suppressed', '', now(),
                    now() - interval '365 days' * ((n * 7919 % 20000) / 20000.0)
                FROM generate_series(1, 20000) AS n
            """)
        )
        await connection.execute(text("VACUUM ANALYZE delivery"))
    nodes = await plan_of(desk.engine, finished.REMOVE_REMINDERS, {"before": desk.clock.now(), "step": 50})
    (scan,) = [node for node in nodes if node.get("Index Name") == "delivery_over"]
    assert scan["Actual Rows"] <= 50
    assert pages(scan) < 70


async def test_counting_failures_does_not_read_what_waits_for_an_update(door: Door) -> None:
    async with at_once(door.engine) as connection:
        await connection.execute(
            text("""
                INSERT INTO parked (key, topic, partition, record_offset, event_id, headers, reason)
                SELECT 'c/p', 't', 0, n, n::text, '[]', CASE n % 2 WHEN 0 THEN :behind ELSE :newer || 'x' END
                FROM generate_series(1, 5000) AS n
            """),
            {"behind": parking.BEHIND, "newer": parking.NEWER},
        )
        await connection.execute(text("ANALYZE parked"))
    known = {"behind": parking.BEHIND, "newer": parking.NEWER}
    nodes = await plan_of(door.engine, parking._FAILED_LATELY, known)
    assert "parked_failure" in {node.get("Index Name") for node in nodes}
    assert pages(nodes[0]) < 5


async def test_rows_go_in_bounded_steps_while_traffic_goes_on(door: Door, clinic_id: str) -> None:
    await door.admit([ended(f"old-{number}", clinic_id) for number in range(200)])
    await age(door.engine)

    async def traffic() -> None:
        for number in range(40):
            (outcome,) = await door.admit([ended(f"new-{number}", clinic_id)])
            assert outcome.state == "applied"

    going = asyncio.create_task(traffic())
    assert await retention.forget_old(door.engine, step=7) == 200
    await going
    async with door.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM inbox")) == 40
    assert len(await tally(door.engine)) == 240


async def test_tables_stay_flat_over_many_cycles_of_traffic(door: Door, clinic_id: str) -> None:
    """Each cycle is a month: a batch is applied, published and forgotten; vacuum does its part."""
    sizes: list[list[int]] = []
    relaying = asyncio.create_task(door.relay.run())
    try:
        for cycle in range(30):
            patients = [f"{cycle}-{number}" for number in range(100)]
            await door.admit([ended(patient, clinic_id) for patient in patients])
            async with asyncio.timeout(30):
                while await rows(door.engine, "outbox"):
                    await asyncio.sleep(0.01)
            await age(door.engine)
            assert await retention.forget_old(door.engine, step=30) == 100
            sizes.append(await _sizes(door.engine))
    finally:
        relaying.cancel()
        with suppress(asyncio.CancelledError):
            await relaying
    assert sizes[-1] == sizes[9], sizes


async def _sizes(engine: AsyncEngine) -> list[int]:
    tables = ("inbox", "outbox", "applied_offset", "parked")
    async with at_once(engine) as connection:
        for table in tables:
            await connection.execute(text(f"VACUUM {table}"))
        return [int(await connection.scalar(text(f"SELECT pg_table_size('{table}')")) or 0) for table in tables]


async def test_removal_goes_on_until_it_is_stopped(door: Door, clinic_id: str) -> None:
    await door.admit([ended("p", clinic_id)])
    await age(door.engine)
    task = asyncio.create_task(retention.run(door.engine))
    try:
        async with asyncio.timeout(20):
            while True:
                async with door.engine.connect() as connection:
                    if not await connection.scalar(text("SELECT count(*) FROM inbox")):
                        break
                await asyncio.sleep(0.01)
    finally:
        task.cancel()


async def test_reminders_of_appointments_long_past_go_and_everything_else_stays(desk: Desk, clinic_id: str) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), *ann.course(3))
    before = {row.delivery_id: row for row in await desk.deliveries()}
    async with desk.engine.begin() as tx:
        await tx.execute(text("SELECT set_config('stride.from_log', 'on', true)"))
        await tx.execute(text("UPDATE delivery SET state = 'accepted' WHERE state = 'scheduled' AND slot <> '3d'"))
    first_over = FIRST + finished.KEEP + timedelta(minutes=1)
    assert await finished.remove_reminders(desk.engine, first_over - timedelta(minutes=2), step=1) == 0
    assert await finished.remove_reminders(desk.engine, first_over, step=1) == 1
    assert await finished.remove_reminders(desk.engine, first_over + timedelta(days=1000), step=1) == 2
    left = await desk.deliveries()
    gone = [before[delivery_id] for delivery_id in before.keys() - {row.delivery_id for row in left}]
    assert {(row.topic, row.slot) for row in gone} == {("reminder", "1d")}
    assert [row.state for row in left if row.topic == "reminder"] == ["scheduled"] * 3


async def test_what_was_removed_does_not_come_back_whatever_is_told_again(desk: Desk, clinic_id: str) -> None:
    """The same facts once more, unknown to the inbox, and the patient moves: nobody is reminded again."""
    ann = Example(clinic_id)
    story = [ann.registered(), *ann.course(2), ann.moved(0, 2, FIRST + timedelta(days=1))]
    await desk.admit(*story)
    async with desk.engine.begin() as tx:
        await tx.execute(text("SELECT set_config('stride.from_log', 'on', true)"))
        await tx.execute(text("UPDATE delivery SET state = 'accepted' WHERE state = 'scheduled'"))
    desk.clock.forward(days=500)
    assert await finished.remove_reminders(desk.engine, desk.clock.now()) > 0
    async with desk.engine.begin() as tx:
        await tx.execute(text("TRUNCATE inbox"))
    await desk.admit(*reversed(story), *story, ann.updated(1, "ann@example.org", zone="Asia/Tokyo"))
    sendable = [row for row in await desk.deliveries() if row.state in ("planned", "scheduled", "sending")]
    assert [row for row in sendable if row.valid_until is None or row.valid_until > desk.clock.now()] == []
