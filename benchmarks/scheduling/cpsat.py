"""An independent formulation of booking's objective for OR-Tools' CP-SAT, which proves its optimum.

It shares the weights and the calendar's opening times with the engine, and nothing of how the engine searches:
free times are found minute by minute here, and days, gaps, quotas and continuity are constraints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ortools.sat.python import cp_model

from benchmarks.scheduling.instances import NOW, Instance
from services.scheduling.domain.booking import START_WITHIN_DAYS
from services.scheduling.domain.objective import (
    LEFT_OUT,
    NO_THERAPY,
    NOT_PREFERRED,
    OFF_RHYTHM,
    OTHER_PRACTITIONER,
    OVER_QUOTA,
    UNEVEN,
    wait,
)
from shared.events.clinical import PreferredTime, VisitLimit, Weekday

_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sitting:
    """One session of the plan, by its phase."""

    spacing: float
    low: int
    high: int
    quota: int


Slots = dict[tuple[int, int], int]
"""By practitioner and day with a free time: 0 where one is preferred, else what that costs."""

Costs = dict[int, int]
"""By day."""


class NotProven(Exception):
    """CP-SAT ran out of time."""


def optimum(made: Instance, *, strictly: bool) -> int | None:
    """The proven least cost of the course; None where it can't be booked.

    Raises:
        NotProven: not within two minutes.
    """
    sittings = list(_sittings(made))
    first = max(made.plan.starts_on.toordinal(), NOW.toordinal() + 1)
    last = first + START_WITHIN_DAYS + sum(sitting.high for sitting in sittings[1:])
    slots, best = _slots(made, first, last), None
    for main in _candidates(made):
        model = _Model(sittings, _prices(slots, main), first, strictly=strictly)
        model.limit(made.plan.limits)
        found = model.solve(best)
        best = best if found is None else found
    return best


def _prices(slots: Slots, main: int) -> Costs:
    """What each day with a free time costs a session of a course with that main practitioner."""
    prices: Costs = {}
    for (who, day), price in slots.items():
        whole = price if who == main else price + OTHER_PRACTITIONER
        prices[day] = min(whole, prices.get(day, whole))
    return prices


def _sittings(made: Instance) -> Iterator[Sitting]:
    for phase in made.plan.phases:
        spacing = min(max(7 / phase.sessions_per_week, phase.min_gap_days), phase.max_gap_days)
        quota = next(number for number in range(1, 8) if number * spacing >= 7 - 1e-5)
        for _ in range(phase.sessions):
            yield Sitting(spacing, phase.min_gap_days, phase.max_gap_days, quota)


def _candidates(made: Instance) -> list[int]:
    """Who may be the main practitioner."""
    resources = made.schedule.calendar.resources.values() if made.schedule.calendar else ()
    able = [r for r in resources if r.kind == "practitioner" and made.plan.skill in r.offers]
    named = [r.id for r in able if r.external_id == made.plan.practitioner_id]
    return named or [r.id for r in able]


def _slots(made: Instance, first: int, last: int) -> Slots:
    calendar, plan = made.schedule.calendar, made.plan
    assert calendar
    able = [r.id for r in calendar.resources.values() if r.kind == "practitioner" and plan.skill in r.offers]
    rooms = [r.id for r in calendar.resources.values() if r.kind == "room" and plan.room_kind in r.offers]
    found: Slots = {}
    for day in range(first, last + 1):
        free_rooms = [start for start in range(0, 1440, calendar.slot_minutes) if _any(made, rooms, day, start)]
        for who in able:
            starts = [start for start in free_rooms if is_free(made, who, day, start)]
            starts = [start for start in starts if patient_can(made, day, start)]
            if starts:
                found[who, day] = min(_start_price(made, day, start) for start in starts)
    return found


def _start_price(made: Instance, day: int, start: int) -> int:
    plan = made.plan
    wished = not plan.preferred_times or _within(plan.preferred_times, made, day, start)
    return (0 if wished else NOT_PREFERRED) + (0 if _beside_therapy(made, day, start) else NO_THERAPY)


def _beside_therapy(made: Instance, day: int, start: int) -> bool:
    """Whether a therapy as long as the session fits on the day, the buffer to the asked minutes before or after."""
    calendar, minutes = made.schedule.calendar, made.plan.session_minutes
    assert calendar
    kinds = {each.kind: each.within_minutes or 1440 for each in made.plan.co_interventions if each.same_day}
    able = [r.id for r in calendar.resources.values() if r.kind == "practitioner" and r.offers & kinds.keys()]
    within, buffer = max(kinds.values(), default=0), calendar.buffer_minutes
    near = [
        other
        for gap in range(buffer, within + 1)
        for other in (start + minutes + gap, start - gap - minutes)
        if 0 <= other <= 1440 - minutes - buffer
    ]
    busy = made.schedule.busy.on(made.schedule.patients[made.plan.patient_id].resource, day)
    free = [other for other in near if not any(busy >> minute & 1 for minute in range(other, other + minutes))]
    return not able or any(is_free(made, who, day, other) for other in free for who in able)


def _any(made: Instance, rooms: list[int], day: int, start: int) -> bool:
    return any(is_free(made, room, day, start) for room in rooms)


def is_free(made: Instance, resource: int, day: int, start: int) -> bool:
    """Open for the session, and not taken for it and the time after it."""
    calendar, minutes = made.schedule.calendar, made.plan.session_minutes
    assert calendar
    opened, taken = calendar.open_minutes(resource, day), made.schedule.busy.on(resource, day)
    return all(opened >> minute & 1 for minute in range(start, start + minutes)) and not any(
        taken >> minute & 1 for minute in range(start, start + minutes + calendar.buffer_minutes)
    )


def patient_can(made: Instance, day: int, start: int) -> bool:
    taken = made.schedule.busy.on(made.schedule.patients[made.plan.patient_id].resource, day)
    minutes = range(start, start + made.plan.session_minutes)
    begin = NOW.timestamp() // 60 + 24 * 60
    calendar = made.schedule.calendar
    assert calendar
    if calendar.first_minute(day) + start < begin or any(taken >> minute & 1 for minute in minutes):
        return False
    return not any(_covers(each, day, minute) for each in made.plan.impossible_times for minute in minutes)


def _within(times: tuple[PreferredTime, ...], made: Instance, day: int, start: int) -> bool:
    minutes = range(start, start + made.plan.session_minutes)
    return all(any(_covers(each, day, minute) for each in times) for minute in minutes)


def _covers(time: PreferredTime, day: int, minute: int) -> bool:
    begin, end = time.start.hour * 60 + time.start.minute, time.end.hour * 60 + time.end.minute
    return time.weekday == tuple(Weekday)[date.fromordinal(day).weekday()] and begin <= minute < end


class _Model:
    """The course of one main practitioner as a flow from session to session over the days, with quotas on weeks."""

    def __init__(self, sittings: list[Sitting], prices: Costs, first: int, *, strictly: bool) -> None:
        self._model: Any = cp_model.CpModel()
        self._costs: list[Any] = []
        self._strictly = strictly
        low, high = first, first + START_WITHIN_DAYS
        held: list[dict[int, Any]] = []
        for index, sitting in enumerate(sittings):
            low, high = (low + sitting.low, high + sitting.high) if index else (low, high)
            held.append(self._session(prices, range(low, high + 1)))
        self._costs += [wait(day, first) * each for day, each in held[0].items()]
        for index in range(1, len(sittings)):
            self._steps(sittings[index], held[index - 1], held[index])
        self._quotas(sittings, held)
        self._days = [sum(day * each for day, each in days.items()) for days in held]

    def limit(self, limits: Sequence[VisitLimit]) -> None:
        """No more than so many sessions within any so many days. Only right where none is left out."""
        for each in limits:
            for earlier, later in zip(self._days, self._days[each.sessions :], strict=False):
                self._model.add(later - earlier >= each.within_days)

    def solve(self, below: int | None) -> int | None:
        """The least sum of all costs; None where none is possible, or none `below`."""
        total = sum(self._costs)
        if below is not None:
            self._model.add(total <= below - 1)
        self._model.minimize(total)
        solver: Any = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = _SECONDS
        solver.parameters.num_workers = 1
        status = solver.solve(self._model)
        if status == cp_model.INFEASIBLE:
            return None
        if status != cp_model.OPTIMAL:
            raise NotProven(solver.status_name(status))
        return round(solver.objective_value)

    def _session(self, prices: Costs, days: range) -> dict[int, Any]:
        """By day, whether the session is held then, or left out about then."""
        held: dict[int, Any] = {}
        for day in days:
            price = prices.get(day) if self._strictly else min(prices.get(day, LEFT_OUT), LEFT_OUT)
            if price is not None:
                held[day] = self._model.new_bool_var("")
                self._costs.append(price * held[day])
        self._model.add_exactly_one(held.values())
        return held

    def _steps(self, sitting: Sitting, before: dict[int, Any], after: dict[int, Any]) -> None:
        """What flows out of the day of one session flows into that of the next, at the price of the gap."""
        out: dict[int, list[Any]] = {day: [] for day in before}
        into: dict[int, list[Any]] = {day: [] for day in after}
        for day in before:
            for gap in range(sitting.low, sitting.high + 1):
                if day + gap in after:
                    step = self._model.new_bool_var("")
                    out[day].append(step)
                    into[day + gap].append(step)
                    off = abs(gap - sitting.spacing)
                    price = round(UNEVEN * off**2) + (OFF_RHYTHM if off > 1 + 1e-6 else 0)
                    self._costs.append(price * step)
        for held, steps in ((before, out), (after, into)):
            for day, each in held.items():
                self._model.add(sum(steps[day]) == each)

    def _quotas(self, sittings: list[Sitting], held: list[dict[int, Any]]) -> None:
        """A session is over its quota where some session is the first of the same week, too many before it."""
        in_week = [_by_week(days) for days in held]
        for index in range(len(sittings)):
            over = self._model.new_bool_var("")
            for first in range(max(0, index - 6), index):
                quota = max(sitting.quota for sitting in sittings[first : index + 1])
                if index - first + 1 <= quota:
                    continue
                for week in in_week[first].keys() & in_week[index].keys():
                    before = in_week[first - 1].get(week, 0) if first else 0
                    self._model.add(over >= in_week[first][week] - before + in_week[index][week] - 1)
            if self._strictly:
                self._model.add(over == 0)
            self._costs.append(OVER_QUOTA * over)


def _by_week(days: dict[int, Any]) -> dict[int, Any]:
    weeks: dict[int, Any] = {}
    for day, each in days.items():
        week = date.fromordinal(day).isocalendar()[:2]
        key = week[0] * 100 + week[1]
        weeks[key] = weeks.get(key, 0) + each
    return weeks
