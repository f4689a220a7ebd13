"""Booking whole courses, and ending them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, count

from services.scheduling.domain.course import Appointment, Course, Session, Terms
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import EPOCH, MINUTE
from services.scheduling.domain.objective import MOVING
from services.scheduling.domain.openings import Openings
from services.scheduling.domain.paths import Place, Wanted
from services.scheduling.domain.placing import Search, Window
from services.scheduling.domain.quality import over_quota
from services.scheduling.domain.unplaced import held_back, over_its_quota, why_unplaced, window_past
from shared.events.clinical import Phase
from shared.ids import derived_id

START_WITHIN_DAYS = 28
"""How long after its start a course may begin: a full clinic is no reason to drop sessions."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The diary with sessions placed, and what that costs by the objective; None where nobody could treat."""

    diary: Diary
    cost: int | None = None
    proven: bool = False
    """No course would cost less."""


def book_course(diary: Diary, plan_id: str, terms: Terms) -> Diary:
    """Book all sessions of a plan that has just come to be known."""
    return planned_course(diary, plan_id, terms).diary


def planned_course(diary: Diary, plan_id: str, terms: Terms) -> Planned:
    """The same, with what it costs."""
    total = sum(phase.sessions for phase in terms.phases)
    sessions = _past_or_open(diary, terms, expanded(terms.phases, range(1, total + 1), terms))
    course = replace(diary.course(plan_id), terms=terms, plan_version=1, sessions={s.sequence: s for s in sessions})
    first = max(terms.starts_on.toordinal(), diary.first_day)
    window = Window(first, first, max(first, min(first + START_WITHIN_DAYS, diary.last_day)))
    ahead = [session for session in sessions if not session.unplaced]
    strictly = terms.booking == "all-or-nothing"
    planned = book_sessions(diary.with_course(course), plan_id, ahead, {}, window, strictly=strictly)
    booked = replace(planned.diary.course(plan_id), proven=planned.proven)
    return replace(planned, diary=planned.diary.with_course(booked))


def end_course(diary: Diary, plan_id: str) -> Diary:
    """Cancel what lies both in the future and after the course's end; nothing is missing any more."""
    course = diary.course(plan_id)
    if course.ended_at is None:
        return diary
    after = max(diary.now, course.ended_at)
    over = [
        replace(appointment, state="cancelled", reason="plan-ended")
        for appointment in course.appointments.values()
        if appointment.status == "booked" and appointment.start > after
    ]
    sessions = {number: replace(session, unplaced=None) for number, session in course.sessions.items()}
    return diary.with_course(replace(course, sessions=sessions)).with_appointments(plan_id, over)


def new_appointment(diary: Diary, course: Course, session: Session, booking_id: str = "") -> Appointment:
    """An appointment for a session, still without a time; its id says which try it is."""
    clinic, tries = diary.calendar.clinic_id, count(1)
    ids = (derived_id("appointment", clinic, course.plan_id, session.sequence, each) for each in tries)
    appointment_id = next(each for each in ids if each not in course.appointments)
    return Appointment(
        appointment_id=appointment_id,
        sequence=session.sequence,
        start=EPOCH,
        end=EPOCH + MINUTE * session.minutes,
        practitioner=0,
        room=0,
        buffer_minutes=diary.calendar.buffer_minutes,
        booking_id=booking_id or derived_id("booking", appointment_id),
    )


def main_practitioners(diary: Diary, course: Course, serving: Iterable[Appointment]) -> list[int]:
    """Who may be the main practitioner: the plan's, else who treats now, else anybody, least busy first."""
    openings, wished = diary.openings(course), terms_of(course).practitioner_id
    able = openings.practitioners
    named = [who for who in able if diary.calendar.resources[who].external_id == wished]
    present = [a.practitioner for a in serving if a.practitioner in able]
    if named or present:
        return named or [max(sorted(set(present)), key=present.count)]
    return sorted(able, key=lambda who: (openings.load(who, diary.first_day), who))


def expanded(phases: Iterable[Phase], labels: Iterable[int], terms: Terms) -> list[Session]:
    """The sessions of phases, numbered by `labels`, as far apart as the phase's rate says."""
    all_phases = [phase for phase in phases for _ in range(phase.sessions)]
    return [
        Session(
            sequence=label,
            phase=phase.name,
            min_gap_days=phase.min_gap_days,
            max_gap_days=max(phase.min_gap_days, phase.max_gap_days),
            spacing_days=min(max(7 / phase.sessions_per_week, phase.min_gap_days), phase.max_gap_days),
            minutes=terms.session_minutes,
        )
        for phase, label in zip(all_phases, labels, strict=True)
    ]


def _past_or_open(diary: Diary, terms: Terms, sessions: Sequence[Session]) -> list[Session]:
    """A plan that comes very late is not booked from its beginning: its first sessions are over."""
    openings = diary.openings(Course("", terms))
    first = terms.starts_on.toordinal()
    last = first + START_WITHIN_DAYS
    checked: list[Session] = []
    for index, session in enumerate(sessions):
        if index:
            first, last = first + session.min_gap_days, last + session.max_gap_days
        past = last < diary.first_day
        checked.append(replace(session, unplaced=window_past(openings, first, last)) if past else session)
    return checked


def book_sessions(
    diary: Diary,
    plan_id: str,
    sessions: Sequence[Session],
    serving: Mapping[int, Appointment],
    window: Window,
    *,
    strictly: bool = False,
) -> Planned:
    """Find times for the sessions; those in `serving` have an appointment, which may stay or move.

    `strictly`: all of them within all rules, or none; then each session says what stood in the way.
    """
    if not sessions:
        return Planned(diary, 0)
    course = diary.course(plan_id)
    freed = diary.without_claims(serving.values())
    openings = freed.openings(course)
    main = main_practitioners(freed, course, serving.values())
    wanted = _wanted(diary, sessions, serving, openings, window)
    if not main or not openings.rooms:
        return Planned(_settled(diary, plan_id, wanted, _nowhere(wanted, window), serving))
    search = Search(wanted, window, main, terms_of(course).limits, _held_days(diary, course, serving))
    placed = search.strictly() if strictly else search.best()
    if placed is None:
        booked = _settled(diary, plan_id, wanted, search.best().places, serving).course(plan_id)
        return Planned(_none_of(diary, plan_id, booked))
    return Planned(_settled(diary, plan_id, wanted, placed.places, serving), placed.cost, placed.proven)


def _held_days(diary: Diary, course: Course, serving: Mapping[int, Appointment]) -> list[int]:
    """The days of the sessions that stay as they are."""
    moving = {appointment.appointment_id for appointment in serving.values()}
    staying = (a for a in course.appointments.values() if a.status in ("booked", "fulfilled"))
    return sorted(diary.calendar.day_of(a.start) for a in staying if a.appointment_id not in moving)


def _none_of(diary: Diary, plan_id: str, booked: Course) -> Diary:
    """The course with nothing booked: each session says what stood in its way, or that it waits for the others."""
    openings, kept = diary.openings(booked), sorted(booked.appointments.values(), key=lambda a: a.start)
    days, sessions = [diary.calendar.day_of(a.start) for a in kept], [booked.sessions[a.sequence] for a in kept]
    for session, day, over in zip(sessions, days, over_quota(days, sessions), strict=True):
        why = over_its_quota(openings, day) if over else held_back(openings, day)
        booked = replace(booked, sessions={**booked.sessions, session.sequence: replace(session, unplaced=why)})
    return diary.with_course(replace(diary.course(plan_id), sessions=booked.sessions))


def _wanted(
    diary: Diary,
    sessions: Sequence[Session],
    serving: Mapping[int, Appointment],
    openings: Openings,
    window: Window,
) -> list[Wanted]:
    wanted: list[Wanted] = []
    for index, session in enumerate(sessions):
        known = serving.get(session.sequence)
        gaps = (session.min_gap_days, session.max_gap_days) if index else (window.first, window.last)
        kept = diary.opening_of(known) if known else None
        wanted.append(Wanted(session, openings, *gaps, kept=kept, moving=MOVING if known else 0))
    return wanted


def _nowhere(wanted: Sequence[Wanted], window: Window) -> list[Place]:
    """All sessions without a time, each about its ideal day."""
    days = accumulate((want.session.spacing_days for want in wanted[1:]), initial=window.ideal)
    return [(round(day), None) for day in days]


def _settled(
    diary: Diary, plan_id: str, wanted: Sequence[Wanted], places: Sequence[Place], serving: Mapping[int, Appointment]
) -> Diary:
    """Turn places into appointments that stay, move or are new, and into sessions without a time."""
    course = diary.course(plan_id)
    booking_id = derived_id("booking", plan_id, course.plan_version)
    appointments: list[Appointment] = []
    sessions = dict(course.sessions)
    before = 0
    for want, (day, opening) in zip(wanted, places, strict=True):
        number = want.session.sequence
        known = serving.get(number)
        if opening:
            new = new_appointment(diary, course, want.session, booking_id)
            appointments.append(diary.placed(known or new, opening, "plan-adjusted" if known else ""))
        else:
            window = (before + want.min_gap, before + want.max_gap)
            unplaced = why_unplaced(want.openings, terms_of(course), *window)
            sessions[number] = replace(want.session, unplaced=unplaced)
            appointments += [replace(known, state="cancelled", reason="not-bookable")] if known else []
        before = day
    return diary.with_course(replace(course, sessions=sessions)).with_appointments(plan_id, appointments)


def terms_of(course: Course) -> Terms:
    if course.terms is None:
        raise ValueError(f"course {course.plan_id} has no terms yet")
    return course.terms
