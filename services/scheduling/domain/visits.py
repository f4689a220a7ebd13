"""Limits on visits: no more than so many sessions within any so many days."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.events.clinical import VisitLimit


def earliest_by_limits(limits: Sequence[VisitLimit], held: Sequence[int], planned: Sequence[int | None]) -> list[int]:
    """The first day that each planned session may have, given the days before it; 0 where no limit touches it.

    `held` are the days of sessions that stay, in order; a planned session that has no time is None.
    """
    days, earliest = list(held), list[int]()
    for day in planned:
        bounds = [days[-limit.sessions] + limit.within_days for limit in limits if len(days) >= limit.sessions]
        earliest.append(max(bounds, default=0))
        days += [day] if day is not None else []
    return earliest


@dataclass(frozen=True, slots=True)
class Breach:
    """A planned session that is one too many within the days of a limit."""

    session: int
    """Which of the planned ones."""
    day: int
    """Its first day that would keep the limit, with the session `other` where it is."""
    other: int | None
    """Which of the planned ones should be earlier or it later; None where that one stays."""
    other_day: int


def first_breach(limits: Sequence[VisitLimit], held: Sequence[int], planned: Sequence[int | None]) -> Breach | None:
    """The first session that breaks a limit, by the days of those that stay and of those that are planned."""
    visits: list[tuple[int, int | None]] = [(day, None) for day in held]
    for session, day in enumerate(planned):
        if day is None:
            continue
        for limit in limits:
            if len(visits) >= limit.sessions:
                other_day, other = visits[-limit.sessions]
                if day < other_day + limit.within_days:
                    return Breach(session, other_day + limit.within_days, other, other_day)
        visits.append((day, session))
    return None
