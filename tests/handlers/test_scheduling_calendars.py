"""Calendars through the real door: from the clinic's file, as facts, and what follows for appointments."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.calendars import CalendarChanged, Closure, ResourceName
from tests.domain.scheduling_examples import NOW, WEEKLY, plan
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic, names


def leave(desk: Desk, who: str, day: date, days: int = 1, *, revision: int = 1, **more: Any) -> CalendarChanged:
    start = datetime.combine(day, time(0))
    return CalendarChanged(
        clinic_id=desk.clinic_id,
        calendar_id=f"leave-{who}",
        revision=revision,
        recorded_at=NOW,
        about=ResourceName(kind="practitioner", id=who),
        closed=(Closure(start=start, end=start + timedelta(days=days), reason="leave"),),
        **more,
    )


async def test_a_file_is_handed_in_once_and_again_only_when_it_says_something_else(
    desk: Desk, engine: AsyncEngine
) -> None:
    await desk.start()
    await Desk(engine, a_clinic(desk.clinic_id), Wall()).start()
    described = "SELECT aggregatetype FROM outbox WHERE convert_from(aggregateid, 'UTF8') = :clinic"
    assert [row.aggregatetype for row in await desk.rows(described)] == ["clinic.described"]
    await Desk(engine, a_clinic(desk.clinic_id, practitioners=3), Wall()).start()
    assert len(await desk.rows(described)) == 2


async def test_a_changed_clinic_file_moves_what_it_closes_and_keeps_ids(desk: Desk, engine: AsyncEngine) -> None:
    await desk.take(plan(clinic=desk.clinic_id))
    before = await desk.rows("SELECT id, external_id FROM resource WHERE clinic_id = :clinic ORDER BY id")
    fewer = a_clinic(desk.clinic_id, practitioners=1, hours={"MO": [{"start": "12:00", "end": "20:00"}]})
    later = Desk(engine, fewer, Wall())
    await later.take(plan("p2", [WEEKLY], clinic=desk.clinic_id))
    after = await desk.rows("SELECT id, external_id FROM resource WHERE clinic_id = :clinic ORDER BY id")
    assert [tuple(row) for row in after][: len(before)] == [tuple(row) for row in before]
    booked = [row for who in ("p1", "p2") for row in await later.appointments(who) if row.status == "booked"]
    assert {row.start_at.weekday() for row in booked} == {0}
    assert min(row.start_at.hour for row in booked) >= 11
    (left,) = [row.id for row in after if row.external_id == "pr-1"]
    assert left not in {row.practitioner for row in booked}
    assert await later.overlaps() == 0


async def test_leave_moves_the_appointments_it_hits_and_no_other(desk: Desk) -> None:
    await desk.take(plan(clinic=desk.clinic_id), plan("p2", clinic=desk.clinic_id))
    before = {row.id: row for who in ("p1", "p2") for row in await desk.appointments(who)}
    hit = (await desk.appointments())[3]
    who = await desk.rows("SELECT external_id FROM resource WHERE id = :id", id=hit.practitioner)
    assert names(await desk.take(leave(desk, who[0].external_id, hit.start_at.date()))) == ["applied"]
    after = {row.id: row for each in ("p1", "p2") for row in await desk.appointments(each)}
    day = hit.start_at.date()
    struck = {row.id for row in before.values() if row.practitioner == hit.practitioner and row.start_at.date() == day}
    changed = {name for name, row in after.items() if tuple(row) != tuple(before[name])}
    assert hit.id in changed
    assert struck <= changed
    assert len(changed) <= len(struck) + 2
    there = [
        r for r in after.values() if (r.status, r.practitioner, r.start_at.date()) == ("booked", hit.practitioner, day)
    ]
    assert there == []
    assert await desk.overlaps() == 0


async def test_calendars_in_any_order_and_twice_end_in_the_same_rows(desk: Desk, engine: AsyncEngine) -> None:
    first, second = leave(desk, "pr-0", date(2026, 7, 6)), leave(desk, "pr-0", date(2026, 7, 7), revision=2)
    await desk.take(second, first, second)
    (row,) = await desk.rows("SELECT revision, content FROM calendar WHERE clinic_id = :clinic")
    assert (row.revision, row.content["closed"][0]["start"]) == (2, "2026-07-07T00:00:00")
    other = Desk(engine, None, Wall(), desk.clinic_id + "-b")
    moved = [fact.model_copy(update={"clinic_id": other.clinic_id}) for fact in (first, second)]
    for fact in (*moved, *moved):
        await other.take(fact)
    (again,) = await other.rows("SELECT revision, content FROM calendar WHERE clinic_id = :clinic")
    assert again.content | {"clinic_id": ""} == row.content | {"clinic_id": ""}


async def test_a_description_that_comes_last_takes_up_what_came_before(desk: Desk) -> None:
    clinic, desk.clinic = desk.clinic, None
    day = date(2026, 3, 4)
    assert names(await desk.take(leave(desk, "pr-0", day, 300), leave(desk, "pr-1", day, 9))) == ["applied"] * 2
    desk.clinic = clinic
    await desk.take(plan(clinic=desk.clinic_id, phases=[WEEKLY]))
    booked = await desk.appointments()
    assert booked[0].start_at.date() >= day + timedelta(days=9)
    assert len({row.practitioner for row in booked}) == 1


async def test_a_group_room_takes_as_many_at_once_as_its_capacity(engine: AsyncEngine, clinic_id: str) -> None:
    hours = {"WE": [{"start": "09:00", "end": "10:00"}]}
    clinic = a_clinic(clinic_id, practitioners=3, rooms=1, hours=hours)
    group = clinic.model_copy(update={"rooms": (clinic.rooms[0].model_copy(update={"capacity": 2}),)})
    desk = Desk(engine, group, Wall())
    await desk.take(*(plan(f"p{n}", [WEEKLY], clinic=clinic_id, starts_on=date(2026, 3, 4)) for n in range(3)))
    first = datetime(2026, 3, 4, 9, tzinfo=UTC)
    at_once = await desk.rows("SELECT room FROM appointment WHERE clinic_id = :clinic AND start_at = :at", at=first)
    assert len({row.room for row in at_once}) == len(at_once) == 2
    assert await desk.overlaps() == 0


async def test_public_holidays_are_closed_but_for_those_on_which_the_clinic_works(
    engine: AsyncEngine, clinic_id: str
) -> None:
    """2026: Good Friday 3 April, Easter Monday 6 April."""
    holidays = {"country": "GB", "subdivision": "ENG", "open": ["2026-04-06"], "also": ["2026-04-07"]}
    desk = Desk(engine, a_clinic(clinic_id, holidays=holidays), Wall())
    await desk.start()
    days = [f"2026-04-{day:02}T00:00:00" for day in (3, 6, 7)]
    (row,) = await desk.rows("SELECT description FROM clinic WHERE clinic_id = :clinic")
    closed = {closure["start"] for closure in row.description["closed"]}
    assert [day in closed for day in days] == [True, False, True]
    await desk.take(plan(clinic=clinic_id))
    assert not {row.start_at.day for row in await desk.appointments() if row.start_at.month == 4} & {3, 7}
