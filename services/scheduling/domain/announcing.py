"""What others hear of a decision: the difference between a patient's appointments before and after."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from services.scheduling.domain.course import Appointment, Course, Patient, Session, Unplaced
from services.scheduling.domain.diary import Diary
from shared.events import scheduling
from shared.events.base import Fact
from shared.ids import derived_id

_ANSWERS: Final[Mapping[str, Literal["accepted", "declined"]]] = {"confirmed": "accepted", "released": "declined"}


def announce(before: Patient, diary: Diary, cause: Fact) -> tuple[Patient, tuple[Fact, ...]]:
    """The patient with new versions where something is to be told, and the facts that tell it.

    Only the net effect counts: what was booked and given up within one decision never was.
    """
    courses: dict[str, Course] = {}
    facts: list[Fact] = []
    for plan_id, course in diary.patient.courses.items():
        known = before.courses.get(plan_id) or Course(plan_id)
        told = _versioned(known, course)
        facts += _appointment_facts(known, told, diary)
        facts += _report(known, told, diary, cause)
        courses[plan_id], queue = _queued(known, told, diary)
        facts += queue
    facts += _answers(before, diary)
    return replace(diary.patient, courses=courses), tuple(facts)


def _versioned(known: Course, course: Course) -> Course:
    appointments: dict[str, Appointment] = {}
    for identifier, appointment in course.appointments.items():
        old = known.appointments.get(identifier)
        if old is None and appointment.state == "cancelled" and appointment.reason != "requested":
            continue
        changed = old is not None and _place(old) != _place(appointment)
        appointments[identifier] = replace(appointment, version=appointment.version + 1) if changed else appointment
    return replace(course, appointments=appointments)


def _place(appointment: Appointment) -> tuple[object, ...]:
    where = appointment.practitioner, appointment.room
    return appointment.state, appointment.start, appointment.local_start, *where


def _appointment_facts(known: Course, course: Course, diary: Diary) -> Iterator[Fact]:
    changed = [a for a in course.appointments.values() if _news(known, a)]
    changed.sort(key=lambda a: (a.start, a.appointment_id))
    new = [a for a in changed if a.appointment_id not in known.appointments]
    sizes = {a.booking_id: sum(1 for other in new if other.booking_id == a.booking_id) for a in new}
    for appointment in changed:
        about = _about(appointment, course, diary)
        old = known.appointments.get(appointment.appointment_id)
        if old is None:
            yield scheduling.AppointmentBooked(
                **about,
                **_who_and_where(appointment, diary),
                booking_id=appointment.booking_id,
                booking_size=sizes[appointment.booking_id],
                replaces=appointment.replaces,
            )
        else:
            yield _change(old, appointment, diary, about)


def _news(known: Course, appointment: Appointment) -> bool:
    old = known.appointments.get(appointment.appointment_id)
    return appointment.version != old.version if old else appointment.state == "booked"


def _change(old: Appointment, appointment: Appointment, diary: Diary, about: dict[str, Any]) -> Fact:
    if appointment.state == "noshow":
        return scheduling.AppointmentMissed(**about)
    about["reason"] = appointment.reason
    if appointment.state == "cancelled":
        return scheduling.AppointmentCancelled(**about)
    return scheduling.AppointmentMoved(**about, **_who_and_where(appointment, diary), previous_start=old.start)


def _about(appointment: Appointment, course: Course, diary: Diary) -> dict[str, Any]:
    return {
        "clinic_id": diary.calendar.clinic_id,
        "patient_id": diary.patient.patient_id,
        "appointment_id": appointment.appointment_id,
        "appointment_version": appointment.version,
        "plan_id": course.plan_id,
        "plan_version": course.plan_version,
        "sequence": appointment.sequence,
        "start": appointment.start,
        "end": appointment.end,
    }


def _who_and_where(appointment: Appointment, diary: Diary) -> dict[str, Any]:
    resources = diary.calendar.resources
    return {
        "practitioner_id": resources[appointment.practitioner].external_id,
        "room_id": resources[appointment.room].external_id,
    }


def _report(known: Course, course: Course, diary: Diary, cause: Fact) -> Iterator[Fact]:
    """Tell staff of sessions that have no time since this decision, and of appointments that could not be moved."""
    without = [(s.sequence, s.unplaced) for s in course.sessions.values() if s.unplaced and not _told(known, s)]
    about: dict[str, Any] = {"clinic_id": diary.calendar.clinic_id, "patient_id": diary.patient.patient_id}
    about |= {"plan_id": course.plan_id, "plan_version": course.plan_version}
    if without:
        yield scheduling.CourseUnschedulable(
            **about,
            report_id=derived_id("unplaced", cause.event_id),
            unplaced=tuple(_unplaced_sessions(without)),
        )
    for one in diary.unmoved:
        if one.plan_id == course.plan_id:
            yield scheduling.CourseUnschedulable(
                **about,
                report_id=derived_id("unmoved", one.request_id),
                unplaced=tuple(_unplaced_sessions([(one.sequence, one.why)])),
                request_id=one.request_id,
            )


def _queued(known: Course, course: Course, diary: Diary) -> tuple[Course, list[Fact]]:
    """Which sessions wait for staff, told as a whole whenever that changes; the first time also if it did before."""
    if course.queue == (known.queue if known.queue_revision else {}):
        return course, []
    revision = known.queue_revision + 1
    changed = scheduling.WorkQueueChanged(
        clinic_id=diary.calendar.clinic_id,
        patient_id=diary.patient.patient_id,
        plan_id=course.plan_id,
        revision=revision,
        waiting=tuple(_unplaced_sessions(course.queue.items())),
        changed_at=diary.now,
    )
    return replace(course, queue_revision=revision), [changed]


def _answers(before: Patient, diary: Diary) -> Iterator[Fact]:
    """Offers that were accepted or declined."""
    for hold_id, hold in diary.patient.holds.items():
        known, answer = before.holds.get(hold_id), _ANSWERS.get(hold.state)
        if hold.offered_at and answer and known and known.state == "open":
            yield scheduling.WaitlistAnswered(
                clinic_id=diary.calendar.clinic_id,
                patient_id=diary.patient.patient_id,
                offer_id=hold_id,
                plan_id=hold.plan_id,
                sequence=hold.sequence,
                answer=answer,
                answered_at=diary.now,
            )


def _told(known: Course, session: Session) -> bool:
    old = known.sessions.get(session.sequence)
    return old is not None and old.unplaced == session.unplaced


def _unplaced_sessions(without: Iterable[tuple[int, Unplaced]]) -> Iterator[scheduling.UnplacedSession]:
    for sequence, why in sorted(without, key=lambda item: item[0]):
        yield scheduling.UnplacedSession(
            sequence=sequence, earliest=why.earliest, latest=why.latest, reason=why.reason, detail=why.detail
        )
