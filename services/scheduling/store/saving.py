"""Writing the difference between a schedule before and after, each table in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Hold, Patient, Session
from services.scheduling.store.claims import write_claims
from services.scheduling.store.courses import TERMS, WAITING
from services.scheduling.tables import APPOINTMENT, ATTENDANCE, CHANGE_REQUEST, COURSE, HOLD, SESSION, WAITLIST_ENTRY
from shared.database import fetch

_DROP_SESSIONS = text("""
    DELETE FROM session
    USING unnest(CAST(:clinics AS text[]), CAST(:plans AS text[]), CAST(:patients AS text[]),
        CAST(:sequences AS int[])) AS gone (clinic_id, plan_id, patient_id, sequence)
    WHERE (session.clinic_id, session.plan_id, session.patient_id, session.sequence)
        = (gone.clinic_id, gone.plan_id, gone.patient_id, gone.sequence)
""")

_DIALECT = postgresql.dialect()
Values = dict[str, Any]


@dataclass(slots=True)
class _Difference:
    """Everything that has to be written."""

    courses: list[Values] = field(default_factory=list[Values])
    sessions: list[Values] = field(default_factory=list[Values])
    gone: list[tuple[str, str, str, int]] = field(default_factory=list[tuple[str, str, str, int]])
    appointments: list[Values] = field(default_factory=list[Values])
    retired: list[str] = field(default_factory=list[str])
    taken: list[tuple[int, Appointment | Hold]] = field(default_factory=list[tuple[int, Appointment | Hold]])
    requests: list[Values] = field(default_factory=list[Values])
    attendances: list[Values] = field(default_factory=list[Values])
    holds: list[Values] = field(default_factory=list[Values])
    waits: list[Values] = field(default_factory=list[Values])


async def save_schedules(tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]]) -> None:
    """Write what differs; claims last, freed before taken."""
    difference = _Difference()
    for before, after in changes:
        for name, patient in after.patients.items():
            known = before.patients[name]
            if patient is not known:
                _compare(difference, after.clinic_id, known, patient)
    await _put(tx, COURSE, difference.courses)
    await _drop_sessions(tx, difference.gone)
    await _put(tx, SESSION, difference.sessions)
    await _put(tx, APPOINTMENT, difference.appointments)
    await _put(tx, CHANGE_REQUEST, difference.requests)
    await _put(tx, ATTENDANCE, difference.attendances)
    await _put(tx, HOLD, difference.holds)
    await _put(tx, WAITLIST_ENTRY, difference.waits)
    await write_claims(tx, difference.retired, difference.taken)


async def _drop_sessions(tx: AsyncConnection, gone: Sequence[tuple[str, str, str, int]]) -> None:
    if gone:
        clinics, plans, patients, sequences = (list(column) for column in zip(*gone, strict=True))
        keys = {"clinics": clinics, "plans": plans, "patients": patients, "sequences": sequences}
        await fetch(tx, _DROP_SESSIONS, keys)


async def _put(tx: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows, or overwrite those with the same key: one array a column, so any number is one statement."""
    if rows:
        await fetch(tx, _UPSERTS[table.name], {name: [row[name] for row in rows] for name in rows[0]})


def _upsert(table: Table) -> TextClause:
    names = [column.name for column in table.columns if column.computed is None]
    keys = [column.name for column in table.primary_key.columns]
    types = {name: table.c[name].type.compile(_DIALECT) for name in names}
    sent = {name: "text" if kind == "JSONB" else kind for name, kind in types.items()}
    arrays = ", ".join(f"CAST(:{name} AS {sent[name]}[])" for name in names)
    values = ", ".join(f"CAST({name} AS {types[name]})" for name in names)
    others = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    # Names and types come from our own tables, never from data.
    return text(f"""
        INSERT INTO {table.name} ({", ".join(names)})
        SELECT {values} FROM unnest({arrays}) AS new ({", ".join(names)})
        ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {others}
    """)  # noqa: S608


_WRITTEN = (COURSE, SESSION, APPOINTMENT, CHANGE_REQUEST, ATTENDANCE, HOLD, WAITLIST_ENTRY)
_UPSERTS = {table.name: _upsert(table) for table in _WRITTEN}


def _compare(difference: _Difference, clinic_id: str, before: Patient, after: Patient) -> None:
    owner = {"clinic_id": clinic_id, "patient_id": after.patient_id}
    for plan_id, course in after.courses.items():
        known = before.courses.get(plan_id) or Course(plan_id)
        if course != known or plan_id not in before.courses:
            _compare_course(difference, {**owner, "plan_id": plan_id}, known, course, after.resource)
    for request in _changed(before.requests, after.requests):
        difference.requests.append(owner | _fields(request))
    for attendance in _changed(before.attendances, after.attendances):
        difference.attendances.append(owner | _fields(attendance))
    for wait in _changed(before.waits, after.waits):
        difference.waits.append(owner | _fields(wait))
    for hold in _changed(before.holds, after.holds):
        difference.holds.append(owner | _hold(hold))
        if hold.state == "open":
            difference.taken.append((after.resource, hold))
        else:
            difference.retired.append(hold.hold_id)


def _compare_course(difference: _Difference, owner: Values, before: Course, after: Course, patient: int) -> None:
    difference.courses.append(owner | _course(after))
    difference.sessions += [owner | _session(session) for session in _changed(before.sessions, after.sessions)]
    difference.gone += [
        (owner["clinic_id"], owner["plan_id"], owner["patient_id"], number)
        for number in before.sessions
        if number not in after.sessions
    ]
    for appointment in _changed(before.appointments, after.appointments):
        old = before.appointments.get(appointment.appointment_id)
        difference.appointments.append(owner | _appointment(appointment))
        if old and old.claims and _claim(old) != _claim(appointment):
            difference.retired.append(old.appointment_id)
        if appointment.claims and (old is None or _claim(old) != _claim(appointment)):
            difference.taken.append((patient, appointment))


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[Any]:
    return (value for key, value in after.items() if before.get(key) != value)


def _claim(appointment: Appointment) -> tuple[object, ...]:
    """What decides on the claims; another state retires them, another time replaces them."""
    times = appointment.start, appointment.end, appointment.buffer_minutes, appointment.room_buffer_minutes
    return appointment.claims, appointment.practitioner, appointment.room, *times


def _course(course: Course) -> Values:
    return {
        "plan_version": course.plan_version,
        "state": course.state,
        "terms": TERMS.dump_json(course.terms).decode() if course.terms else None,
        "waiting": WAITING.dump_json(course.waiting).decode(),
        "ended_at": course.ended_at,
        "proven": course.proven,
        "queue_revision": course.queue_revision,
    }


def _session(session: Session) -> Values:
    late = session.unplaced
    return {
        "sequence": session.sequence,
        "phase": session.phase,
        "min_gap_days": session.min_gap_days,
        "max_gap_days": session.max_gap_days,
        "spacing_days": session.spacing_days,
        "minutes": session.minutes,
        "given_up": session.given_up,
        "unplaced_reason": late.reason if late else None,
        "unplaced_detail": late.detail if late else None,
        "earliest": late.earliest if late else None,
        "latest": late.latest if late else None,
    }


def _appointment(appointment: Appointment) -> Values:
    return {
        "id": appointment.appointment_id,
        "version": appointment.version,
        "sequence": appointment.sequence,
        "state": appointment.state,
        "session_id": appointment.session_id,
        "reason": appointment.reason,
        "start_at": appointment.start,
        "end_at": appointment.end,
        "practitioner": appointment.practitioner,
        "room": appointment.room,
        "buffer_minutes": appointment.buffer_minutes,
        "booking_id": appointment.booking_id,
        "replaces": appointment.replaces,
        "room_buffer_minutes": appointment.room_buffer_minutes,
        "local_start": appointment.local_start,
        "local_zone": appointment.local_zone,
    }


def _hold(hold: Hold) -> Values:
    values = _fields(hold)
    return {**values, "start_at": values.pop("start"), "end_at": values.pop("end")}


def _fields(value: Any) -> Values:
    """A record whose fields have the names of its columns."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
