"""Whether many appointments slow booking down: the same clinic among few appointments and among many.

The many are copies, made inside PostgreSQL, of a clinic that was booked through the door: of each copy once
more what it booked as its past. So the two clinics that are measured stand exactly alike.
"""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.ground import Ground
from benchmarks.scheduling.crowd import SESSIONS, a_clinic
from benchmarks.scheduling.instances import NOW, plan_of
from benchmarks.scheduling.writer import Still
from services.scheduling.handlers import HANDLERS
from services.scheduling.inbound.clinics import bring_in
from services.scheduling.store import SchedulingStore
from services.scheduling.store.calendars import KnownCalendars
from services.scheduling.store.claims import BUSY, BusyTimes
from services.scheduling.store.courses import KNOWN
from shared.database import for_driver, open_engine
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay

_CLINIC, _COURSES, _WARM, _BOOKED, _LOOKS = "growth", 30, 4, 20, 30
_PAST = timedelta(days=140)
_NUMBERED = "generate_series(CAST(:first AS int), CAST(:last AS int)) AS n"
_TWICE = f"{_NUMBERED}, generate_series(0, 1) AS past"
_COPY = (
    f"""INSERT INTO clinic SELECT clinic_id || '-' || n, revision,
        jsonb_set(description, '{{clinic_id}}', to_jsonb(clinic_id || '-' || n)) FROM clinic, {_NUMBERED}
        WHERE clinic_id = :clinic""",
    f"""INSERT INTO resource (id, clinic_id, kind, external_id, place, revision) OVERRIDING SYSTEM VALUE
        SELECT id + n * CAST(:apart AS bigint), clinic_id || '-' || n, kind, external_id, place, revision
        FROM resource, {_NUMBERED} WHERE clinic_id = :clinic""",
    f"""INSERT INTO course SELECT (jsonb_populate_record(course, jsonb_build_object(
            'clinic_id', clinic_id || '-' || n, 'plan_id', plan_id || '-' || past))).* FROM course, {_TWICE}
        WHERE clinic_id = :clinic""",
    f"""INSERT INTO session SELECT (jsonb_populate_record(session, jsonb_build_object(
            'clinic_id', clinic_id || '-' || n, 'plan_id', plan_id || '-' || past))).* FROM session, {_TWICE}
        WHERE clinic_id = :clinic""",
    f"""INSERT INTO appointment (id, clinic_id, plan_id, patient_id, version, sequence, state, reason, start_at,
            end_at, practitioner, room, buffer_minutes, booking_id)
        SELECT id || '-' || n || '-' || past, clinic_id || '-' || n, plan_id || '-' || past, patient_id, version,
            sequence, state, reason, start_at - past * CAST(:ago AS interval), end_at - past * CAST(:ago AS interval),
            practitioner + n * CAST(:apart AS bigint), room + n * CAST(:apart AS bigint), buffer_minutes, booking_id
        FROM appointment, {_TWICE} WHERE clinic_id = :clinic""",
    f"""INSERT INTO claim (appointment_id, resource, during, live)
        SELECT appointment_id || '-' || n || '-' || past, resource + n * CAST(:apart AS bigint),
            tstzrange(lower(during) - past * CAST(:ago AS interval), upper(during) - past * CAST(:ago AS interval)),
            claim.live
        FROM claim JOIN resource ON resource.id = claim.resource, {_TWICE} WHERE resource.clinic_id = :clinic""",
    "VACUUM ANALYZE",
)
_LARGE = {"claim", "appointment", "session", "course"}


async def growth(on: Ground, small: int, large: int, report: Callable[[str], None]) -> dict[str, Any]:
    """`of_small`: the larger of two ratios, of loading who is taken and of booking a course; `scans`: see `_scans`."""
    engine = open_engine(on.database_url, "scheduling")
    await bring_in(_door(engine), a_clinic(_CLINIC, practitioners=5, rooms=3))
    await _book(engine, _CLINIC, _COURSES)
    copies, found = 0, list[dict[str, float]]()
    for number, appointments in enumerate((small, large), start=1):
        report(f"growth: {appointments:,} appointments")
        wanted = max(number, appointments // (2 * _COURSES * SESSIONS))
        await _copy(on, copies + 1, wanted)
        copies = wanted
        found.append(await _measured(engine, f"{_CLINIC}-{number}"))
    scans = await _scans(engine)
    await engine.dispose()
    few, many = found
    return {
        "appointments": [small, large],
        "small": few,
        "large": many,
        "of_small": round(max(many[name] / few[name] for name in few), 3),
        "scans": scans,
    }


async def _copy(on: Ground, first: int, last: int) -> None:
    """Copies by the owner of everything, who may number resources."""
    apart = 1_000_000
    values = {"first": first, "last": last, "clinic": _CLINIC, "apart": apart, "ago": _PAST}
    await on.database.execute("SET search_path TO scheduling")
    for statement in _COPY:
        sql, names = for_driver(statement)
        await on.database.execute(sql, *(values[name] for name in names), timeout=1200)


async def _measured(engine: AsyncEngine, clinic: str) -> dict[str, float]:
    """Milliseconds, medians."""
    await _book(engine, clinic, _WARM)
    looks = await _looks(engine, clinic)
    courses = (await _book(engine, clinic, _WARM + _BOOKED))[_WARM:]
    return {"busy_ms": round(median(looks) * 1000, 3), "booking_ms": round(median(courses) * 1000, 3)}


async def _looks(engine: AsyncEngine, clinic: str) -> list[float]:
    """The seconds that reading who is taken took, each time with nothing remembered."""
    async with engine.connect() as tx:
        calendar = (await KnownCalendars().current(tx, [clinic]))[clinic].calendar
        assert calendar
        resources, calendars = {clinic: dict.fromkeys(calendar.resources, 0)}, {clinic: calendar}
        return [await _seconds(lambda: BusyTimes().of_clinics(tx, resources, calendars, NOW)) for _ in range(_LOOKS)]


async def _book(engine: AsyncEngine, clinic: str, courses: int) -> list[float]:
    """The seconds that each of so many new courses took, one after another."""
    door, seconds = _door(engine), list[float]()
    for number in range(courses):
        plan = plan_of(f"{clinic}-new-{number}", clinic=clinic, starts_on=NOW.date() + timedelta(days=1 + number % 10))
        message = Message(plan.event_id, "/stride/intake", plan)
        seconds.append(await _seconds(lambda message=message: door.admit([message])))
    return seconds


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _door(engine: AsyncEngine) -> Door:
    return Door("scheduling", HANDLERS, SchedulingStore(Still()), engine, Still(), Relay(engine, "localhost:1"))


async def _scans(engine: AsyncEngine) -> list[str]:
    """The large tables that PostgreSQL would read from end to end to load a patient or who is taken."""
    asked = (
        (BUSY, {"resources": [1, 2, 3], "since": NOW}),
        (KNOWN, {"clinics": [f"{_CLINIC}-1"], "patients": [f"{_CLINIC}-new-1"]}),
    )
    found: set[str] = set()
    async with engine.connect() as tx:
        for statement, values in asked:
            (rows,) = (await tx.execute(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), values)).one()
            found |= _read_whole(rows if isinstance(rows, list) else json.loads(rows))
    return sorted(found & _LARGE)


def _read_whole(plan: Any) -> set[str]:
    if isinstance(plan, list):
        return set().union(*(_read_whole(each) for each in plan))
    if not isinstance(plan, dict):
        return set()
    mine = {plan["Relation Name"]} if plan.get("Node Type") == "Seq Scan" else set[str]()
    return mine.union(*(_read_whole(each) for each in plan.values()))
