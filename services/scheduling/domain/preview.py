"""What booking a course would give, without booking it: a dry run that names every conflict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.scheduling.domain.booking import planned_course
from services.scheduling.domain.course import Appointment, Course, Terms
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.quality import Quality, over_quota, quality_of, wrong_gaps

PREVIEWED = "preview"
"""The plan id of a course that exists in a preview only."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A rule that could not be kept for a session."""

    sequence: int
    kind: Literal[
        "no-time", "over-quota", "spacing", "not-preferred", "no-therapy", "other-practitioner", "impossible-time"
    ]
    detail: str
    """In words, for staff."""
    earliest: datetime | None = None
    latest: datetime | None = None
    """Where a session has no time: between which instants it was looked for."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The course as it would be booked now."""

    course: Course
    conflicts: tuple[Conflict, ...]
    quality: Quality
    cost: int | None
    """By the objective; None where nobody could treat at all."""

    @property
    def appointments(self) -> list[Appointment]:
        """What would be booked, by start."""
        return sorted(self.course.appointments.values(), key=lambda appointment: appointment.start)


def preview(diary: Diary, terms: Terms) -> Preview:
    """Plan a course of these terms as if its plan came now. The diary stays as it is."""
    planned = planned_course(diary, PREVIEWED, terms)
    course = planned.diary.course(PREVIEWED)
    quality = quality_of(course, diary.calendar, _same_day_therapy(diary, course))
    return Preview(course, tuple(conflicts_of(diary, course)), quality, planned.cost)


def _same_day_therapy(diary: Diary, course: Course) -> float | None:
    openings, appointments = diary.openings(course), course.appointments.values()
    if not openings.therapists or not appointments:
        return None
    return sum(openings.has_therapy(diary.opening_of(each)) for each in appointments) / len(appointments)


def conflicts_of(diary: Diary, course: Course) -> Iterator[Conflict]:
    """Every rule that a course breaks, by session."""
    found = [*_without_time(course), *_too_close(diary, course), *_second_best(diary, course)]
    yield from sorted(found, key=lambda conflict: (conflict.sequence, conflict.kind))


def _without_time(course: Course) -> Iterator[Conflict]:
    for session in course.sessions.values():
        if session.unplaced:
            why = session.unplaced
            yield Conflict(session.sequence, "no-time", why.detail, why.earliest, why.latest)


def _too_close(diary: Diary, course: Course) -> Iterator[Conflict]:
    kept = sorted(course.appointments.values(), key=lambda appointment: appointment.start)
    days, sessions = [diary.calendar.day_of(a.start) for a in kept], [course.sessions[a.sequence] for a in kept]
    for session, over in zip(sessions, over_quota(days, sessions), strict=True):
        if over:
            detail = f"One session more in its week than the phase {session.phase} allows ({session.quota})."
            yield Conflict(session.sequence, "over-quota", detail)
    for index in wrong_gaps(days, sessions):
        session, gap = sessions[index], days[index] - days[index - 1]
        bounds = f"{session.min_gap_days} to {session.max_gap_days} days"
        yield Conflict(session.sequence, "spacing", f"{gap} days after the session before; the phase says {bounds}.")


def _second_best(diary: Diary, course: Course) -> Iterator[Conflict]:
    assert course.terms
    resources, wished = diary.calendar.resources, course.terms.practitioner_id
    openings = diary.openings(course)
    main = _main(course.appointments)
    for appointment in course.appointments.values():
        who = resources[appointment.practitioner].external_id
        if (wished and who != wished) or (not wished and appointment.practitioner != main):
            yield Conflict(appointment.sequence, "other-practitioner", f"With {who}.")
        if not openings.is_preferred(diary.opening_of(appointment)):
            yield Conflict(appointment.sequence, "not-preferred", "Not at a time that the patient prefers.")
        if openings.therapists and not openings.has_therapy(diary.opening_of(appointment)):
            yield Conflict(appointment.sequence, "no-therapy", "Nobody is free for the therapy beside it.")


def _main(appointments: Mapping[str, Appointment]) -> int:
    who = [appointment.practitioner for appointment in appointments.values()]
    return max(sorted(set(who)), key=who.count, default=0)
