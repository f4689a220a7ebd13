"""What was published holds in a rebuild, where deciding it again would give something else."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings

from services.notifications.domain import told as notified
from services.notifications.domain.state import ClinicDesk, DeliveryState, Patient
from services.notifications.handlers import HANDLERS as NOTIFYING
from services.progress.domain.telling import told_by
from services.progress.handlers import HANDLERS as JUDGING
from services.scheduling.domain.told import as_told
from services.scheduling.handlers import HANDLERS as BOOKING
from shared.alerting import only
from shared.events.base import Fact
from shared.events.notifications import NotificationSent
from tests.domain import scheduling_examples as clinic
from tests.domain.notifications_examples import FIRST, NOW, Example
from tests.domain.progress_story import NOW as LATER
from tests.domain.progress_story import Story
from tests.domain.test_progress_order import histories

ANN = Example()


@settings(max_examples=60, deadline=None)
@given(histories())
def test_what_progress_has_told_follows_from_its_published_facts_alone(facts: list[Fact]) -> None:
    patient = Story().patient
    for fact in facts:
        decision = JUDGING[type(fact)](patient, fact, LATER)
        known = decision.state.record._replace(published=patient.record.published)
        assert {**patient.record.published, **told_by(known, decision.facts)} == decision.state.record.published
        patient = decision.state


def test_appointments_are_those_that_were_published_although_the_calendar_has_changed_since() -> None:
    then = clinic.schedule()
    published = BOOKING[type(clinic.plan())](then, clinic.plan(), clinic.NOW)
    holidays = [date(2026, 3, 4) + timedelta(days=day) for day in range(14)]
    today = clinic.schedule(on=clinic.calendar(holidays=holidays))
    decided = BOOKING[type(clinic.plan())](today, clinic.plan(), clinic.NOW)
    assert clinic.net(decided.state) != clinic.net(published.state)
    settled = as_told(today, decided, published.facts)
    assert settled.patients == published.state.patients
    assert clinic.busy_minutes(settled) == clinic.claimed_minutes(settled) == clinic.busy_minutes(published.state)


def test_every_change_of_an_appointment_is_read_back_as_it_was_published() -> None:
    state, facts = clinic.tell(clinic.schedule(), clinic.plan())
    first, second, third = clinic.booked(facts)[:3]
    for request in (
        clinic.change(first.appointment_id, "no-show"),
        clinic.change(second.appointment_id, "move"),
        clinic.change(third.appointment_id, "cancel", rebook=False),
        clinic.adjusted(2, [clinic.WEEKLY], date(2026, 3, 20)),
        clinic.ended(clinic.NOW + timedelta(days=20)),
    ):
        decision = BOOKING[type(request)](state, request, clinic.NOW)
        assert decision.facts
        assert as_told(state, decision, decision.facts).patients == decision.state.patients
        state = decision.state


def test_a_booking_that_would_be_made_now_but_never_was_is_not_made() -> None:
    decision = BOOKING[type(clinic.plan())](clinic.schedule(), clinic.plan(), clinic.NOW)
    settled = as_told(clinic.schedule(), decision, ())
    assert clinic.course_of(settled).appointments == {}
    assert clinic.busy_minutes(settled) == {}


def test_an_alert_goes_to_its_owner_of_then_although_the_roster_has_changed() -> None:
    then = _patient("st-old")
    raised = _decided(then, ANN.adverse())
    today = notified.as_it_was(NOTIFYING[type(ANN.adverse())], _patient("st-new"), ANN.adverse(), NOW, raised.facts)
    assert today.state.alerts == raised.state.alerts
    assert today.state.deliveries == raised.state.deliveries
    assert today.state.desk == _patient("st-new").desk


def test_an_alert_that_was_never_raised_is_not_raised_and_nobody_is_written_to() -> None:
    patient = _patient("st-1")
    decision = _decided(patient, ANN.reached())
    assert (len(decision.state.alerts), len(decision.state.deliveries)) == (1, 1)
    settled = notified.as_raised(patient, decision, ())
    assert (dict(settled.alerts), dict(settled.deliveries)) == ({}, {})


def test_a_message_that_was_sent_is_accepted_and_told_what_stood_then() -> None:
    patient = _decided(_decided(_patient("st-1"), ANN.registered()).state, ANN.booked()).state
    (message,) = [each for each in patient.deliveries.values() if each.topic == "booked"]
    sent = NotificationSent(
        **ANN.who,
        delivery_id=message.delivery_id,
        recipient="patient",
        channel="email",
        topic="booked",
        subject_id=message.subject_id,
        accepted_at=NOW,
    )
    after = notified.sent(patient, sent, NOW).state.deliveries[message.delivery_id]
    assert after.state is DeliveryState.ACCEPTED
    assert [(told.appointment_id, told.version, told.start) for told in after.told] == [("p-1-a0", 1, FIRST)]


def test_what_came_due_and_was_no_longer_so_is_dropped_and_what_was_so_waits_for_its_fact() -> None:
    patient = _decided(_decided(_patient("st-1"), ANN.registered()).state, ANN.booked()).state
    cancelled = _decided(patient, ANN.cancelled(0)).state
    later = notified.lapse(cancelled, NOW + timedelta(hours=1))
    states = {each.topic: each.state for each in later.deliveries.values() if each.topic in {"booked", "cancelled"}}
    assert set(states.values()) == {DeliveryState.SUPERSEDED}
    standing = notified.lapse(patient, NOW + timedelta(hours=1))
    assert {each.state for each in standing.deliveries.values() if each.topic == "booked"} == {DeliveryState.SCHEDULED}


def _patient(owner: str) -> Patient:
    desk = ClinicDesk("Europe/London", only(owner))
    return Patient("riverside", "p-1")._replace(desk=desk)


def _decided(patient: Patient, fact: Fact) -> Any:
    return NOTIFYING[type(fact)](patient, fact, NOW)
