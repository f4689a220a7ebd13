"""What is known of patients: courses, sessions, appointments, requests, attendance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Table, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.course import (
    Adjustment,
    Appointment,
    Attendance,
    ChangeRequest,
    Course,
    Hold,
    Patient,
    Session,
    Terms,
    Unplaced,
)
from services.scheduling.tables import APPOINTMENT, ATTENDANCE, CHANGE_REQUEST, COURSE, HOLD, SESSION
from shared.events import intake
from shared.events.base import Fact, of_patients

TERMS = TypeAdapter(Terms)
WAITING = TypeAdapter(tuple[Adjustment, ...])

Key = tuple[str, str]
_OWNED_BY_OTHERS = text("""
    SELECT appointment.id FROM appointment
    JOIN unnest(CAST(:ids AS text[]), CAST(:clinics AS text[]), CAST(:patients AS text[]))
        AS asked (id, clinic_id, patient_id) ON asked.id = appointment.id
    WHERE (appointment.clinic_id, appointment.patient_id) <> (asked.clinic_id, asked.patient_id)
    UNION ALL
    SELECT course.plan_id FROM course
    JOIN unnest(CAST(:ids AS text[]), CAST(:clinics AS text[]), CAST(:patients AS text[]))
        AS asked (id, clinic_id, patient_id) ON asked.id = course.plan_id AND asked.clinic_id = course.clinic_id
    WHERE course.patient_id <> asked.patient_id AND course.terms IS NOT NULL
""")


async def load_patients(
    tx: AsyncConnection, whose: Sequence[Key], resources: Mapping[Key, int]
) -> dict[str, dict[str, Patient]]:
    """By clinic and patient, all that booking for them depends on."""
    courses = await _courses(tx, whose)
    requests: dict[Key, dict[str, ChangeRequest]] = defaultdict(dict)
    for row in await _rows(tx, CHANGE_REQUEST, whose):
        requests[row.clinic_id, row.patient_id][row.request_id] = _request(row)
    attendances: dict[Key, dict[str, Attendance]] = defaultdict(dict)
    for row in await _rows(tx, ATTENDANCE, whose):
        attendances[row.clinic_id, row.patient_id][row.session_id] = _attendance(row)
    holds: dict[Key, dict[str, Hold]] = defaultdict(dict)
    for row in await _rows(tx, HOLD, whose):
        holds[row.clinic_id, row.patient_id][row.hold_id] = _hold(row)
    patients: dict[str, dict[str, Patient]] = defaultdict(dict)
    for key in whose:
        clinic_id, name = key
        patients[clinic_id][name] = Patient(
            name,
            resources[key],
            courses.get(key, {}),
            requests.get(key, {}),
            attendances.get(key, {}),
            holds.get(key, {}),
        )
    return patients


async def owned_by_others(tx: AsyncConnection, facts: Sequence[Fact]) -> frozenset[str]:
    """Those ids of plans and appointments, named by the facts, that are not of the fact's patient."""
    asked = [(named, fact.clinic_id, fact.patient_id) for fact in of_patients(facts) for named in _named(fact)]
    if not asked:
        return frozenset()
    ids, clinics, patients = (list(column) for column in zip(*asked, strict=True))
    return frozenset(await tx.scalars(_OWNED_BY_OTHERS, {"ids": ids, "clinics": clinics, "patients": patients}))


def _named(fact: Fact) -> list[str]:
    if isinstance(fact, intake.AppointmentChangeRequested):
        return [fact.appointment_id]
    if isinstance(fact, intake.PlanCreated | intake.PlanAdjusted | intake.PlanEnded):
        return [fact.plan_id]
    return []


async def _courses(tx: AsyncConnection, whose: Sequence[Key]) -> dict[Key, dict[str, Course]]:
    rows = await _rows(tx, COURSE, whose)
    if not rows:
        return {}
    sessions: dict[tuple[str, str, str], dict[int, Session]] = defaultdict(dict)
    for row in await _rows(tx, SESSION, whose):
        sessions[row.clinic_id, row.patient_id, row.plan_id][row.sequence] = _session(row)
    appointments: dict[tuple[str, str, str], dict[str, Appointment]] = defaultdict(dict)
    for row in await _rows(tx, APPOINTMENT, whose):
        appointments[row.clinic_id, row.patient_id, row.plan_id][row.id] = _appointment(row)
    courses: dict[Key, dict[str, Course]] = defaultdict(dict)
    for row in rows:
        key = (row.clinic_id, row.patient_id, row.plan_id)
        courses[row.clinic_id, row.patient_id][row.plan_id] = _course(row, sessions[key], appointments[key])
    return courses


async def _rows(tx: AsyncConnection, table: Table, whose: Sequence[Key]) -> Sequence[Row[Any]]:
    owner = tuple_(table.c.clinic_id, table.c.patient_id)
    return (await tx.execute(select(table).where(owner.in_(whose)).order_by(*table.primary_key.columns))).all()


def _course(row: Row[Any], sessions: Mapping[int, Session], appointments: Mapping[str, Appointment]) -> Course:
    return Course(
        plan_id=row.plan_id,
        terms=TERMS.validate_python(row.terms) if row.terms else None,
        plan_version=row.plan_version,
        waiting=WAITING.validate_python(row.waiting),
        ended_at=row.ended_at,
        sessions=sessions,
        appointments=appointments,
    )


def _session(row: Row[Any]) -> Session:
    late = row.unplaced_reason
    return Session(
        sequence=row.sequence,
        phase=row.phase,
        min_gap_days=row.min_gap_days,
        max_gap_days=row.max_gap_days,
        spacing_days=row.spacing_days,
        minutes=row.minutes,
        unplaced=Unplaced(row.earliest, row.latest, late, row.unplaced_detail) if late else None,
        given_up=row.given_up,
    )


def _appointment(row: Row[Any]) -> Appointment:
    return Appointment(
        appointment_id=row.id,
        sequence=row.sequence,
        start=row.start_at,
        end=row.end_at,
        practitioner=row.practitioner,
        room=row.room,
        buffer_minutes=row.buffer_minutes,
        booking_id=row.booking_id,
        version=row.version,
        state=row.state,
        reason=row.reason,
        replaces=row.replaces,
        session_id=row.session_id,
    )


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        hold_id=row.hold_id,
        plan_id=row.plan_id,
        sequence=row.sequence,
        start=row.start_at,
        end=row.end_at,
        practitioner=row.practitioner,
        room=row.room,
        buffer_minutes=row.buffer_minutes,
        expires_at=row.expires_at,
        state=row.state,
        offered_at=row.offered_at,
        moves=row.moves,
    )


def _request(row: Row[Any]) -> ChangeRequest:
    return ChangeRequest(
        request_id=row.request_id,
        appointment_id=row.appointment_id,
        change=row.change,
        requested_at=row.requested_at,
        not_before=row.not_before,
        rebook=row.rebook,
        taken=row.taken,
    )


def _attendance(row: Row[Any]) -> Attendance:
    return Attendance(
        session_id=row.session_id,
        started_at=row.started_at,
        plan_id=row.plan_id,
        appointment_id=row.appointment_id,
        voided=row.voided,
    )
