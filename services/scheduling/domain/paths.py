"""The cheapest days for all sessions of a course: exact, and quick.

First backwards from the last session, with quotas left aside: what each day costs at the least from there on.
Where the cheapest path keeps its quotas, as it mostly does, that is the answer; else those costs lead an A*
search whose state is the day of the session before, the how manieth of its calendar week it is, and that week's
quota so far. Gap bounds, spacing and quotas need no more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from operator import add

from services.scheduling.domain.course import Session
from services.scheduling.domain.objective import LEFT_OUT, NEVER, OVER_QUOTA, STRICT, Rules, uneven, week_of
from services.scheduling.domain.openings import ANYBODY, Opening, Openings

Place = tuple[int, Opening | None]
"""A day and what was found on it; without an opening the session stays unplaced about that day."""
Days = tuple[int, ...]
Week = tuple[int, int]
"""The how manieth session of its week is the last one, and the week's quota by the sessions up to it."""


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
    not_after: int = NEVER
    """Between which days the limits on visits leave it a time."""

    @property
    def steps(self) -> Sequence[int]:
        """What each of the distances to the session before costs, from `min_gap` to `max_gap` days."""
        return _steps(self.min_gap, self.max_gap, self.session.spacing_days)

    def prices(self, days: range, main: int, rules: Rules) -> list[int]:
        """What each of the days costs the session; `NEVER` where it can't be then."""
        prices = [NEVER] * len(days) if self.fixed else self._free_prices(days, main, rules)
        if self.kept and self.kept.day in days and self._may_be(self.kept.day):
            prices[days.index(self.kept.day)] = 0
        return prices

    def opening(self, day: int, main: int) -> Opening | None:
        """What there is on a day."""
        if not self._may_be(day):
            return None
        return self.kept if self.kept and self.kept.day == day else self.openings.choice(day, main)

    def _may_be(self, day: int) -> bool:
        return self.not_before <= day <= self.not_after

    def _free_prices(self, days: range, main: int, rules: Rules) -> list[int]:
        prices = self.openings.prices(days, main)
        if self.not_before > days.start or self.not_after < days.stop:
            prices = [price if self._may_be(day) else NEVER for day, price in zip(days, prices, strict=True)]
        if rules.leave_out and self.may_stay_out:
            out = days if self.out_on is None else range(self.out_on, self.out_on + 1)
            prices = [min(price, LEFT_OUT) if day in out else price for day, price in zip(days, prices, strict=True)]
        return [price + self.moving for price in prices] if self.moving else prices


@dataclass(frozen=True)
class Ahead:
    """What each session on each of its days costs together with all later ones, at the least: quotas left aside."""

    wanted: Sequence[Wanted]
    spans: Sequence[range]
    """The days that each session may have."""
    costs: Sequence[Sequence[int]]
    """By session, for each day of its span."""
    first: Mapping[int, int]
    """By first day, what a whole course costs at the least."""

    def onward(self, index: int, day: int) -> Iterator[tuple[int, int]]:
        """The days that a session can have after `day`, each with how much more it costs than the best of them."""
        want = self.wanted[index]
        first = day + want.min_gap
        at = first - self.spans[index].start
        costs = list(map(add, self.costs[index][at : at + len(want.steps)], want.steps))
        least = min(costs)
        return ((first + later, cost - least) for later, cost in enumerate(costs))

    def straight(self) -> tuple[int, Days]:
        """The least cost, and the days of a path that costs it; of several, the earliest."""
        least = min(self.first.values())
        days: Days = (min(day for day, cost in self.first.items() if cost == least),)
        while least < NEVER and len(days) < len(self.wanted):
            days = (*days, next(day for day, detour in self.onward(len(days), days[-1]) if not detour))
        return least, days


@dataclass(frozen=True)
class Paths:
    """The ways through the days that a course can take, from any of its first days."""

    wanted: Sequence[Wanted]
    starts: Mapping[int, int]
    """The days that the first session may have, with what waiting for them costs."""
    held: Mapping[int, int] = field(default_factory=dict[int, int])
    """By calendar week, how many sessions of the course stay where they are."""
    rules: Rules = STRICT

    @cached_property
    def bound(self) -> int:
        """What every path costs at the least, whoever treats."""
        return min(self._ahead(ANYBODY).first.values())

    def cheapest(self, main: int, below: int = NEVER) -> tuple[int, Days] | None:
        """The cost and the days of the cheapest path for a main practitioner; None where none is `below`."""
        ahead = self._ahead(main)
        bound, days = ahead.straight()
        if bound >= below:
            return None
        return (bound, days) if self.keep_quotas(days) else self._searched(ahead, below)

    def places(self, days: Sequence[int], main: int) -> list[Place]:
        """What there is for each session on its day."""
        return [(day, want.opening(day, main)) for want, day in zip(self.wanted, days, strict=True)]

    @cached_property
    def _spans(self) -> list[range]:
        spans = [range(min(self.starts), max(self.starts) + 1)]
        for want in self.wanted[1:]:
            spans.append(range(spans[-1].start + want.min_gap, spans[-1].stop + want.max_gap))
        return spans

    def _ahead(self, main: int) -> Ahead:
        """Backwards from the last session, for a main practitioner or for `ANYBODY`."""
        costs, rest = list[list[int]](), list[int]()
        for index in range(len(self.wanted) - 1, -1, -1):
            want = self.wanted[index]
            here = want.prices(self._spans[index], main, self.rules)
            costs.append(list(map(add, here, rest)) if rest else here)
            rest = _least(costs[-1], want.steps) if index else rest
        first = {day: costs[-1][day - self._spans[0].start] + cost for day, cost in self.starts.items()}
        return Ahead(self.wanted, self._spans, costs[::-1], first)

    def _searched(self, ahead: Ahead, below: int) -> tuple[int, Days] | None:
        """The cheapest path that counts what breaking quotas costs, or breaks none."""
        waiting: list[tuple[int, Days, Week]] = []
        for day, cost in ahead.first.items():
            self._push(waiting, below, cost, (day,), (0, 0))
        seen: set[tuple[int, int, Week]] = set()
        while waiting:
            cost, days, week = heappop(waiting)
            if len(days) == len(self.wanted):
                return cost, days
            state = (len(days), days[-1], week)
            if state not in seen:
                seen.add(state)
                for day, detour in ahead.onward(len(days), days[-1]):
                    self._push(waiting, below, cost + detour, (*days, day), week)
        return None

    def _push(self, waiting: list[tuple[int, Days, Week]], below: int, cost: int, days: Days, week: Week) -> None:
        """Let a path wait for its turn, with what the quota of its last day costs it."""
        week = self._in_week(days, week)
        if week[0] > week[1]:
            cost += OVER_QUOTA if self.rules.over_quota else NEVER
        if cost < below:
            heappush(waiting, (cost, days, week))

    def keep_quotas(self, days: Days) -> bool:
        """Whether no session is one more than its week's quota."""
        week: Week = (0, 0)
        for index in range(len(days)):
            week = self._in_week(days[: index + 1], week)
            if week[0] > week[1]:
                return False
        return True

    def _in_week(self, days: Days, before: Week) -> Week:
        """The week of the last of the days."""
        week, quota = week_of(days[-1]), self._quotas[len(days) - 1]
        if len(days) > 1 and week_of(days[-2]) == week:
            return before[0] + 1, max(before[1], quota)
        return self.held.get(week, 0) + 1, quota

    @cached_property
    def _quotas(self) -> list[int]:
        return [want.session.quota for want in self.wanted]


def _least(later: Sequence[int], steps: Sequence[int]) -> list[int]:
    """For each day the least that a step to a later one, and all after it, cost."""
    size = len(later) - len(steps) + 1
    costs = [[cost + step for cost in later[at : at + size]] for at, step in enumerate(steps)]
    return list(map(min, *costs)) if len(costs) > 1 else costs[0]


@lru_cache(maxsize=4096)
def _steps(low: int, high: int, spacing: float) -> Sequence[int]:
    return [uneven(gap, spacing) for gap in range(low, high + 1)]
