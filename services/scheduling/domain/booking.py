"""Booking whole courses: a new plan, an adjusted one, an ended one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.scheduling.domain.course import Adjustment, Appointment, Course, Session, Terms
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.openings import Opening
from services.scheduling.domain.placing import Place, Wanted, Window, place_course
from services.scheduling.domain.unplaced import why_unplaced
from shared.events.clinical import Phase
from shared.ids import derived_id

START_WITHIN_DAYS = 28
"""How long after its start date a course may begin; a full clinic is no reason to drop sessions."""
_MOVING = 2500
"""Keeping an appointment where it is outweighs almost two days off the ideal."""


def book_course(diary: Diary, plan_id: str, terms: Terms) -> Diary:
    """Book all sessions of a plan that has just come to be known."""
    sessions = _expanded(terms.phases, range(1, 1 + sum(phase.sessions for phase in terms.phases)), terms)
    course = replace(diary.course(plan_id), terms=terms, plan_version=1)
    diary = diary.with_course(replace(course, sessions={s.sequence: s for s in sessions}))
    first = max(terms.starts_on.toordinal(), diary.first_day)
    late = _window_past(sessions, terms.starts_on.toordinal(), diary.first_day)
    diary = _leave_out(diary, plan_id, [(session, None) for session in sessions[:late]], 0, 0)
    window = Window(first, first, min(first + START_WITHIN_DAYS, max(first, diary.last_day)))
    return _book(diary, plan_id, sessions[late:], {}, window)


def adjust_course(diary: Diary, plan_id: str, adjustment: Adjustment) -> Diary:
    """Let the course follow other phases from a day on.

    What can still be moved serves the new sessions in order, with its id; the rest is cancelled.
    """
    course = diary.course(plan_id)
    terms = course.terms
    assert terms, "an adjustment waits for its plan"
    movable = _movable(diary, course, adjustment.effective_on.toordinal())
    labels = _labels(course, movable, sum(phase.sessions for phase in adjustment.phases))
    sessions = _expanded(adjustment.phases, labels, terms)
    fixed = {s: course.sessions[s] for s in course.sessions if s not in _open_sequences(course, movable)}
    course = replace(
        course, plan_version=adjustment.plan_version, sessions=fixed | {s.sequence: s for s in sessions}
    )
    diary = diary.with_course(course)
    for surplus in [a for a in movable if a.sequence not in set(labels)]:
        diary = diary.with_appointment(plan_id, replace(surplus, state="cancelled", reason="plan-adjusted"))
    serving = {a.sequence: a for a in movable if a.sequence in set(labels)}
    return _book(diary, plan_id, sessions, serving, _window_after(diary, course, sessions, serving, adjustment))


def end_course(diary: Diary, plan_id: str) -> Diary:
    """Cancel what lies both in the future and after the course's end."""
    course = diary.course(plan_id)
    if course.ended_at is None:
        return diary
    for appointment in _by_start(course.appointments.values()):
        if appointment.status == "booked" and appointment.start > max(diary.now, course.ended_at):
            diary = diary.with_appointment(plan_id, replace(appointment, state="cancelled", reason="plan-ended"))
    course = diary.course(plan_id)
    placed = {number: replace(session, unplaced=None) for number, session in course.sessions.items()}
    return diary.with_course(replace(course, sessions=placed)) if placed != course.sessions else diary


def new_appointment(course: Course, plan_id: str, session: Session, patient_key: str, booking_id: str) -> Appointment:
    """An appointment for a session, still without a time; its id says which try this is."""
    tries = sum(1 for known in course.appointments.values() if known.sequence == session.sequence)
    never = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return Appointment(
        appointment_id=derived_id("appointment", patient_key, plan_id, session.sequence, tries + 1),
        sequence=session.sequence,
        start=never,
        end=never + timedelta(minutes=session.minutes),
        practitioner=0,
        room=0,
        buffer_minutes=0,
        booking_id=booking_id,
    )


def preferred_practitioners(diary: Diary, course: Course, serving: Mapping[int, Appointment]) -> list[int]:
    """Who may be the course's main practitioner: the plan's, else who treats it now, else all, idle first."""
    assert course.terms
    openings = diary.openings(course)
    named = [
        who
        for who in openings.practitioners
        if diary.calendar.resources[who].external_id == course.terms.practitioner_id
    ]
    present = [a.practitioner for a in serving.values() if a.practitioner in openings.practitioners]
    if named or present:
        return named or [max(sorted(set(present)), key=present.count)]
    return sorted(openings.practitioners, key=lambda who: (openings.load(who), who))


def _book(
    diary: Diary, plan_id: str, sessions: Sequence[Session], serving: Mapping[int, Appointment], window: Window
) -> Diary:
    """Find times for the sessions; those in `serving` have an appointment that may stay or move."""
    if not sessions:
        return diary
    course = diary.course(plan_id)
    freed = diary
    for appointment in serving.values():
        freed = freed.without_claim(appointment)
    main = preferred_practitioners(freed, course, serving)
    openings = freed.openings(course)
    if not main or not openings.rooms:
        places: list[Place] = [(window.first, None)] * len(sessions)
    else:
        kept = {number: diary.opening_of(appointment) for number, appointment in serving.items()}
        wanted = _wanted(freed, course, sessions, kept, window)
        places = place_course(wanted, window, main)
    return _settle(diary, plan_id, list(zip(sessions, places, strict=True)), serving, window)


def _wanted(
    diary: Diary, course: Course, sessions: Sequence[Session], kept: Mapping[int, Opening], window: Window
) -> list[Wanted]:
    openings = diary.openings(course)
    ideal, wanted = window.ideal, list[Wanted]()
    for index, session in enumerate(sessions):
        ideal += session.spacing_days if index else 0
        place = kept.get(session.sequence)
        wanted.append(
            Wanted(
                session,
                openings,
                ideal,
                session.min_gap_days,
                session.max_gap_days,
                kept=place,
                moving=_MOVING if place else 0,
            )
        )
    return wanted


def _settle(
    diary: Diary,
    plan_id: str,
    found: Sequence[tuple[Session, Place]],
    serving: Mapping[int, Appointment],
    window: Window,
) -> Diary:
    """Turn places into appointments: stay, move, book or give up."""
    course = diary.course(plan_id)
    booking_id = derived_id("booking", plan_id, course.plan_version)
    given_up = [serving[s.sequence] for s, (_, opening) in found if opening is None and s.sequence in serving]
    moving = [a for a in serving.values()]
    diary = _released(diary, plan_id, [*given_up, *moving])
    for session, (_, opening) in found:
        known = serving.get(session.sequence)
        if opening is None:
            if known:
                diary = diary.with_appointment(plan_id, replace(known, state="cancelled", reason="not-bookable"))
            continue
        appointment = known or new_appointment(
            diary.course(plan_id), plan_id, session, diary.calendar.clinic_id, booking_id
        )
        diary = diary.with_appointment(plan_id, moved(diary, appointment, opening, "plan-adjusted"))
    return diary
