"""Limits on visits: no more than so many sessions within any so many days."""

from collections.abc import Sequence

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
