"""Writing the difference between a schedule before and after, each table in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Patient, Session
from services.scheduling.store.claims import write_claims
from services.scheduling.store.courses import TERMS, WAITING
from services.scheduling.tables import APPOINTMENT, ATTENDANCE, CHANGE_REQUEST, COURSE, SESSION

_ROWS_A_STATEMENT = 1500
"""PostgreSQL takes at most 32,767 parameters in a statement."""

Values = dict[str, Any]


@dataclass(slots=True)
class _Difference:
    """Everything that has to be written."""

    courses: list[Values] = field(default_factory=list[Values])
    sessions: list[Values] = field(default_factory=list[Values])
    gone: list[tuple[str, str, str, int]] = field(default_factory=list[tuple[str, str, str, int]])
    appointments: list[Values] = field(default_factory=list[Values])
    retired: list[str] = field(default_factory=list[str])
    taken: list[tuple[int, Appointment]] = field(default_factory=list[tuple[int, Appointment]])
    requests: list[Values] = field(default_factory=list[Values])
    attendances: list[Values] = field(default_factory=list[Values])


async def save_schedules(tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]]) -> None:
    """Write what differs; claims last, freed before taken."""
    difference = _Difference()
    for before, after in changes:
        for name, patient in after.patients.items():
            known = before.patients[name]
            if patient is not known:
                _compare(difference, after.clinic_id, known, patient)
    await _put(tx, COURSE, difference.courses)
    if difference.gone:
        key = tuple_(*SESSION.primary_key.columns)
        await tx.execute(delete(SESSION).where(key.in_(difference.gone)))
    await _put(tx, SESSION, difference.sessions)
    await _put(tx, APPOINTMENT, difference.appointments)
    await _put(tx, CHANGE_REQUEST, difference.requests)
    await _put(tx, ATTENDANCE, difference.attendances)
    await write_claims(tx, difference.retired, difference.taken)


async def _put(tx: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows, or overwrite those with the same key."""
    keys = [column.name for column in table.primary_key.columns]
    for at in range(0, len(rows), _ROWS_A_STATEMENT):
        some = list(rows[at : at + _ROWS_A_STATEMENT])
        statement = insert(table).values(some)
        others = {name: statement.excluded[name] for name in some[0] if name not in keys}
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))


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
    times = appointment.start, appointment.end, appointment.buffer_minutes
    return appointment.claims, appointment.practitioner, appointment.room, *times


def _course(course: Course) -> Values:
    return {
        "plan_version": course.plan_version,
        "state": course.state,
        "terms": TERMS.dump_python(course.terms, mode="json") if course.terms else None,
        "waiting": WAITING.dump_python(course.waiting, mode="json"),
        "ended_at": course.ended_at,
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
    }


def _fields(value: Any) -> Values:
    """A record whose fields have the names of its columns."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
