"""New zone data: the same wall time is another instant, and appointments keep the wall time."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tzdata

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.replanning import replan
from shared.events import scheduling
from tests.domain.scheduling_examples import NOW, WEEKLY, calendar, live, of_kind, overlaps, plan, schedule, tell
from tests.domain.test_scheduling_calendars import described

HOUR = timedelta(hours=1)
ZONES = Path(tzdata.__file__).parent / "zoneinfo"


def new_rules(like: str) -> ZoneInfo:
    """Europe/London, as if it had taken over the rules of another zone."""
    with (ZONES / like).open("rb") as file:
        return ZoneInfo.from_file(file, key="Europe/London")


def under(zone: ZoneInfo, state: ClinicSchedule) -> ClinicSchedule:
    """The same appointments, seen by newer zone data."""
    assert state.calendar
    newer = replace(state.calendar, zone=zone)
    return replace(state, calendar=newer, busy=state.busy.seen_from(newer, state.calendar))


def booked(*patients: str) -> ClinicSchedule:
    state, _ = tell(schedule(*patients), *(plan(name, [WEEKLY]) for name in patients))
    return state


def test_appointments_keep_their_wall_time_and_people_are_told() -> None:
    before = booked("p1", "p2")
    decision = replan(under(new_rules("Europe/Paris"), before), NOW, described())
    for patient in ("p1", "p2"):
        old, new = live(before, patient), live(decision.state, patient)
        assert [a.start for a in new] == [a.start - HOUR for a in old], "an hour ahead of London: an hour sooner"
        assert [a.local_start for a in new] == [a.local_start for a in old]
        assert [(a.practitioner, a.room) for a in new] == [(a.practitioner, a.room) for a in old]
        assert [a.version for a in new] == [2] * len(old)
    assert len(of_kind(decision.facts, scheduling.AppointmentMoved)) == 8
    assert overlaps(decision.state) == []
    again = replan(decision.state, NOW, described())
    assert again.state is decision.state
    assert again.facts == ()


def test_zone_data_that_say_the_same_move_nobody() -> None:
    state = booked("p1")
    decision = replan(under(new_rules("Europe/London"), state), NOW, described())
    assert decision.facts == ()
    assert live(decision.state) == live(state)


def test_another_zone_of_the_clinic_is_no_new_zone_data() -> None:
    """Whoever mends a wrong zone does not ask everybody to come at another time."""
    state = booked("p1")
    decision = replan(under(ZoneInfo("Europe/Dublin"), state), NOW, described())
    assert live(decision.state) == live(state)


def test_what_can_not_be_at_its_wall_time_any_more_is_planned_again_or_reported() -> None:
    before = booked("p1")
    state = under(new_rules("Europe/Paris"), before)
    assert state.calendar
    first = live(before)[0]
    assert first.local_start
    day = first.local_start.date().toordinal()
    taken = state.calendar.spans(first.start - HOUR, first.start)
    state = replace(state, busy=state.busy.taking(first.practitioner, taken))
    decision = replan(state, NOW, described())
    moved = next(a for a in live(decision.state) if a.sequence == 1)
    assert moved.local_start != first.local_start
    assert moved.version == 2, "told, whether it is at another instant or by the clocks alone"
    assert moved.start.toordinal() >= day
    assert overlaps(decision.state) == []


@pytest.mark.parametrize("like", ["Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_any_new_rules_leave_every_session_at_its_wall_time_or_reported(like: str) -> None:
    before = booked("p1", "p2", "p3")
    decision = replan(under(new_rules(like), before), NOW, described())
    zone = decision.state.calendar.zone if decision.state.calendar else None
    for patient in ("p1", "p2", "p3"):
        walls = {a.sequence: a.local_start for a in live(before, patient)}
        for appointment in live(decision.state, patient):
            assert appointment.start.astimezone(zone).replace(tzinfo=None) == appointment.local_start
            assert appointment.local_start == walls[appointment.sequence]
    assert overlaps(decision.state) == []


def test_a_wall_time_is_noted_whenever_an_appointment_gets_a_time() -> None:
    state, _ = tell(schedule(on=calendar(zone="America/New_York")), plan("p1", [WEEKLY], starts_on=date(2026, 3, 4)))
    there = ZoneInfo("America/New_York")
    for appointment in live(state):
        assert appointment.local_zone == there.key
        assert appointment.local_start == appointment.start.astimezone(there).replace(tzinfo=None)
