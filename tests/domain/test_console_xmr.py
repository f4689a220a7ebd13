"""XmR charts against figures worked out by hand, and each run rule with a series that just breaks it."""

from datetime import date, timedelta
from math import isclose

import pytest

from services.console.domain.xmr import LEAST_WEEKS, Week, xmr

MONDAY = date(2026, 1, 5)


def weeks(*values: float) -> list[Week]:
    return [Week(MONDAY + timedelta(weeks=at), value, 5) for at, value in enumerate(values)]


def test_limits_are_2_66_mean_moving_ranges_from_the_mean() -> None:
    chart = xmr(weeks(10, 12, 11, 13, 10, 12))
    # Ranges 2, 1, 2, 3, 2: mean 2. Mean of the values 68 / 6.
    limits = chart.limits
    assert limits is not None
    assert isclose(limits.mean, 68 / 6)
    assert isclose(limits.mean_range, 2)
    assert isclose(limits.lower, 68 / 6 - 5.32)
    assert isclose(limits.upper, 68 / 6 + 5.32)
    assert isclose(limits.upper_range, 6.534)
    assert [point.moving_range for point in chart.points] == [None, 2, 1, 2, 3, 2]


def test_few_weeks_have_no_limits_and_nothing_stands_out() -> None:
    chart = xmr(weeks(*[1, 99] * 3)[: LEAST_WEEKS - 1])
    assert chart.limits is None
    assert not any(point.broken for point in chart.points)
    assert xmr([]).points == ()


def test_weeks_that_are_all_the_same_do_not_stand_out() -> None:
    assert not any(point.broken for point in xmr(weeks(*[5] * 20)).points)


STEADY = [9, 11] * 12
"""Mean 10, mean range 2: sigma 1.77, limits 4.68 and 15.32, for as long as little is added."""


@pytest.mark.parametrize(
    ("rule", "breaks", "just_not"),
    [
        (1, [17], [15]),
        (2, [14.5, 14.5], [14.5, 12]),
        (3, [13, 13, 9, 13, 13], [13, 13, 9, 9, 13]),
        (4, [11, 11, 11, 11, 11, 11, 11], [11, 11, 11, 11, 11, 11, 9]),
    ],
)
def test_a_run_rule_marks_the_week_that_breaks_it(rule: int, breaks: list[float], just_not: list[float]) -> None:
    assert rule in xmr(weeks(*STEADY, *breaks)).points[-1].broken
    assert not any(rule in point.broken for point in xmr(weeks(*STEADY, *just_not)).points)
