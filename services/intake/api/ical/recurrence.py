"""The days of a recurrence rule, period by period, so that no rule can keep us busy for long.

Rules by day, week, month and year with the parts that calendars really use; others are refused. Rules
by hour, minute and second describe no appointments, and would fill any memory.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.intake.api.ical.refusal import NotUsable

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
_MOST_PERIODS = 20_000
"""A daily rule since 1972."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence rule. `by_day` has weekdays (0 is Monday) with their number in the period, 0 for each."""

    frequency: str
    interval: int
    count: int | None
    until: date | None
    by_day: tuple[tuple[int, int], ...]
    by_month_day: tuple[int, ...]
    by_month: tuple[int, ...]
    by_position: tuple[int, ...]
    week_start: int


def rule_of(parts: Mapping[str, Sequence[Any]]) -> Rule:
    """A rule as icalendar reads it.

    Raises:
        NotUsable: it has a part that is not expanded here.
    """
    frequency = str(next(iter(parts.get("FREQ", [""]))))
    if frequency not in _PERIODS or not set(parts) <= _PARTS:
        raise NotUsable(
            "A recurrence rule is not by day, week, month or year, or has a part that is not read.",
            f"Use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY with {', '.join(sorted(_PARTS - {'FREQ'}))}.",
        )
    until = next(iter(parts.get("UNTIL", [])), None)
    return Rule(
        frequency=frequency,
        interval=max(1, int(next(iter(parts.get("INTERVAL", [1]))))),
        count=next((int(count) for count in parts.get("COUNT", [])), None),
        until=date(until.year, until.month, until.day) if until is not None else None,
        by_day=tuple(_weekday(str(each)) for each in parts.get("BYDAY", [])),
        by_month_day=tuple(map(int, parts.get("BYMONTHDAY", []))),
        by_month=tuple(map(int, parts.get("BYMONTH", []))),
        by_position=tuple(map(int, parts.get("BYSETPOS", []))),
        week_start=_WEEKDAYS.index(str(next(iter(parts.get("WKST", ["MO"]))))),
    )


def days_of(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The days of a rule that begins on `first`, up to `last`.

    Raises:
        NotUsable: it began too many periods ago.
    """
    last = min(last, rule.until or last)
    left = rule.count if rule.count is not None else -1
    for number, (begin, days) in enumerate(_PERIODS[rule.frequency](rule, first)):
        if begin > last or left == 0:
            return
        if number > _MOST_PERIODS:
            raise NotUsable("A recurrence began too long ago.", "Let it begin in this or the last year.")
        for day in _positions(sorted(set(days)), rule.by_position):
            if first <= day <= last and left != 0:
                left -= 1
                yield day


def _daily(rule: Rule, first: date) -> Iterator[tuple[date, list[date]]]:
    day = first
    while True:
        fits = _in_month(rule, day) and (not rule.by_day or day.weekday() in {each for each, _ in rule.by_day})
        fits = fits and (not rule.by_month_day or day in _month_days(day.year, day.month, rule.by_month_day))
        yield day, [day] if fits else []
        day += timedelta(days=rule.interval)


def _weekly(rule: Rule, first: date) -> Iterator[tuple[date, list[date]]]:
    wanted = {each for each, _ in rule.by_day} or {first.weekday()}
    week = first - timedelta(days=(first.weekday() - rule.week_start) % 7)
    while True:
        days = (week + timedelta(days=n) for n in range(7))
        yield week, [day for day in days if day.weekday() in wanted and _in_month(rule, day)]
        week += timedelta(weeks=rule.interval)


def _monthly(rule: Rule, first: date) -> Iterator[tuple[date, list[date]]]:
    months = first.year * 12 + first.month - 1
    while True:
        year, month = months // 12, months % 12 + 1
        fits = not rule.by_month or month in rule.by_month
        yield date(year, month, 1), _of_month(rule, year, month, first.day) if fits else []
        months += rule.interval


def _yearly(rule: Rule, first: date) -> Iterator[tuple[date, list[date]]]:
    year = first.year
    whole_year = bool(rule.by_day) and not rule.by_month and not rule.by_month_day
    while True:
        if whole_year:
            days = _weekdays(date(year, 1, 1), date(year, 12, 31), rule.by_day)
        else:
            every = range(1, 13) if rule.by_month_day and not rule.by_month else (first.month,)
            months = rule.by_month or every
            days = [day for month in months for day in _of_month(rule, year, month, first.day)]
        yield date(year, 1, 1), days
        year += rule.interval


_PERIODS = {"DAILY": _daily, "WEEKLY": _weekly, "MONTHLY": _monthly, "YEARLY": _yearly}


def _in_month(rule: Rule, day: date) -> bool:
    return not rule.by_month or day.month in rule.by_month


def _of_month(rule: Rule, year: int, month: int, otherwise: int) -> list[date]:
    begin, end = date(year, month, 1), date(year, month, monthrange(year, month)[1])
    if rule.by_month_day:
        days = _month_days(year, month, rule.by_month_day)
        return [day for day in days if not rule.by_day or day.weekday() in {each for each, _ in rule.by_day}]
    if rule.by_day:
        return _weekdays(begin, end, rule.by_day)
    return [begin.replace(day=otherwise)] if otherwise <= end.day else []


def _month_days(year: int, month: int, numbers: Sequence[int]) -> list[date]:
    length = monthrange(year, month)[1]
    days = (number if number > 0 else length + number + 1 for number in numbers)
    return [date(year, month, day) for day in days if 1 <= day <= length]


def _weekdays(begin: date, end: date, wanted: Sequence[tuple[int, int]]) -> list[date]:
    """Each of the weekdays between two days, or the one with its number, counted from the end where negative."""
    found: list[date] = []
    for weekday, number in wanted:
        first = begin + timedelta(days=(weekday - begin.weekday()) % 7)
        days = [first + timedelta(weeks=n) for n in range((end - first).days // 7 + 1)]
        if number == 0:
            found += days
        elif abs(number) <= len(days):
            found.append(days[number - 1 if number > 0 else number])
    return found


def _positions(days: Sequence[date], positions: Sequence[int]) -> list[date]:
    if not positions:
        return list(days)
    chosen = (position - 1 if position > 0 else len(days) + position for position in positions)
    return sorted(days[index] for index in set(chosen) if 0 <= index < len(days))


def _weekday(text: str) -> tuple[int, int]:
    try:
        return _WEEKDAYS.index(text[-2:]), int(text[:-2] or 0)
    except ValueError:
        raise NotUsable("A recurrence rule names no weekday.", "Write BYDAY=MO or BYDAY=-1FR.") from None
