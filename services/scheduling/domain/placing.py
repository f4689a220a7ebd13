"""Choosing the days of a course: an exact dynamic programme over (session, day).

For a first day and a main practitioner, the state is the day of the session before; the cost of a day
is that of its cheapest opening. Gap bounds are hard. Costs are in thousandths of one day's wait.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from services.scheduling.domain.course import Session
from services.scheduling.domain.openings import Opening, Openings

WAIT = 1000
"""One day between the wished and the real first session."""
OFF_IDEAL = 700
"""One day away from the ideal day; it grows with the square."""
NOT_PREFERRED = 1500
OTHER_PRACTITIONER = 4000
"""Continuity: worth two days of deviation."""
LEFT_OUT = 10**9
"""A session without a time: worse than moving everything else."""
_NEAR, _FAR = 4, 12
"""Days around the ideal that are tried first, and when that gave no complete course."""

Place = tuple[int, Opening | None]
"""A day and what was found on it; without an opening the session stays unplaced about that day."""
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

    Ideal days count from the first session's. Where there is no complete course, the one with
    the fewest sessions left out.
    """
    best = _cheapest_start(wanted, window, practitioners)
    if best is not None:
        return best
    tries = [cheapest_path(wanted, window, who, _FAR, gaps=True) for who in practitioners]
    return min((found for found in tries if found), key=lambda found: found[0])[1]


def place_again(wanted: Sequence[Wanted], window: Window, practitioner: int) -> list[Place]:
    """Place the first session anew, and move as few of those after it as the gap bounds allow."""
    for width in (_NEAR, _FAR):
        found = cheapest_path(wanted, window, practitioner, width, gaps=False)
        if found:
            return found[1]
    found = cheapest_path(wanted, window, practitioner, _FAR, gaps=True)
    assert found, "what stays where it is always fits"
    return found[1]


def _cheapest_start(wanted: Sequence[Wanted], window: Window, practitioners: Sequence[int]) -> list[Place] | None:
    best: tuple[int, list[Place]] | None = None
    for practitioner in practitioners:
        for day in _by_wait(window):
            wait = round(WAIT * abs(day - window.ideal))
            if best and wait >= best[0]:
                break
            shift = day - wanted[0].ideal
            found = cheapest_path(wanted, Window(day, day, day), practitioner, _NEAR, gaps=False, shift=shift)
            if found and (best is None or found[0] + wait < best[0]):
                best = (found[0] + wait, found[1])
    return best[1] if best else None


def _by_wait(window: Window) -> list[int]:
    return sorted(range(window.first, window.last + 1), key=lambda day: (abs(day - window.ideal), day))


def cheapest_path(
    wanted: Sequence[Wanted], window: Window, practitioner: int, width: int, *, gaps: bool, shift: float = 0
) -> tuple[int, list[Place]] | None:
    """The cheapest days for all of `wanted`, or None where not all can be placed.

    With `gaps`, optional sessions may be left out; they count as held about their day, so that
    the others keep their distance.
    """
    layers: list[dict[int, tuple[int, Opening | None, int]]] = []
    low, high = window.first, window.last
    for index, want in enumerate(wanted):
        if index:
            low, high = low + want.min_gap, high + want.max_gap
        centre = min(max(want.ideal + shift, low), high)
        near = range(max(low, ceil(centre - width)), min(high, floor(centre + width)) + 1)
        options = dict(_options(want, near, practitioner, centre, gaps=gaps))
        if want.kept and low <= want.kept.day <= high:
            options[want.kept.day] = (_off(want.kept.day, centre), want.kept)
        layer = _joined(layers[-1], options, want) if layers else {d: (c, o, 0) for d, (c, o) in options.items()}
        if not layer:
            return None
        layers.append(layer)
    return _walk_back(layers)


def _joined(
    before: Mapping[int, tuple[int, Opening | None, int]], options: Options, want: Wanted
) -> dict[int, tuple[int, Opening | None, int]]:
    """Each day with the cheapest day before it that keeps the gap bounds."""
    layer: dict[int, tuple[int, Opening | None, int]] = {}
    costs = {day: cost for day, (cost, _, _) in before.items()}
    for day, (cost, opening) in options.items():
        near = [(costs[at], at) for at in range(day - want.max_gap, day - want.min_gap + 1) if at in costs]
        if near:
            total, at = min(near)
            layer[day] = (total + cost, opening, at)
    return layer


def _walk_back(layers: Sequence[Mapping[int, tuple[int, Opening | None, int]]]) -> tuple[int, list[Place]]:
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
        opening = want.openings.best(day, practitioner)
        cost = 0 if opening else OTHER_PRACTITIONER
        opening = opening or _with_anybody(want.openings, day)
        if opening:
            taste = 0 if opening.preferred else NOT_PREFERRED
            yield day, (cost + taste + want.moving + _off(day, centre), opening)
        elif gaps and want.may_stay_out and want.out_on is None:
            yield day, (LEFT_OUT + _off(day, centre), None)
    if gaps and want.out_on is not None:
        yield want.out_on, (LEFT_OUT, None)


def _with_anybody(openings: Openings, day: int) -> Opening | None:
    """The best opening whoever treats: preferred times first, then the earliest."""
    found = [opening for who in openings.practitioners if (opening := openings.best(day, who))]
    return min(found, key=lambda opening: (not opening.preferred, opening.minute), default=None)


def _off(day: int, centre: float) -> int:
    return round(OFF_IDEAL * (day - centre) ** 2)
