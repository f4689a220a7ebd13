"""Who gets a new course must not depend on how much of the past a process happens to remember.

A service that was restarted knows what is taken from yesterday on, one that ran for weeks knows
more. Once the two chose different practitioners for the same patient.
"""

from dataclasses import replace

from services.scheduling.domain.busy import Busy
from tests.domain.scheduling_examples import NOW, live, plan, schedule, tell

WHOLE_DAY = (1 << 600) - 1


def who_treats(taken: Busy) -> set[int]:
    state, _ = tell(replace(schedule(), busy=taken), plan())
    return {appointment.practitioner for appointment in live(state)}


def test_what_is_over_does_not_count_as_load() -> None:
    today = NOW.date().toordinal()
    of_weeks_ago = {1: {today - days: WHOLE_DAY for days in range(2, 30)}}
    assert who_treats(Busy(of_weeks_ago)) == who_treats(Busy()) == {1}


def test_what_is_to_come_counts_as_load() -> None:
    today = NOW.date().toordinal()
    assert who_treats(Busy({1: {today + 200: WHOLE_DAY}})) == {2}
