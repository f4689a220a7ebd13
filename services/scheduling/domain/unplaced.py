"""Saying why a session found no time, in codes for programs and in words for staff."""

from services.scheduling.domain.course import Terms, Unplaced
from services.scheduling.domain.openings import Openings


def why_unplaced(openings: Openings, terms: Terms, first: int, last: int) -> Unplaced:
    """The reason that no opening was found from the day `first` to the day `last`."""
    reason, detail = _reason(openings, terms, first, last)
    return _unplaced(openings, first, last, reason, detail)


def window_past(openings: Openings, first: int, last: int) -> Unplaced:
    """The session's time was over before the plan was known."""
    return _unplaced(openings, first, last, "window-past", "The plan came after the time of this session.")


def held_back(openings: Openings, day: int) -> Unplaced:
    """The session has a time, but the course is booked as a whole or not at all."""
    return _unplaced(openings, day, day, "all-or-nothing", "It is not booked because others of its course can't be.")


def over_its_quota(openings: Openings, day: int) -> Unplaced:
    """The session's only time would be one more in its week than its phase allows."""
    return _unplaced(openings, day, day, "over-quota", "Its week has as many sessions as its phase allows already.")


def _unplaced(openings: Openings, first: int, last: int, reason: str, detail: str) -> Unplaced:
    calendar = openings.calendar
    return Unplaced(calendar.moment(first, 0), calendar.moment(max(first, last) + 1, 0), reason, detail)


def _reason(openings: Openings, terms: Terms, first: int, last: int) -> tuple[str, str]:
    if not openings.practitioners:
        return "no-practitioner-with-skill", f"No practitioner of the clinic has the skill {terms.skill}."
    if not openings.rooms:
        return "no-room-of-kind", f"The clinic has no room of the kind {terms.room_kind}."
    if last > openings.last_day and not openings.anyone_open(range(first, openings.last_day + 1)):
        return "beyond-horizon", "The clinic's calendar does not reach that far."
    if not openings.anyone_open(range(first, max(first, last) + 1)):
        return "clinic-closed", "No practitioner who could treat has hours on these days: closed, holiday or leave."
    return "fully-booked", "Everybody who could treat, every room of the kind or the patient is taken on these days."
