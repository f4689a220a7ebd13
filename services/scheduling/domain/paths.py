"""The cheapest days for all sessions of a course: an exact dynamic programme.

The state is the day of the session before, the how manieth of its calendar week it is, and that week's
quota so far: gap bounds, spacing and quotas need no more. All first days are searched at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

from services.scheduling.domain.course import Session
from services.scheduling.domain.objective import LEFT_OUT, OVER_QUOTA, STRICT, Rules, uneven, week_of
from services.scheduling.domain.openings import ANYBODY, Opening, Openings

Place = tuple[int, Opening | None]
"""A day and what was found on it; without an opening the session stays unplaced about that day."""
Costs = Mapping[int, int]
"""By day."""
State = tuple[int, int, int]
"""A day, the how manieth session of its week is on it, and the week's quota by the sessions up to it."""
Layer = dict[State, tuple[int, State | None]]
"""By state: the cost up to here, the state of the session before."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One session to place: how far from the one before, what it has now."""

    session: Session
    openings: Openings
    min_gap: int
    max_gap: int
    kept: Opening | None = None
    moving: int = 0
    """What it costs to give up `kept`."""
    fixed: bool = False
    """It stays at `kept`."""
    may_stay_out: bool = True
    """Whether it may stay without a time when nothing fits."""
    out_on: int | None = None
    """The day that it counts as held on when it stays without a time; any where None."""
    not_before: int = 0
    """The first day that the limits on visits leave it."""

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The days that may lie between it and the session before, each with what it costs."""
        return [(gap, uneven(gap, self.session.spacing_days)) for gap in range(self.min_gap, self.max_gap + 1)]

    def cost(self, day: int, main: int, rules: Rules) -> int | None:
        """What a day costs the session; None where it can't be then."""
        allowed = day >= self.not_before
        if allowed and self.kept and self.kept.day == day:
            return 0
        if self.fixed:
            return None
        cost = self.openings.cost(day, main) if allowed else None
        if cost is None and rules.leave_out and self.may_stay_out and self.out_on in (None, day):
            cost = LEFT_OUT
        return None if cost is None else cost + self.moving

    def opening(self, day: int, main: int) -> Opening | None:
        """What there is on a day."""
        if day < self.not_before:
            return None
        return self.kept if self.kept and self.kept.day == day else self.openings.choice(day, main)


@dataclass(frozen=True)
class Paths:
    """The ways through the days that a course can take, from any of its first days."""

    wanted: Sequence[Wanted]
    starts: Costs
    """The days that the first session may have, with what waiting for them costs."""
    held: Mapping[int, int] = field(default_factory=dict[int, int])
    """By calendar week, how many sessions of the course stay where they are."""
    rules: Rules = STRICT

    @cached_property
    def bound(self) -> float:
        """What every path costs at the least; infinite where there is none."""
        ahead = self._ahead[0]
        return min((ahead[day] + cost for day, cost in self.starts.items() if day in ahead), default=inf)

    def cheapest(self, main: int, below: float = inf) -> tuple[int, list[int]] | None:
        """The cost and the days of the cheapest path for a main practitioner; None where none is `below`."""
        layers: list[Layer] = []
        for index in range(len(self.wanted)):
            layers.append(self._layer(index, layers[-1] if layers else None, main, below))
            if not layers[-1]:
                return None
        return min(cost for cost, _ in layers[-1].values()), _walk_back(layers)

    def places(self, days: Sequence[int], main: int) -> list[Place]:
        """What there is for each session on its day."""
        return [(day, want.opening(day, main)) for want, day in zip(self.wanted, days, strict=True)]

    @cached_property
    def _ahead(self) -> list[dict[int, int]]:
        """By session and day: what it and all later ones cost at the least, were quotas and continuity free."""
        spans = [(min(self.starts), max(self.starts))]
        for want in self.wanted[1:]:
            spans.append((spans[-1][0] + want.min_gap, spans[-1][1] + want.max_gap))
        ahead: list[dict[int, int]] = []
        for index in range(len(self.wanted) - 1, -1, -1):
            first, last = spans[index]
            ahead.append(self._ahead_of(index, range(first, last + 1), ahead[-1] if ahead else None))
        return ahead[::-1]

    def _ahead_of(self, index: int, days: range, later: Costs | None) -> dict[int, int]:
        want = self.wanted[index]
        gaps = [] if later is None else self.wanted[index + 1].gaps
        found: dict[int, int] = {}
        for day in days:
            rest = 0 if later is None else _least(later, day, gaps)
            own = None if rest is None else want.cost(day, ANYBODY, self.rules)
            if rest is not None and own is not None:
                found[day] = own + rest
        return found

    def _layer(self, index: int, before: Layer | None, main: int, below: float) -> Layer:
        """The states of one session from which a path may stay `below`."""
        want, ahead = self.wanted[index], self._ahead[index]
        quota = want.session.quota
        layer: Layer = {}
        for day, up_to, state in self._reached(want, before):
            least = ahead.get(day)
            if least is None or up_to + least >= below:
                continue
            own, free = want.cost(day, main, self.rules), want.cost(day, ANYBODY, self.rules)
            assert own is not None
            assert free is not None
            place = self._in_week(day, quota, state)
            over = OVER_QUOTA if place[1] > place[2] else 0
            if (over and not self.rules.over_quota) or up_to + least + own - free + over >= below:
                continue
            cost = up_to + own + over
            if place not in layer or cost < layer[place][0]:
                layer[place] = (cost, state)
        return layer

    def _reached(self, want: Wanted, before: Layer | None) -> list[tuple[int, int, State | None]]:
        """Each day that can follow, with the cost up to it."""
        if before is None:
            return [(day, cost, None) for day, cost in self.starts.items()]
        gaps = want.gaps
        return [(state[0] + gap, cost + price, state) for state, (cost, _) in before.items() for gap, price in gaps]

    def _in_week(self, day: int, quota: int, before: State | None) -> State:
        week = week_of(day)
        if before and week_of(before[0]) == week:
            return day, before[1] + 1, max(before[2], quota)
        return day, self.held.get(week, 0) + 1, quota


def _least(later: Costs, day: int, gaps: Sequence[tuple[int, int]]) -> int | None:
    return min((later[day + gap] + price for gap, price in gaps if day + gap in later), default=None)


def _walk_back(layers: Sequence[Layer]) -> list[int]:
    """The days of the cheapest path; of equally cheap ones, of that with the earlier days."""
    state: State | None = min(layers[-1], key=lambda state: (layers[-1][state][0], state))
    days: list[int] = []
    for layer in reversed(layers):
        assert state
        days.append(state[0])
        state = layer[state][1]
    return days[::-1]
