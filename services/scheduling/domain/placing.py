"""Choosing the days of a course: an exact dynamic programme over (session, day).

For a first day and a main practitioner, the state is the day of the session before; the cost of a day
is that of its cheapest opening. Gap bounds are hard. Costs compare only with each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

from services.scheduling.domain.course import Session
from services.scheduling.domain.openings import ANYBODY, Opening, Openings

WAIT = 2000
"""One day between the wished and the real first session."""
PATIENCE_DAYS = 5
"""A course waits up to so many days for each session that could not be held if it began at once."""
OFF_IDEAL = 700
"""One day away from the ideal day; it grows with the square."""
NOT_PREFERRED = 1500
OTHER_PRACTITIONER = 3000
"""Continuity: worth two days of deviation from the ideal day."""
LEFT_OUT = 10**9
"""A session without a time: worse than moving everything else."""
_NEAR, _FAR = 4, 12
"""Days around the ideal that are tried first, and when that gave no complete course."""

Place = tuple[int, Opening | None]
"""A day and what was found on it; without an opening the session stays unplaced about that day."""
Found = tuple[int, list[Place]]
"""What it costs, and a place for each session."""
Layer = dict[int, tuple[int, Opening | None, int]]
"""By day: the cost up to here, the opening, the day of the session before."""
Options = Mapping[int, tuple[int, Opening | None]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One session to place: when ideally, how far from the one before, what it has now."""

    session: Session
    openings: Openings
    ideal: float
    min_gap: int
    max_gap: int
    kept: Opening | None = None
    moving: int = 0
    """What it costs to give up `kept`."""
    may_stay_out: bool = True
    """Whether it may stay without a time when nothing fits."""
    out_on: int | None = None
    """The day that it counts as held on when it stays without a time; any where None."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days that the first session may have, and the one it should have."""

    first: int
    ideal: float
    last: int


def place_course(wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int]) -> list[Place]:
    """The cheapest complete course over all first days and main practitioners.

    Ideal days count from the first session's. Where there is no complete course, or one has to wait
    long for it, a course that begins soon and leaves some sessions out may be the better one.
    """
    complete = _cheapest_start(wanted, window, practitioners)
    if complete and complete[0] <= WAIT * PATIENCE_DAYS:
        return complete[1]
    if complete and complete[0] <= _worth(_with_gaps(wanted, window, [ANYBODY])):
        return complete[1]
    gapped = _with_gaps(wanted, window, practitioners)
    return complete[1] if complete and complete[0] <= _worth(gapped) else gapped[1]


def _with_gaps(wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int]) -> Found:
    tries = [cheapest_path(wanted, window, who, _FAR, gaps=True) for who in practitioners]
    return min((found for found in tries if found), key=lambda found: found[0])


def _worth(found: Found) -> int:
    """The cost when each session left out counts as so many days' wait."""
    missing = sum(1 for _, opening in found[1] if opening is None)
    return found[0] - missing * (LEFT_OUT - WAIT * PATIENCE_DAYS)


def place_again(wanted: Sequence[Wanted], window: Window, practitioner: int) -> list[Place] | None:
    """Place the first session anew, and move as few of those after it as the gap bounds allow."""
    for width, gaps in ((_NEAR, False), (_FAR, False), (_FAR, True)):
        found = cheapest_path(wanted, window, practitioner, width, gaps=gaps)
        if found:
            return found[1]
    return None


def _cheapest_start(wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int]) -> Found | None:
    """Branch and bound: what would cost too much even if continuity were free is not looked at further."""
    best: list[Place] | None = None
    cost = LEFT_OUT
    for day in _by_wait(window):
        wait = round(WAIT * abs(day - window.ideal))
        if wait >= cost:
            break
        on_day, shift = Window(day, day, day), day - wanted[0].ideal
        bound = cheapest_path(wanted, on_day, ANYBODY, _NEAR, shift=shift, below=cost - wait)
        for practitioner in practitioners if bound else ():
            found = cheapest_path(wanted, on_day, practitioner, _NEAR, shift=shift, below=cost - wait)
            if found:
                cost, best = found[0] + wait, found[1]
            if found and bound and found[0] == bound[0]:
                break
    return (cost, best) if best else None


def _by_wait(window: Window) -> list[int]:
    return sorted(range(window.first, window.last + 1), key=lambda day: (abs(day - window.ideal), day))


def cheapest_path(
    wanted: Sequence[Wanted],
    window: Window,
    practitioner: int,
    width: int,
    *,
    gaps: bool = False,
    shift: float = 0,
    below: float = inf,
) -> Found | None:
    """The cheapest days for all of `wanted`; None where not all can be placed, or not `below` that cost.

    With `gaps`, sessions may be left out; they count as held about their day, so that the others
    keep their distance.
    """
    layers: list[Layer] = []
    low, high = window.first, window.last
    for index, want in enumerate(wanted):
        if index:
            low, high = low + want.min_gap, high + want.max_gap
        centre = min(max(want.ideal + shift, low), high)
        near = range(max(low, ceil(centre - width)), min(high, floor(centre + width)) + 1)
        options = dict(_options(want, near, practitioner, centre, gaps=gaps))
        if want.kept and low <= want.kept.day <= high:
            options[want.kept.day] = (_off(want.kept.day, centre), want.kept)
        layer = _joined(layers[-1], options, want) if index else {d: (c, o, 0) for d, (c, o) in options.items()}
        layers.append({day: entry for day, entry in layer.items() if entry[0] < below})
        if not layers[-1]:
            return None
    return _walk_back(layers)


def _joined(before: Layer, options: Options, want: Wanted) -> Layer:
    """Each day with the cheapest day before it that keeps the gap bounds."""
    layer: Layer = {}
    costs = {day: cost for day, (cost, _, _) in before.items()}
    for day, (cost, opening) in options.items():
        near = [(costs[at], at) for at in range(day - want.max_gap, day - want.min_gap + 1) if at in costs]
        if near:
            total, at = min(near)
            layer[day] = (total + cost, opening, at)
    return layer


def _walk_back(layers: Sequence[Layer]) -> Found:
    total, day = min((cost, day) for day, (cost, _, _) in layers[-1].items())
    places: list[Place] = []
    for layer in reversed(layers):
        _, opening, before = layer[day]
        places.append((day, opening))
        day = before
    return total, places[::-1]


def _options(
    want: Wanted, days: range, practitioner: int, centre: float, *, gaps: bool
) -> Iterator[tuple[int, tuple[int, Opening | None]]]:
    for day in days:
        cost, opening = want.moving + _off(day, centre), want.openings.best(day, practitioner)
        if opening is None:
            cost, opening = cost + OTHER_PRACTITIONER, want.openings.best(day, ANYBODY)
        if opening:
            yield day, (cost if opening.preferred else cost + NOT_PREFERRED, opening)
        elif gaps and want.may_stay_out and want.out_on is None:
            yield day, (cost + LEFT_OUT, None)
    if gaps and want.out_on is not None:
        yield want.out_on, (LEFT_OUT, None)


def _off(day: int, centre: float) -> int:
    return round(OFF_IDEAL * (day - centre) ** 2)
