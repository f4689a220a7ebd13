"""Facts in any order, any number of times: the same state, the same alerts, a patient who knows what is so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.domain.judgement import Content, say
from services.notifications.domain.standing import takes_place, told_of
from services.notifications.domain.state import LIVE, ClinicDesk, Delivery, DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from shared.alerting import Roster
from shared.events.base import Fact
from tests.domain.notifications_examples import NOW, Example

DESK = ClinicDesk("Europe/London", Roster({"clinician": ("st-ada",), "front-desk": ("st-eve",)}))
EXAMPLE = Example()


def fresh() -> Patient:
    return Patient(EXAMPLE.clinic_id, EXAMPLE.patient_id, DESK)


def decide(patient: Patient, fact: Fact, now: datetime = NOW) -> tuple[Patient, tuple[Fact, ...]]:
    decision = HANDLERS[type(fact)](patient, fact, now)
    return decision.state, decision.facts


def all_of(facts: Sequence[Fact]) -> tuple[Patient, set[Fact]]:
    patient, published = fresh(), list[Fact]()
    for fact in facts:
        patient, more = decide(patient, fact)
        published += more
    assert len(published) == len(set(published)), "a fact was published twice"
    return patient, set(published)


def net(patient: Patient) -> dict[str, Any]:
    """What counts: all that was learnt, and the deliveries that may still go.

    Which superseded deliveries there are depends on the order: a version that was overtaken on its
    way never gets any.
    """
    return {
        "contact": patient.contact,
        "plans": patient.plans,
        "appointments": patient.appointments,
        "alerts": patient.alerts,
        "live": {key: delivery for key, delivery in patient.deliveries.items() if delivery.state in LIVE},
    }


ORDERS = st.permutations(EXAMPLE.everything() + EXAMPLE.everything()[4:12])
EXPECTED_PATIENT, EXPECTED_FACTS = all_of(EXAMPLE.everything())


@settings(max_examples=300, deadline=None)
@given(ORDERS)
def test_any_order_and_repetition_ends_in_the_same_state_and_the_same_facts(facts: list[Fact]) -> None:
    patient, published = all_of(facts)
    assert net(patient) == net(EXPECTED_PATIENT)
    assert published == EXPECTED_FACTS


def first_in_line(patient: Patient, now: datetime) -> Delivery | None:
    due = [
        delivery
        for delivery in patient.deliveries.values()
        if delivery.recipient == "patient" and delivery.state is DeliveryState.SCHEDULED and delivery.due_at <= now
    ]
    return min(due, key=lambda delivery: delivery.due_at, default=None)


def send_next(patient: Patient, now: datetime) -> Patient:
    """As the sender does it at an hour when it may: judge, then either drop or say it."""
    delivery = first_in_line(patient, now)
    if delivery is None:
        return patient
    verdict = say(patient, delivery, now)
    if not isinstance(verdict, Content):
        return patient.with_deliveries(delivery._replace(state=verdict.state, reason=verdict.reason))
    not_on = {"cancelled", "ended", "missed", "offer"}
    for appointment in verdict.appointments:
        assert takes_place(patient, appointment) is (delivery.topic not in not_on), (
            "the message tells of what is not so"
        )
    return patient.with_deliveries(delivery._replace(state=DeliveryState.ACCEPTED, told=verdict.told))


@settings(max_examples=500, deadline=None)
@given(ORDERS, st.lists(st.booleans(), min_size=60, max_size=60))
def test_however_sends_fall_between_the_facts_the_patient_ends_up_knowing_what_is_so(
    facts: list[Fact], sends: list[bool]
) -> None:
    patient = fresh()
    for fact, send in zip(facts, sends, strict=False):
        patient, _ = decide(patient, fact)
        if send:
            patient = send_next(patient, NOW)
    later = NOW + timedelta(minutes=3)
    while first_in_line(patient, later):
        patient = send_next(patient, later)
    told = told_of(patient)
    for appointment in patient.appointments.values():
        known = told.get(appointment.appointment_id)
        if takes_place(patient, appointment):
            assert known is not None
            assert (known.version, known.start, known.on) == (appointment.version, appointment.start, True)
        else:
            assert known is None or not known.on, "the patient still reckons with an appointment that is off"


@settings(max_examples=200, deadline=None)
@given(st.permutations(EXAMPLE.everything()), st.lists(st.booleans(), min_size=60, max_size=60))
def test_nothing_is_said_twice(facts: list[Fact], sends: list[bool]) -> None:
    patient, said = fresh(), list[tuple[str, str, int, bool]]()
    for fact, send in zip(facts, sends, strict=False):
        patient, _ = decide(patient, fact)
        delivery = first_in_line(patient, NOW) if send else None
        if delivery:
            patient = send_next(patient, NOW)
            after = patient.deliveries[delivery.delivery_id]
            said += [(delivery.topic, told.appointment_id, told.version, told.on) for told in after.told]
    notices = [entry[1:] for entry in said if entry[0] != "reminder"]
    assert len(notices) == len(set(notices))
