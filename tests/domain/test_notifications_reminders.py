"""Reminders: three days and one day before, at a decent hour, never for what was just booked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.judgement import Dropped, judge
from services.notifications.domain.reminders import due
from services.notifications.domain.state import ClinicDesk, Delivery, DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from shared.events.base import Fact
from tests.domain.notifications_examples import FIRST, NOW, Example

EXAMPLE = Example()
ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "Asia/Tokyo"]


def after(*facts: Fact, now: datetime = NOW) -> Patient:
    patient = Patient(EXAMPLE.clinic_id, EXAMPLE.patient_id, ClinicDesk("Europe/London"))
    for fact in facts:
        patient = HANDLERS[type(fact)](patient, fact, now).state
    return patient


def reminders(patient: Patient, version: int = 1) -> dict[str, Delivery]:
    return {d.slot: d for d in patient.deliveries.values() if d.topic == "reminder" and d.subject_version == version}


def test_they_are_due_three_days_and_one_day_before_at_the_same_time_of_day() -> None:
    slots = reminders(after(EXAMPLE.registered(), EXAMPLE.booked(start=FIRST)))
    assert slots["3d"].due_at == datetime(2026, 5, 15, 13, 30, tzinfo=UTC)
    assert slots["1d"].due_at == datetime(2026, 5, 17, 13, 30, tzinfo=UTC)
    assert {d.valid_until for d in slots.values()} == {FIRST}


@pytest.mark.parametrize(("hour", "local"), [(6, "09:00"), (18, "19:00"), (19, "19:00"), (10, "11:00")])
def test_early_and_late_appointments_are_reminded_of_at_a_decent_hour(hour: int, local: str) -> None:
    start = datetime(2026, 7, 1, hour, tzinfo=UTC)
    assert f"{due(start, 1, ZoneInfo('Europe/London')).astimezone(ZoneInfo('Europe/London')):%H:%M}" == local


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # made aware below
    st.sampled_from(ZONES),
    st.sampled_from([1, 3]),
)
def test_wherever_the_patient_lives_they_come_by_day_so_many_calendar_days_before(
    naive: datetime, zone_name: str, days: int
) -> None:
    zone = ZoneInfo(zone_name)
    start = naive.replace(tzinfo=UTC)
    local = due(start, days, zone).astimezone(zone)
    assert 9 * 60 <= local.hour * 60 + local.minute <= 19 * 60
    assert local.date() == start.astimezone(zone).date() - timedelta(days=days)


def test_the_clock_change_in_between_does_not_shift_the_hour() -> None:
    start = datetime(2026, 3, 29, 13, 0, tzinfo=UTC)  # 14:00 in London, the day the clocks go forward
    assert due(start, 1, ZoneInfo("Europe/London")) == datetime(2026, 3, 28, 14, 0, tzinfo=UTC)


def test_who_books_the_day_before_is_not_reminded() -> None:
    slots = reminders(after(EXAMPLE.registered(), EXAMPLE.booked(start=NOW + timedelta(hours=20))))
    assert {(d.state, d.reason) for d in slots.values()} == {(DeliveryState.SUPPRESSED, "booked-late")}


def test_a_move_takes_back_the_old_reminders_and_plans_new_ones() -> None:
    later = FIRST + timedelta(days=2)
    patient = after(EXAMPLE.registered(), EXAMPLE.booked(), EXAMPLE.moved(0, 2, later))
    assert {d.state for d in reminders(patient, 1).values()} == {DeliveryState.SUPERSEDED}
    assert {d.due_at for d in reminders(patient, 2).values()} == {later - timedelta(days=1), later - timedelta(days=3)}


@pytest.mark.parametrize(
    "fact", [EXAMPLE.cancelled(0), EXAMPLE.missed(0), EXAMPLE.ended()], ids=["cancelled", "missed", "plan ended"]
)
def test_nobody_is_reminded_of_what_will_not_take_place(fact: Fact) -> None:
    patient = after(EXAMPLE.registered(), EXAMPLE.booked(), fact)
    assert {d.state for d in reminders(patient).values()} == {DeliveryState.SUPERSEDED}
    patient = after(EXAMPLE.registered(), fact, EXAMPLE.booked())
    assert reminders(patient) == {}


def test_a_zone_learnt_later_moves_them() -> None:
    booked = EXAMPLE.booked(start=FIRST)
    early = after(EXAMPLE.registered(zone="Asia/Tokyo"), booked)
    late = after(booked, EXAMPLE.registered(zone="Asia/Tokyo"))
    assert reminders(late) == reminders(early)
    assert reminders(early)["1d"].due_at == datetime(2026, 5, 17, 10, 0, tzinfo=UTC)  # 19:00 in Tokyo


@pytest.mark.parametrize("zone", ["Nowhere/City", "Europe", "../../etc/passwd", ""])
def test_a_zone_that_does_not_exist_counts_as_the_clinics(zone: str) -> None:
    patient = after(EXAMPLE.registered(zone=zone), EXAMPLE.booked(start=FIRST))
    assert reminders(patient)["1d"].due_at == FIRST - timedelta(days=1)


def test_after_downtime_one_reminder_is_enough_and_none_comes_after_the_start() -> None:
    patient = after(EXAMPLE.registered(), EXAMPLE.booked(start=FIRST))
    slots = reminders(patient)
    both_due = FIRST - timedelta(hours=5)
    assert judge(patient, slots["3d"], both_due) == Dropped(DeliveryState.SUPERSEDED, "collapsed")
    assert not isinstance(judge(patient, slots["1d"], both_due), Dropped)
    assert judge(patient, slots["1d"], FIRST) == Dropped(DeliveryState.EXPIRED, "too-late")
