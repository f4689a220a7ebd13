"""Planning the future of a course again when its plan is adjusted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.scheduling.domain.booking import START_WITHIN_DAYS, book_sessions, expanded, terms_of
from services.scheduling.domain.course import Adjustment, Appointment, Course, Session
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import week_of
from services.scheduling.domain.placing import Window


def adjust_course(diary: Diary, plan_id: str, adjustment: Adjustment) -> Diary:
    """Let the course follow other phases from a day on.

    What can still be moved serves the new sessions in order and keeps its id; the rest is cancelled.
    """
    course = diary.course(plan_id)
    movable = _movable(diary, course, adjustment)
    still_open = _without_time(diary, course, adjustment) | {a.sequence for a in movable}
    total = sum(phase.sessions for phase in adjustment.phases)
    beyond = max(course.sessions, default=0) + 1
    labels = [*sorted(still_open), *range(beyond, beyond + total)][:total]
    sessions = expanded(adjustment.phases, labels, terms_of(course))
    kept = {number: session for number, session in course.sessions.items() if number not in still_open}
    new = {session.sequence: session for session in sessions}
    diary = diary.with_course(replace(course, plan_version=adjustment.plan_version, sessions=kept | new))
    surplus = [replace(a, state="cancelled", reason="plan-adjusted") for a in movable if a.sequence not in new]
    serving = {a.sequence: a for a in movable if a.sequence in new}
    diary = diary.with_appointments(plan_id, surplus)
    window = _window_after(diary, course, movable, sessions, adjustment)
    return book_sessions(diary, plan_id, sessions, serving, window).diary


def _movable(diary: Diary, course: Course, adjustment: Adjustment) -> list[Appointment]:
    """Appointments that lie ahead, on or after the day on which the adjustment takes effect."""
    ahead = [a for a in course.appointments.values() if a.status == "booked" and a.start > diary.now]
    since = adjustment.effective_on.toordinal()
    return sorted((a for a in ahead if diary.calendar.day_of(a.start) >= since), key=lambda a: a.sequence)


def _without_time(diary: Diary, course: Course, adjustment: Adjustment) -> set[int]:
    since = diary.calendar.moment(max(adjustment.effective_on.toordinal(), diary.first_day), 0)
    return {number for number, s in course.sessions.items() if s.unplaced and s.unplaced.latest > since}


def _window_after(
    diary: Diary, course: Course, movable: Sequence[Appointment], sessions: Sequence[Session], adjustment: Adjustment
) -> Window:
    """When the first session after an adjustment may be: by the gap to what stays before it."""
    since = max(adjustment.effective_on.toordinal(), diary.calendar.day_of(diary.now))
    moving = {appointment.appointment_id for appointment in movable}
    staying = [
        diary.calendar.day_of(appointment.start)
        for appointment in course.appointments.values()
        if appointment.status in ("booked", "fulfilled") and appointment.appointment_id not in moving
    ]
    if not staying or not sessions:
        begin = max(since, diary.first_day)
        return Window(since, begin, begin + START_WITHIN_DAYS)
    before, next_one = max(staying), sessions[0]
    first = max(since, before + next_one.min_gap_days)
    begin = max(first, diary.first_day)
    last = before + next_one.max_gap_days
    ideal = max(before + next_one.spacing_days, begin)
    held = Counter(map(week_of, staying))
    return Window(first, ideal, last if last >= begin else begin + START_WITHIN_DAYS, held)
