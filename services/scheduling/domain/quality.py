"""How good a booked course is, in figures that people can judge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, Course, Session
from services.scheduling.domain.objective import week_of


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality figures of one course as it stands: its sessions that are booked or were held."""

    sessions: int
    left_out: int
    """Sessions without a time, those that the patient gave up not among them."""
    gaps: int
    """Pairs of neighbouring sessions."""
    spacing_violations: int
    """Gaps outside their phase's bounds."""
    over_quota: int
    """Sessions beyond their calendar week's quota."""
    continuity: float | None
    """Share of sessions with the practitioner who holds most of them; None without any session."""
    days_to_first: int | None
    """From the plan's start to the first session."""
    same_day_therapy: float | None
    """Share of sessions with somebody free for the therapy beside them; None where none belongs there."""
    proven_optimal: bool
    """All of it stands as one search booked it, and none was cheaper."""


def quality_of(course: Course, calendar: ClinicCalendar, beside: float | None = None) -> Quality:
    """The figures of a course; `beside` is its share of sessions with same-day therapy.

    Raises:
        ValueError: its plan is not known yet.
    """
    if course.terms is None:
        raise ValueError(f"course {course.plan_id} has no terms yet")
    kept = sorted(
        (a for a in course.appointments.values() if a.status in ("booked", "fulfilled")), key=lambda a: a.start
    )
    days = [calendar.day_of(appointment.start) for appointment in kept]
    sessions = [course.sessions[appointment.sequence] for appointment in kept]
    return Quality(
        sessions=len(kept),
        left_out=sum(1 for session in course.sessions.values() if session.unplaced and not session.given_up),
        gaps=max(0, len(kept) - 1),
        spacing_violations=len(wrong_gaps(days, sessions)),
        over_quota=sum(over_quota(days, sessions)),
        continuity=_continuity(kept),
        days_to_first=days[0] - course.terms.starts_on.toordinal() if days else None,
        same_day_therapy=beside,
        proven_optimal=course.proven and _as_booked(course),
    )


def wrong_gaps(days: Sequence[int], sessions: Sequence[Session]) -> list[int]:
    """Which of the sessions are too near to the one before, or too far from it, by index."""
    return [
        index
        for index, (before, day) in enumerate(pairwise(days), start=1)
        if not sessions[index].min_gap_days <= day - before <= sessions[index].max_gap_days
    ]


def over_quota(days: Sequence[int], sessions: Sequence[Session]) -> Iterator[bool]:
    """For each session whether it is one more than its week's sessions up to it allow."""
    week, nth, quota = -1, 0, 0
    for day, session in zip(days, sessions, strict=True):
        same = week_of(day) == week
        week, nth, quota = week_of(day), nth + 1 if same else 1, max(quota, session.quota) if same else session.quota
        yield nth > quota


def _continuity(appointments: Sequence[Appointment]) -> float | None:
    who = [appointment.practitioner for appointment in appointments]
    return max(who.count(each) for each in set(who)) / len(who) if who else None


def _as_booked(course: Course) -> bool:
    """Nothing was moved, replaced, cancelled or added since the whole course was booked."""
    every = course.appointments.values()
    untouched = all(a.version == 1 and a.replaces is None and a.state == "booked" for a in every)
    return bool(every) and untouched and len({a.booking_id for a in every}) == 1
