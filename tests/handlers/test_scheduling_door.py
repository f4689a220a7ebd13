"""Scheduling through its real door on PostgreSQL."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.course import Patient
from shared.database import open_engine, sqlstate
from shared.events.base import Fact
from shared.messaging.message import Message
from tests.domain.scheduling_examples import INTENSIVE, WEEKLY, adjusted, change, ended, logged, plan, tell, voided
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic, names


async def test_a_plan_becomes_appointments_with_claims_in_one_transaction(desk: Desk) -> None:
    assert names(await desk.take(plan(clinic=desk.clinic_id))) == ["applied"]
    booked = await desk.appointments()
    assert [row.sequence for row in booked] == list(range(1, 19))
    assert {row.status for row in booked} == {"booked"}
    claims = await desk.rows(
        "SELECT kind, count(*) AS n, min(upper(during) - lower(during)) AS length FROM claim"
        " JOIN resource ON resource.id = resource WHERE live AND clinic_id = :clinic GROUP BY kind ORDER BY kind"
    )
    assert [(row.kind, row.n, row.length // timedelta(minutes=1)) for row in claims] == [
        ("patient", 18, 45),
        ("practitioner", 18, 55),
        ("room", 18, 55),
    ]
    assert await desk.published() == ["appointment.booked"] * 18
    assert await desk.overlaps() == 0


async def test_far_sessions_are_planned_again_around_those_of_others(engine: AsyncEngine, clinic_id: str) -> None:
    desk = Desk(engine, a_clinic(clinic_id, practitioners=1, rooms=1), Wall())
    await desk.take(plan(clinic=clinic_id))
    far = (await desk.appointments())[12]
    moved = change(far.id, "move", clinic=clinic_id, not_before=far.start_at + timedelta(days=2))
    await desk.take(moved, *(plan(f"p{other}", clinic=clinic_id) for other in range(2, 9)))
    first = (await desk.appointments())[0]
    desk.wall.moment = first.end_at
    held = logged("s1", first.start_at, appointment_id=first.id, clinic=clinic_id)
    assert names(await desk.take(held)) == ["applied"]
    assert "spacing" in {row.reason for row in await desk.appointments()}
    assert await desk.overlaps() == 0


async def test_what_is_loaded_is_what_was_saved(desk: Desk) -> None:
    """A whole life of a course, each fact in its own transaction, equals the same in one."""
    clinic = desk.clinic_id
    facts: list[Fact] = [
        logged("early", datetime(2026, 3, 4, 8, 5, tzinfo=UTC), clinic=clinic),
        plan(clinic=clinic),
        adjusted(2, [WEEKLY], date(2026, 3, 18), clinic=clinic),
        voided("early", clinic=clinic),
        logged("second", datetime(2026, 3, 6, 8, 5, tzinfo=UTC), clinic=clinic),
    ]
    for fact in facts:
        assert names(await desk.take(fact)) == ["applied"]
    booked = [row for row in await desk.appointments() if row.status == "booked"]
    await desk.take(change(booked[2].id, clinic=clinic), change(booked[3].id, "move", clinic=clinic))
    async with desk.engine.begin() as tx:
        loaded = (await desk.store.load(tx, facts))[clinic]
    state = await _at_once(desk, [*facts, change(booked[2].id), change(booked[3].id, "move")])
    assert loaded.patients["p1"].courses == state.patients["p1"].courses
    assert without_nothing(loaded.busy.masks) == without_nothing(state.busy.masks)


def without_nothing(masks: Mapping[int, Mapping[int, int]]) -> dict[int, dict[int, int]]:
    taken = {resource: {day: mask for day, mask in days.items() if mask} for resource, days in masks.items()}
    return {resource: days for resource, days in taken.items() if days}


async def _at_once(desk: Desk, facts: Sequence[Fact]) -> Any:
    async with desk.engine.connect() as tx:
        empty = (await desk.store.load(tx, facts))[desk.clinic_id]
        await tx.rollback()
    fresh = replace(empty, busy=Busy(), patients={"p1": Patient("p1", empty.patients["p1"].resource)})
    return tell(fresh, *[fact.model_copy(update={"clinic_id": desk.clinic_id}) for fact in facts])[0]


async def test_the_database_itself_refuses_an_overlap(desk: Desk) -> None:
    await desk.take(plan(clinic=desk.clinic_id))
    first = (await desk.appointments())[0]
    with pytest.raises(DBAPIError) as refused:
        async with desk.engine.begin() as tx:
            await tx.execute(
                text("INSERT INTO claim (appointment_id, resource, during) VALUES (:id, :who, tstzrange(:a, :b))"),
                {
                    "id": first.id,
                    "who": first.practitioner,
                    "a": first.start_at + timedelta(minutes=50),
                    "b": first.end_at + timedelta(minutes=50),
                },
            )
    assert sqlstate(refused.value) == "23P01"


async def test_a_cancelled_time_is_free_for_others_and_history_stays(desk: Desk) -> None:
    await desk.take(plan(clinic=desk.clinic_id))
    first = (await desk.appointments())[0]
    await desk.take(change(first.id, clinic=desk.clinic_id))
    dead = await desk.rows("SELECT live FROM claim WHERE appointment_id = :id", id=first.id)
    assert [row.live for row in dead] == [False] * 3
    rows = {row.id: row for row in await desk.appointments()}
    (replacement,) = [row for row in rows.values() if row.replaces == first.id]
    assert (rows[first.id].status, replacement.status, replacement.sequence) == ("cancelled", "booked", 1)
    assert (await desk.published())[18:] == ["appointment.cancelled", "appointment.booked"]
    other = plan("p2", clinic=desk.clinic_id)
    await desk.take(other)
    assert await desk.overlaps() == 0


async def test_a_clinic_that_nobody_described_is_refused_with_the_file_to_add(desk: Desk) -> None:
    (outcome,) = await desk.take(plan(clinic="atlantis"))
    assert outcome.state == "refused"
    assert "clinics/atlantis.yaml" in outcome.remedy


async def test_a_request_for_another_patients_or_clinics_appointment_is_refused(
    desk: Desk, engine: AsyncEngine
) -> None:
    await desk.take(plan(clinic=desk.clinic_id))
    first = (await desk.appointments())[0]
    (outcome,) = await desk.take(change(first.id, patient="p2", clinic=desk.clinic_id))
    assert outcome.state == "refused"
    elsewhere = Desk(engine, a_clinic(f"{desk.clinic_id}-x"), Wall())
    (outcome,) = await elsewhere.take(change(first.id, clinic=elsewhere.clinic_id))
    assert outcome.state == "refused"
    (outcome,) = await desk.take(ended(patient="p3", clinic=desk.clinic_id).model_copy(update={"plan_id": "plan-p1"}))
    assert outcome.state == "refused"
    assert {row.status for row in await desk.appointments()} == {"booked"}


async def test_a_request_that_comes_first_waits_for_its_appointment(desk: Desk, engine: AsyncEngine) -> None:
    twin = Desk(engine, a_clinic(f"{desk.clinic_id}-twin"), Wall())
    await twin.take(plan(clinic=twin.clinic_id))
    await desk.take(plan("p9", clinic=desk.clinic_id))
    known = await desk.appointments("p9")
    request = change(known[4].id, patient="p9", clinic=desk.clinic_id)
    (again,) = await desk.take(request)
    assert again.state == "applied"
    nobodys = change("never-made", patient="p9", clinic=desk.clinic_id)
    assert names(await desk.take(nobodys)) == ["applied"]
    waiting = await desk.rows("SELECT taken FROM change_request WHERE clinic_id = :clinic ORDER BY appointment_id")
    assert sorted(row.taken for row in waiting) == [False, True]


async def test_what_comes_before_its_plan_is_kept_in_the_tables(desk: Desk) -> None:
    clinic = desk.clinic_id
    early: list[Fact] = [
        adjusted(3, [INTENSIVE], date(2026, 3, 25), clinic=clinic),
        adjusted(2, [WEEKLY], date(2026, 3, 18), clinic=clinic),
        ended(datetime(2026, 4, 1, tzinfo=UTC), clinic=clinic),
        voided("s1", clinic=clinic),
        logged("s1", datetime(2026, 3, 4, 8, tzinfo=UTC), clinic=clinic),
    ]
    for fact in early:
        assert names(await desk.take(fact)) == ["applied"]
    assert await desk.appointments() == []
    await desk.take(plan(clinic=clinic))
    (course,) = await desk.rows("SELECT * FROM course WHERE clinic_id = :clinic")
    assert (course.state, course.plan_version, course.waiting) == ("ended", 3, [])
    booked = await desk.appointments()
    assert {row.status for row in booked} == {"booked"}
    assert max(row.start_at for row in booked) < datetime(2026, 4, 1, tzinfo=UTC)
    assert (await desk.published()) == ["appointment.booked"] * len(booked)


async def test_a_process_sees_at_once_what_another_has_booked(desk: Desk, engine: AsyncEngine) -> None:
    """Each remembers who is busy; the revision of a resource says when that is out of date."""
    other = Desk(engine, a_clinic(desk.clinic_id), Wall())
    for number in range(6):
        one = (desk, other)[number % 2]
        await one.take(plan(f"p{number}", [INTENSIVE], clinic=desk.clinic_id, practitioner_id="pr-0"))
    first = (await desk.appointments("p0"))[0]
    await other.take(change(first.id, patient="p0", clinic=desk.clinic_id))
    await desk.take(plan("p9", [INTENSIVE], clinic=desk.clinic_id, practitioner_id="pr-0"))
    assert await desk.overlaps() == 0
    assert first.start_at in [row.start_at for row in await desk.appointments("p9")]


async def test_two_clinics_with_the_same_ids_do_not_touch_each_other(desk: Desk, engine: AsyncEngine) -> None:
    desks = [Desk(engine, a_clinic(f"{desk.clinic_id}-{letter}"), desk.wall) for letter in "ab"]
    for each in desks:
        await each.start()
    facts = [plan(clinic=each.clinic_id) for each in desks]
    await desk.door.admit([Message(fact.event_id, "/stride/intake", fact) for fact in facts])
    first, second = [await each.appointments() for each in desks]
    assert [row.start_at for row in first] == [row.start_at for row in second]
    assert not {row.id for row in first} & {row.id for row in second}
    assert not {row.practitioner for row in first} & {row.practitioner for row in second}


async def test_the_end_of_a_plan_frees_everything_ahead(desk: Desk) -> None:
    await desk.take(plan(clinic=desk.clinic_id))
    await desk.take(ended(clinic=desk.clinic_id))
    assert {row.status for row in await desk.appointments()} == {"cancelled"}
    live = await desk.rows(
        "SELECT 1 FROM claim JOIN resource ON resource.id = resource WHERE live AND clinic_id = :clinic"
    )
    assert live == []
    assert await desk.published() == ["appointment.booked"] * 18 + ["appointment.cancelled"] * 18


async def test_sixteen_doors_book_into_one_hot_clinic_at_once(database_url: str, clinic_id: str) -> None:
    """Separate engines stand for separate processes: no overlap, no partial course."""
    clinic, wall = a_clinic(clinic_id, practitioners=3, rooms=2), Wall()
    engines = [open_engine(database_url, "scheduling", pool_size=1) for _ in range(16)]
    desks = [Desk(engine, clinic, wall) for engine in engines]
    try:
        outcomes = await asyncio.gather(
            *(desk.take(plan(f"p{i}", clinic=clinic_id)) for i, desk in enumerate(desks)),
        )
        assert [names(each) for each in outcomes] == [["applied"]] * 16
        assert await desks[0].overlaps() == 0
        sessions = await desks[0].rows(
            "SELECT count(*) AS n, count(unplaced_reason) AS out FROM session WHERE clinic_id = :clinic"
        )
        booked = await desks[0].rows("SELECT count(*) AS n FROM appointment WHERE clinic_id = :clinic")
        assert sessions[0].n == 16 * 18
        assert booked[0].n + sessions[0].out == 16 * 18
        assert len(await desks[0].published()) >= booked[0].n
    finally:
        for engine in engines:
            await engine.dispose()


async def test_a_decision_on_an_outdated_calendar_is_taken_again(desk: Desk) -> None:
    """The constraint is the backstop: 23P01 makes the door decide on fresh state."""
    await desk.take(plan(clinic=desk.clinic_id))
    original, loads = desk.store.load, list[int]()

    async def outdated_at_first(tx: Any, facts: Any) -> Any:
        loaded = await original(tx, facts)
        loads.append(1)
        if len(loads) > 1:
            return loaded
        return {key: replace(schedule, busy=Busy()) for key, schedule in loaded.items()}

    desk.store.load = outdated_at_first  # pyright: ignore[reportAttributeAccessIssue]
    only = Desk(desk.engine, a_clinic(desk.clinic_id), desk.wall)
    assert names(await desk.take(plan("p2", clinic=desk.clinic_id, practitioner_id="pr-0"))) == ["applied"]
    assert len(loads) == 2
    assert len(await only.appointments("p2")) == 18
    assert await only.overlaps() == 0


async def test_a_batch_costs_the_same_statements_however_many_facts_it_has(desk: Desk) -> None:
    clinic, counts = desk.clinic_id, list[int]()
    await desk.take(plan("first", [WEEKLY], clinic=clinic))
    await desk.take(plan("second", [WEEKLY], clinic=clinic))
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(desk.engine.sync_engine, "before_cursor_execute", count)
    for size in (1, 20):
        statements = 0
        facts = [plan(f"p{size}-{i}", [WEEKLY], clinic=clinic) for i in range(size)]
        assert names(await desk.take(*facts)) == ["applied"] * size
        counts.append(statements)
    event.remove(desk.engine.sync_engine, "before_cursor_execute", count)
    assert counts[0] == counts[1] <= 18
    assert await desk.overlaps() == 0
