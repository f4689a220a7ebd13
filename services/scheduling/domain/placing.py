"""Choosing the days of a course: the cheapest by the objective, over all first days and main practitioners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from services.scheduling.domain.objective import LEFT_OUT, LENIENT, STRICT, WAIT, Rules, uneven, wait
from services.scheduling.domain.openings import ANYBODY
from services.scheduling.domain.paths import Paths, Place, Wanted
from services.scheduling.domain.visits import earliest_by_limits
from shared.events.clinical import VisitLimit

_SOON = 4
"""Days of the wished start that are searched first; what is found there says how many more are worth it."""
_NEAR, _FAR = 4, 12
"""Days around an appointment that is moved: tried first, and then."""
_SLACK = 5000
"""How much more than the least imaginable is tried first."""
_ANY_COST = 10**9


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
        strict = self.strictly()
        if strict and strict.cost <= LEFT_OUT:
            return strict
        found = self._found(LENIENT, strict.cost if strict else inf) or strict
        assert found, "every session may be left out"
        return found

    def strictly(self) -> Placed | None:
        """The cheapest course with all sessions and within all quotas; None where there is none."""
        return self._found(STRICT, inf)

    def _found(self, rules: Rules, below: float) -> Placed | None:
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
    wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int], rules: Rules, below: float
) -> Placed | None:
    """The cheapest course that costs less than `below`; exact.

    First from the days about the wished one; then from all days that wait for less than what was found.
    """
    costs = {day: wait(day, window.ideal) for day in range(window.first, window.last + 1)}
    soon = {day: cost for day, cost in costs.items() if cost <= WAIT * _SOON}
    best = _from_any(Paths(wanted, soon, window.held, rules), practitioners, below) if soon else None
    below = best.cost if best else below
    if below <= WAIT * _SOON:
        return best
    worth = {day: cost for day, cost in costs.items() if cost < below}
    later = Paths(wanted, worth, window.held, rules) if len(worth) > len(soon) else None
    return (_from_any(later, practitioners, below) if later else None) or best


def _from_any(paths: Paths, practitioners: Sequence[int], below: float) -> Placed | None:
    """The cheapest course over all main practitioners.

    What it would cost if continuity were free bounds it; who comes that near need not be outdone.
    """
    free = _deepening(paths, ANYBODY, below)
    best: Placed | None = None
    for main in practitioners if free else ():
        found = _deepening(paths, main, below) if below == inf else paths.cheapest(main, below)
        if found:
            below = found[0]
            best = Placed(below, paths.places(found[1], main), main)
            if free and below == free[0]:
                break
    return best


def _deepening(paths: Paths, main: int, below: float) -> tuple[int, list[int]] | None:
    """The same as `paths.cheapest`, sooner: most of what is far dearer than the bound is never looked at."""
    slack = _SLACK
    while paths.bound + slack < min(below, _ANY_COST):
        found = paths.cheapest(main, paths.bound + slack)
        if found:
            return found
        slack *= 4
    return paths.cheapest(main, below) if paths.bound < below else None
