"""What is known of patients: courses, sessions, appointments, requests, attendance."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import text
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
    Wait,
)
from shared.database import fetch
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

# Sessions are found by their courses: their key begins with the plan.
KNOWN = text("""
    WITH whose AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS whose (clinic_id, patient_id))
    SELECT
        ARRAY(SELECT course FROM whose JOIN course USING (clinic_id, patient_id) ORDER BY plan_id),
        ARRAY(SELECT session FROM whose JOIN course USING (clinic_id, patient_id)
              JOIN session USING (clinic_id, plan_id, patient_id) ORDER BY plan_id, sequence),
        ARRAY(SELECT appointment FROM whose JOIN appointment USING (clinic_id, patient_id) ORDER BY id),
        ARRAY(SELECT change_request FROM whose JOIN change_request USING (clinic_id, patient_id) ORDER BY request_id),
        ARRAY(SELECT attendance FROM whose JOIN attendance USING (clinic_id, patient_id) ORDER BY session_id),
        ARRAY(SELECT hold FROM whose JOIN hold USING (clinic_id, patient_id) ORDER BY hold_id),
        ARRAY(SELECT waitlist_entry FROM whose JOIN waitlist_entry USING (clinic_id, patient_id) ORDER BY plan_id)
""")
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Known:
    """All rows of some patients, in the order of their keys."""

    courses: Sequence[Record] = ()
    sessions: Sequence[Record] = ()
    appointments: Sequence[Record] = ()
    requests: Sequence[Record] = ()
    attendances: Sequence[Record] = ()
    holds: Sequence[Record] = ()
    waits: Sequence[Record] = ()


async def load_patients(
    tx: AsyncConnection, whose: Sequence[Key], resources: Mapping[Key, int], new: Collection[Key]
) -> dict[str, dict[str, Patient]]:
    """By clinic and patient, all that booking for them depends on; of `new` ones nothing is known yet."""
    known = await _known(tx, [key for key in whose if key not in new])
    courses, requests, attendances, holds, waits = _courses(known), *(_by_patient() for _ in range(4))
    for row in known.requests:
        requests[_owner(row)][row["request_id"]] = _request(row)
    for row in known.attendances:
        attendances[_owner(row)][row["session_id"]] = _attendance(row)
    for row in known.holds:
        holds[_owner(row)][row["hold_id"]] = _hold(row)
    for row in known.waits:
        waits[_owner(row)][row["plan_id"]] = _wait(row)
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
            waits.get(key, {}),
        )
    return patients


async def owned_by_others(tx: AsyncConnection, facts: Sequence[Fact]) -> frozenset[str]:
    """Those ids of plans and appointments, named by the facts, that are not of the fact's patient."""
    asked = [(named, fact.clinic_id, fact.patient_id) for fact in of_patients(facts) for named in _named(fact)]
    if not asked:
        return frozenset()
    ids, clinics, patients = (list(column) for column in zip(*asked, strict=True))
    found = await fetch(tx, _OWNED_BY_OTHERS, {"ids": ids, "clinics": clinics, "patients": patients})
    return frozenset(identifier for (identifier,) in found)


def _named(fact: Fact) -> list[str]:
    if isinstance(fact, intake.AppointmentChangeRequested):
        return [fact.appointment_id]
    if isinstance(fact, intake.PlanCreated | intake.PlanAdjusted | intake.PlanEnded):
        return [fact.plan_id]
    return []


async def _known(tx: AsyncConnection, whose: Sequence[Key]) -> _Known:
    if not whose:
        return _Known()
    clinics, patients = (list(column) for column in zip(*whose, strict=True))
    (found,) = await fetch(tx, KNOWN, {"clinics": clinics, "patients": patients})
    return _Known(*found)


def _courses(known: _Known) -> dict[Key, dict[str, Course]]:
    sessions: dict[tuple[str, ...], dict[int, Session]] = defaultdict(dict)
    for row in known.sessions:
        sessions[*_owner(row), row["plan_id"]][row["sequence"]] = _session(row)
    appointments: dict[tuple[str, ...], dict[str, Appointment]] = defaultdict(dict)
    for row in known.appointments:
        appointments[*_owner(row), row["plan_id"]][row["id"]] = _appointment(row)
    courses = _by_patient()
    for row in known.courses:
        key = (*_owner(row), row["plan_id"])
        courses[_owner(row)][row["plan_id"]] = _course(row, sessions[key], appointments[key])
    return courses


def _by_patient() -> dict[Key, dict[str, Any]]:
    return defaultdict(dict)


def _owner(row: Record) -> Key:
    return row["clinic_id"], row["patient_id"]


def _course(row: Record, sessions: Mapping[int, Session], appointments: Mapping[str, Appointment]) -> Course:
    return Course(
        plan_id=row["plan_id"],
        terms=TERMS.validate_python(row["terms"]) if row["terms"] else None,
        plan_version=row["plan_version"],
        waiting=WAITING.validate_python(row["waiting"]),
        ended_at=row["ended_at"],
        sessions=sessions,
        appointments=appointments,
        proven=row["proven"],
        queue_revision=row["queue_revision"],
    )


def _session(row: Record) -> Session:
    late = row["unplaced_reason"]
    return Session(
        sequence=row["sequence"],
        phase=row["phase"],
        min_gap_days=row["min_gap_days"],
        max_gap_days=row["max_gap_days"],
        spacing_days=row["spacing_days"],
        minutes=row["minutes"],
        unplaced=Unplaced(row["earliest"], row["latest"], late, row["unplaced_detail"]) if late else None,
        given_up=row["given_up"],
    )


def _appointment(row: Record) -> Appointment:
    return Appointment(
        appointment_id=row["id"],
        sequence=row["sequence"],
        start=row["start_at"],
        end=row["end_at"],
        practitioner=row["practitioner"],
        room=row["room"],
        buffer_minutes=row["buffer_minutes"],
        booking_id=row["booking_id"],
        version=row["version"],
        state=row["state"],
        reason=row["reason"],
        replaces=row["replaces"],
        session_id=row["session_id"],
        room_buffer_minutes=row["room_buffer_minutes"],
        local_start=row["local_start"],
        local_zone=row["local_zone"],
    )


def _hold(row: Record) -> Hold:
    return Hold(
        hold_id=row["hold_id"],
        plan_id=row["plan_id"],
        sequence=row["sequence"],
        start=row["start_at"],
        end=row["end_at"],
        practitioner=row["practitioner"],
        room=row["room"],
        buffer_minutes=row["buffer_minutes"],
        expires_at=row["expires_at"],
        state=row["state"],
        offered_at=row["offered_at"],
        moves=row["moves"],
        room_buffer_minutes=row["room_buffer_minutes"],
    )


def _wait(row: Record) -> Wait:
    return Wait(row["plan_id"], row["wanted"], row["recorded_at"], row["request_id"])


def _request(row: Record) -> ChangeRequest:
    return ChangeRequest(
        request_id=row["request_id"],
        appointment_id=row["appointment_id"],
        change=row["change"],
        requested_at=row["requested_at"],
        not_before=row["not_before"],
        rebook=row["rebook"],
        taken=row["taken"],
        start_at=row["start_at"],
        practitioner_id=row["practitioner_id"],
        room_id=row["room_id"],
    )


def _attendance(row: Record) -> Attendance:
    return Attendance(
        session_id=row["session_id"],
        started_at=row["started_at"],
        plan_id=row["plan_id"],
        appointment_id=row["appointment_id"],
        voided=row["voided"],
    )
