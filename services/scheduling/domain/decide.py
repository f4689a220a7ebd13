"""One function per fact: `(schedule, fact, now)` gives the new schedule and what others must hear.

Raises `Refused` for a clinic that nobody described and for an id of another patient.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.scheduling.domain.adjusting import adjust_course
from services.scheduling.domain.announcing import announce
from services.scheduling.domain.attendance import match_attendance
from services.scheduling.domain.booking import book_course, end_course
from services.scheduling.domain.calendars import compose, newer
from services.scheduling.domain.changes import take_requests
from services.scheduling.domain.course import Adjustment, Attendance, ChangeRequest, ClinicSchedule, Terms
from services.scheduling.domain.diary import Diary, open_diary, refuse_foreign
from services.scheduling.domain.even_out import even_out
from services.scheduling.domain.replanning import replan
from shared.events import intake
from shared.events.base import PatientFact
from shared.events.calendars import CalendarChanged, ClinicDescribed, unknown_zones
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_A_DAY: Final = timedelta(days=1)
"""What was held longer ago comes from a record that is entered later: no occasion to move anything."""


def open_course(schedule: ClinicSchedule, fact: intake.PlanCreated, now: datetime) -> Decision[ClinicSchedule]:
    """Book the whole course, then take what came before the plan, in a fixed order."""
    diary = open_diary(schedule, fact, now)
    refuse_foreign(schedule, fact, fact.plan_id, "plan")
    course = diary.course(fact.plan_id)
    if course.terms:
        return Decision(schedule)
    diary = book_course(diary, fact.plan_id, terms_of_plan(fact))
    for adjustment in course.waiting:
        diary = adjust_course(diary, fact.plan_id, adjustment)
    course = replace(diary.course(fact.plan_id), waiting=())
    return settle(schedule, diary.with_course(course), fact)


def adjust_plan(schedule: ClinicSchedule, fact: intake.PlanAdjusted, now: datetime) -> Decision[ClinicSchedule]:
    """Plan the future again; an older version than the plan's has no effect, one before the plan waits."""
    diary = open_diary(schedule, fact, now)
    refuse_foreign(schedule, fact, fact.plan_id, "plan")
    course = diary.course(fact.plan_id)
    adjustment = Adjustment(fact.plan_version, fact.phases, fact.effective_on)
    if course.terms is None:
        waiting = {known.plan_version: known for known in (adjustment, *course.waiting)}
        in_order = tuple(waiting[version] for version in sorted(waiting))
        return settle(schedule, diary.with_course(replace(course, waiting=in_order)), fact)
    if adjustment.plan_version <= course.plan_version:
        return Decision(schedule)
    return settle(schedule, adjust_course(diary, fact.plan_id, adjustment), fact)


def end_plan(schedule: ClinicSchedule, fact: intake.PlanEnded, now: datetime) -> Decision[ClinicSchedule]:
    """Cancel what is still ahead. The earliest end of a plan holds."""
    diary = open_diary(schedule, fact, now)
    refuse_foreign(schedule, fact, fact.plan_id, "plan")
    course = diary.course(fact.plan_id)
    ended_at = min(fact.ended_at, course.ended_at or fact.ended_at)
    return settle(schedule, diary.with_course(replace(course, ended_at=ended_at)), fact)


def note_session(schedule: ClinicSchedule, fact: intake.SessionLogged, now: datetime) -> Decision[ClinicSchedule]:
    """Note that a session was held; its appointment may be known already, or later.

    A session that was held just now is the occasion to look at the far sessions of the course again.
    """
    diary = open_diary(schedule, fact, now)
    known = diary.patient.attendances.get(fact.session_id)
    record = Attendance(
        session_id=fact.session_id,
        started_at=fact.started_at,
        plan_id=fact.plan_id,
        appointment_id=fact.appointment_id,
        voided=known.voided if known else False,
    )
    just_held = now - _A_DAY <= fact.started_at <= now
    return settle(schedule, _with_attendance(diary, record), fact, then=even_out if just_held else None)


def void_session(schedule: ClinicSchedule, fact: intake.SessionVoided, now: datetime) -> Decision[ClinicSchedule]:
    """The session was not held: its appointment stands as before. The past is not booked again."""
    diary = open_diary(schedule, fact, now)
    known = diary.patient.attendances.get(fact.session_id) or Attendance(fact.session_id)
    return settle(schedule, _with_attendance(diary, replace(known, voided=True)), fact)


def change_appointment(
    schedule: ClinicSchedule, fact: intake.AppointmentChangeRequested, now: datetime
) -> Decision[ClinicSchedule]:
    """Cancel or move an appointment or note that it was missed; a request for one not known yet waits."""
    diary = open_diary(schedule, fact, now)
    refuse_foreign(schedule, fact, fact.appointment_id, "appointment")
    if fact.request_id in diary.patient.requests:
        return Decision(schedule)
    request = ChangeRequest(
        request_id=fact.request_id,
        appointment_id=fact.appointment_id,
        change=fact.change,
        requested_at=fact.requested_at,
        not_before=fact.not_before,
        rebook=fact.rebook,
        start_at=fact.start,
        practitioner_id=fact.practitioner_id,
        room_id=fact.room_id,
    )
    requests = {**diary.patient.requests, request.request_id: request}
    return settle(schedule, replace(diary, patient=replace(diary.patient, requests=requests)), fact)


def change_calendar(
    schedule: ClinicSchedule, fact: ClinicDescribed | CalendarChanged, now: datetime
) -> Decision[ClinicSchedule]:
    """Take over what a clinic's file or one of its calendars says; find other times for what that no longer allows.

    Raises:
        Refused: this machine's zone data do not have a zone that it names.
    """
    if unknown_zones(fact):
        raise Refused("The calendar names a zone that the zone data do not have.", remedy="Update tzdata and replay.")
    changed = take_calendar(schedule, fact)
    if changed is schedule or changed.calendar is None or schedule.calendar is None:
        return Decision(changed)
    busy = schedule.busy.seen_from(changed.calendar, schedule.calendar)
    return replan(replace(changed, busy=busy), now, fact)


def take_calendar(schedule: ClinicSchedule, fact: ClinicDescribed | CalendarChanged) -> ClinicSchedule:
    """The schedule with another calendar and everybody's appointments as they were; the same where it is older."""
    clinic, calendars = schedule.clinic, schedule.calendars
    known = clinic if isinstance(fact, ClinicDescribed) else calendars.get(fact.calendar_id)
    if not newer(known, fact):
        return schedule
    if isinstance(fact, ClinicDescribed):
        clinic = fact
    else:
        calendars = {**calendars, fact.calendar_id: fact}
    calendar = compose(clinic, calendars, schedule.places)
    return replace(schedule, clinic=clinic, calendars=calendars, calendar=calendar)


def settle(
    schedule: ClinicSchedule, diary: Diary, cause: PatientFact, then: Callable[[Diary], Diary] | None = None
) -> Decision[ClinicSchedule]:
    """Take what has become possible, do `then`, and tell the difference.

    Without any change before `then`, the schedule stays the same object.
    """
    before = schedule.patients[cause.patient_id]
    if diary.patient == before:
        return Decision(schedule)
    diary = match_attendance(take_requests(match_attendance(diary)))
    for plan_id in diary.patient.courses:
        diary = end_course(diary, plan_id)
    diary = then(diary) if then else diary
    patient, facts = announce(before, diary, cause)
    patients = {**schedule.patients, patient.patient_id: patient}
    return Decision(replace(schedule, busy=diary.busy, patients=patients), facts)


def _with_attendance(diary: Diary, record: Attendance) -> Diary:
    attendances = {**diary.patient.attendances, record.session_id: record}
    return replace(diary, patient=replace(diary.patient, attendances=attendances))


def terms_of_plan(fact: intake.PlanCreated) -> Terms:
    """What a plan asks of each of its sessions."""
    return Terms(
        starts_on=fact.starts_on,
        phases=fact.phases,
        session_minutes=fact.session_minutes,
        skill=fact.skill,
        room_kind=fact.room_kind,
        practitioner_id=fact.practitioner_id,
        preferred_times=fact.preferred_times,
        impossible_times=fact.impossible_times,
        booking=fact.booking,
        limits=fact.limits,
        therapy=next((each for each in fact.co_interventions if each.same_day), None),
    )
