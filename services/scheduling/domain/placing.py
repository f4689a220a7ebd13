"""Choosing the days of a course: the cheapest by the objective, over all first days and main practitioners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.scheduling.domain.objective import LEFT_OUT, LENIENT, NEVER, STRICT, WAIT, Rules, uneven, wait
from services.scheduling.domain.paths import Paths, Place, Wanted
from services.scheduling.domain.visits import earliest_by_limits
from shared.events.clinical import VisitLimit

_SOON = 4
"""Days of the wished start that are searched first; what is found there says how many more are worth it."""
_NEAR, _FAR = 4, 12
"""Days around an appointment that is moved: tried first, and then."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days that the first session may have, and the one it should have."""

    first: int
    ideal: float
    last: int
    held: Mapping[int, int] = field(default_factory=dict[int, int])
    """How many sessions of the course stay where they are, by calendar week."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A place for each session, what it costs by the objective, and the main practitioner."""

    cost: int
    places: list[Place]
    main: int
    keeps_all_rules: bool
    """All sessions within all quotas."""


@dataclass(frozen=True, slots=True)
class Search:
    """The search for the days of a course.

    `limits` on visits look many sessions back: where the cheapest course breaks one, what is too early is put
    off and the search goes on, so that such a course is good, not proven the best.
    """

    wanted: Sequence[Wanted]
    window: Window
    practitioners: Sequence[int]
    limits: Sequence[VisitLimit] = ()
    held: Sequence[int] = ()
    """The days of the course's sessions that stay as they are."""

    def best(self) -> Placed:
        """The cheapest course; it breaks quotas or leaves sessions out only where keeping all costs more than one."""
        found = self._found(LENIENT, NEVER)
        assert found, "every session may be left out"
        if found.keeps_all_rules:
            return found
        return self._found(STRICT, max(LEFT_OUT, found.cost) + 1) or found

    def strictly(self) -> Placed | None:
        """The cheapest course with all sessions and within all quotas; None where there is none."""
        return self._found(STRICT, NEVER)

    def _found(self, rules: Rules, below: int) -> Placed | None:
        wanted = self.wanted
        while True:
            placed = _cheapest(wanted, self.window, self.practitioners, rules, below)
            if placed is None or not self.limits:
                return placed
            days = [day if opening else None for day, opening in placed.places]
            earliest = earliest_by_limits(self.limits, self.held, days)
            if all(day is None or day >= first for day, first in zip(days, earliest, strict=True)):
                return placed
            wanted = [
                replace(want, not_before=max(want.not_before, first))
                for want, first in zip(wanted, earliest, strict=True)
            ]


def place_again(wanted: Sequence[Wanted], window: Window, practitioner: int) -> list[Place] | None:
    """Place the first session anew, and move as few of those after it as the gap bounds allow."""
    for width, leave_out in ((_NEAR, False), (_FAR, False), (_FAR, True)):
        first, last = max(window.first, window.ideal - width), min(window.last, window.ideal + width)
        starts = {day: uneven(day, window.ideal) for day in range(int(first), int(last) + 1)}
        if leave_out and wanted[0].out_on is not None:
            starts[wanted[0].out_on] = 0
        paths = Paths(wanted, starts, window.held, Rules(over_quota=True, leave_out=leave_out))
        found = paths.cheapest(practitioner) if starts else None
        if found:
            return paths.places(found[1], practitioner)
    return None


def _cheapest(
    wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int], rules: Rules, below: int
) -> Placed | None:
    """The cheapest course that costs less than `below`; exact.

    First from the days about the wished one; then from all other days that wait for less than what was found.
    """
    costs = {day: wait(day, window.ideal) for day in range(window.first, window.last + 1)}
    best: Placed | None = None
    for soon in (True, False):
        starts = {day: cost for day, cost in costs.items() if cost < below and (cost <= WAIT * _SOON) is soon}
        paths = Paths(wanted, starts, window.held, rules)
        best = (_from_any(paths, practitioners, below) if starts else None) or best
        below = best.cost if best else below
    return best


def _from_any(paths: Paths, practitioners: Sequence[int], below: int) -> Placed | None:
    """The cheapest course over all main practitioners; who reaches the bound need not be outdone."""
    best: Placed | None = None
    for main in practitioners:
        if paths.bound >= below:
            break
        found = paths.cheapest(main, below)
        if found:
            below, days = found
            places = paths.places(days, main)
            best = Placed(below, places, main, all(at for _, at in places) and paths.keep_quotas(days))
        elif below == NEVER:
            break
    return best
