"""Choosing the days of a course: the cheapest by the objective, over all first days and main practitioners."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count

from services.scheduling.domain.objective import LEFT_OUT, LENIENT, NEVER, STRICT, Rules, wait
from services.scheduling.domain.paths import Paths, Place, Wanted
from services.scheduling.domain.visits import Breach, first_breach
from shared.events.clinical import VisitLimit

_BRANCHES = 60
"""So many branches are tried before the search for the best within the limits on visits becomes one for a good one."""
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
    proven: bool = True
    """No course is cheaper."""


@dataclass(frozen=True, slots=True)
class Search:
    """The search for the days of a course.

    `limits` on visits look many sessions back: they are kept by branch and bound. That is exact as long as no
    session is left out and the branches are few; where it is not, `proven` says so.
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
        if found.keeps_all_rules and found.proven:
            return found
        whole = self._found(STRICT, max(LEFT_OUT, found.cost) + 1)
        return replace(whole, proven=whole.proven and (whole.cost <= LEFT_OUT or found.proven)) if whole else found

    def strictly(self) -> Placed | None:
        """The cheapest course with all sessions and within all quotas; None where there is none."""
        return self._found(STRICT, NEVER)

    def _found(self, rules: Rules, below: int) -> Placed | None:
        if not self.limits:
            return _cheapest(self.wanted, self.window, self.practitioners, rules, below)
        return self._within_limits(rules, below)

    def _within_limits(self, rules: Rules, below: int) -> Placed | None:
        """Branch and bound: where the cheapest course breaks a limit, either the one session is later or the other
        is earlier. The cheapest branch that breaks none is the best there is.
        """
        tries = count()
        branches: list[tuple[int, int, Sequence[Wanted], Placed]] = []
        self._branch(branches, next(tries), self.wanted, rules, below)
        proven = True
        while branches:
            _, number, wanted, placed = heappop(branches)
            breach = first_breach(self.limits, self.held, [day if at else None for day, at in placed.places])
            if breach is None:
                return replace(placed, proven=proven)
            self._branch(branches, next(tries), _later(wanted, breach), rules, below)
            if breach.other is None:
                continue
            # With sessions left out, a third one might make room: then this is no proof.
            proven = proven and not rules.leave_out and number < _BRANCHES
            if proven:
                self._branch(branches, next(tries), _earlier(wanted, breach, breach.other), rules, below)
        return None

    def _branch(
        self,
        branches: list[tuple[int, int, Sequence[Wanted], Placed]],
        number: int,
        wanted: Sequence[Wanted],
        rules: Rules,
        below: int,
    ) -> None:
        placed = _cheapest(wanted, self.window, self.practitioners, rules, below)
        if placed:
            heappush(branches, (placed.cost, number, wanted, placed))


def _later(wanted: Sequence[Wanted], breach: Breach) -> list[Wanted]:
    late = wanted[breach.session]
    return [
        *wanted[: breach.session],
        replace(late, not_before=max(late.not_before, breach.day)),
        *wanted[breach.session + 1 :],
    ]


def _earlier(wanted: Sequence[Wanted], breach: Breach, other: int) -> list[Wanted]:
    """The other session is earlier than it was; then the one need not be later."""
    bounds = {other: breach.other_day - 1, breach.session: breach.day - 1}
    return [
        replace(want, not_after=min(want.not_after, bounds.get(index, want.not_after)))
        for index, want in enumerate(wanted)
    ]


def place_again(
    wanted: Sequence[Wanted], window: Window, practitioner: int, cost: Callable[[int], int]
) -> list[Place] | None:
    """Place the first session anew, by what its day costs, and move as few of those after it as gap bounds allow."""
    for width, leave_out in ((_NEAR, False), (_FAR, False), (_FAR, True)):
        first, last = max(window.first, window.ideal - width), min(window.last, window.ideal + width)
        starts = {day: cost(day) for day in range(int(first), int(last) + 1)}
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
        starts = {day: cost for day, cost in costs.items() if cost < below and (cost <= wait(_SOON, 0)) is soon}
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
