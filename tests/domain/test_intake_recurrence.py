"""Recurrence rules against dateutil's, which is written by others; and rules that would keep a reader busy for ever."""

from datetime import date, datetime, time
from time import monotonic
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from icalendar import vRecur

from services.intake.api.ical.recurrence import days_of, rule_of
from services.intake.api.ical.refusal import NotUsable

DAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
NUMBERED = st.tuples(st.sampled_from(["1", "2", "-1"]), DAYS).map("".join)


@st.composite
def rules(draw: Any) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 3))}"]
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    if draw(st.booleans()):
        numbered = NUMBERED if frequency == "MONTHLY" and draw(st.booleans()) else DAYS
        parts.append(f"BYDAY={','.join(draw(st.lists(numbered, min_size=1, max_size=3, unique=True)))}")
    elif draw(st.booleans()) and frequency in ("MONTHLY", "YEARLY"):
        numbers = st.sampled_from([1, 15, 28, 31, -1, -2])
        parts.append(f"BYMONTHDAY={','.join(map(str, draw(st.lists(numbers, min_size=1, max_size=3, unique=True))))}")
    if draw(st.booleans()):
        parts.append(f"BYMONTH={','.join(map(str, draw(st.lists(st.integers(1, 12), min_size=1, unique=True))))}")
    if draw(st.booleans()) and frequency == "MONTHLY" and any(part.startswith("BYDAY") for part in parts):
        parts.append(f"BYSETPOS={draw(st.sampled_from([1, -1, 2]))}")
    return ";".join(parts)


@settings(deadline=None, max_examples=200, phases=[Phase.explicit, Phase.generate])
@given(rules(), st.dates(date(2025, 1, 1), date(2026, 6, 30)))
def test_the_days_are_those_that_dateutil_finds(rule: str, first: date) -> None:
    last = date(2027, 12, 31)
    theirs = rrulestr(rule, dtstart=datetime.combine(first, time.min))
    last_moment = datetime.combine(last, time.min)
    expected = [each.date() for each in theirs.between(datetime.combine(first, time.min), last_moment, inc=True)]
    assert list(days_of(rule_of(vRecur.from_ical(rule)), first, last)) == expected


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=MINUTELY;COUNT=10", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=YEARLY;BYWEEKNO=3"],
)
def test_rules_within_a_day_and_rare_parts_are_refused(rule: str) -> None:
    with pytest.raises(NotUsable):
        rule_of(vRecur.from_ical(rule))


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5", "FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2"],
)
def test_a_rule_that_never_comes_true_ends_soon(rule: str) -> None:
    began = monotonic()
    assert list(days_of(rule_of(vRecur.from_ical(rule)), date(2026, 1, 1), date(2027, 12, 31))) == []
    with pytest.raises(NotUsable):
        list(days_of(rule_of({"FREQ": ["DAILY"], "INTERVAL": [1]}), date(1900, 1, 1), date(2027, 12, 31)))
    assert monotonic() - began < 5
