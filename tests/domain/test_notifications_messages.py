"""Which messages are planned, for whom, and what they say when their time comes."""

from datetime import timedelta

import pytest

from services.notifications.domain.handling import AcknowledgementGiven
from services.notifications.domain.judgement import Content, Dropped, judge
from services.notifications.domain.state import ClinicDesk, Delivery, DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from shared.alerting import Roster
from shared.events.base import Fact
from shared.events.notifications import AlertAcknowledged, AlertRaised
from shared.messaging.errors import Refused
from tests.domain.notifications_examples import FIRST, NOW, Example

EXAMPLE = Example()
DESK = ClinicDesk("Europe/London", Roster({"clinician": ("st-ada",), "front-desk": ("st-eve",)}))


def after(*facts: Fact, patient: Patient | None = None) -> Patient:
    state = patient or Patient(EXAMPLE.clinic_id, EXAMPLE.patient_id, DESK)
    for fact in facts:
        state = HANDLERS[type(fact)](state, fact, NOW).state
    return state


def of(patient: Patient, topic: str) -> list[Delivery]:
    return [delivery for delivery in patient.deliveries.values() if delivery.topic == topic]


def sent(patient: Patient, topic: str) -> Patient:
    """The patient after the one message of `topic` was accepted."""
    (delivery,) = (d for d in of(patient, topic) if d.state is DeliveryState.SCHEDULED)
    content = judge(patient, delivery, delivery.due_at)
    assert isinstance(content, Content)
    return patient.with_deliveries(delivery._replace(state=DeliveryState.ACCEPTED, told=content.told))


def test_a_booking_is_announced_when_it_is_complete_or_after_two_minutes() -> None:
    course = EXAMPLE.course(3)
    (waiting,) = of(after(EXAMPLE.registered(), *course[:2]), "booked")
    assert waiting.due_at == NOW + timedelta(minutes=2)
    (complete,) = of(after(EXAMPLE.registered(), *course), "booked")
    assert complete.due_at == NOW
    assert complete.delivery_id == waiting.delivery_id


def test_the_announcement_lists_all_of_the_booking_in_order_as_it_stands() -> None:
    course = EXAMPLE.course(4)
    moved = EXAMPLE.moved(0, 2, FIRST + timedelta(days=40))
    patient = after(EXAMPLE.registered(), *reversed(course), moved, EXAMPLE.cancelled(2))
    (delivery,) = of(patient, "booked")
    content = judge(patient, delivery, NOW)
    assert isinstance(content, Content)
    assert [(a.sequence, a.start) for a in content.appointments] == [
        (2, course[1].start), (4, course[3].start), (1, moved.start),
    ]  # fmt: skip


def test_an_announcement_with_nothing_left_to_say_is_superseded() -> None:
    patient = after(EXAMPLE.registered(), *EXAMPLE.course(2), EXAMPLE.cancelled(0), EXAMPLE.cancelled(1))
    (delivery,) = of(patient, "booked")
    assert judge(patient, delivery, NOW) == Dropped(DeliveryState.SUPERSEDED, "nothing-left")


def test_an_appointment_that_comes_after_its_booking_was_announced_is_announced_too() -> None:
    course = EXAMPLE.course(2)
    patient = sent(after(EXAMPLE.registered(), course[0]), "booked")
    patient = after(course[1], patient=patient)
    second = next(d for d in of(patient, "booked") if d.state is DeliveryState.SCHEDULED)
    content = judge(patient, second, NOW)
    assert isinstance(content, Content)
    assert [a.sequence for a in content.appointments] == [2]


@pytest.mark.parametrize(("fact", "topic"), [
    (EXAMPLE.moved(0, 2, FIRST + timedelta(days=1)), "moved"),
    (EXAMPLE.cancelled(0), "cancelled"),
    (EXAMPLE.missed(0), "missed"),
])  # fmt: skip
def test_a_change_is_told_only_to_who_was_told_of_the_appointment(fact: Fact, topic: str) -> None:
    untold = after(EXAMPLE.registered(), EXAMPLE.booked(), fact)
    (delivery,) = of(untold, topic)
    assert judge(untold, delivery, NOW) == Dropped(DeliveryState.SUPERSEDED, "not-told")
    told = after(fact, patient=sent(after(EXAMPLE.registered(), EXAMPLE.booked()), "booked"))
    (delivery,) = of(told, topic)
    content = judge(told, delivery, NOW)
    assert isinstance(content, Content)
    assert [a.appointment_id for a in content.appointments] == ["p-1-a0"]


def test_cancellations_of_one_cause_are_told_together_with_the_times_the_patient_knows() -> None:
    patient = sent(after(EXAMPLE.registered(), *EXAMPLE.course(3)), "booked")
    patient = after(*(EXAMPLE.cancelled(n, reason="plan-adjusted") for n in range(3)), patient=patient)
    first, second, third = of(patient, "cancelled")
    assert first.due_at == NOW + timedelta(minutes=2)
    content = judge(patient, first, first.due_at)
    assert isinstance(content, Content)
    assert len(content.appointments) == len(content.previous) == 3
    patient = patient.with_deliveries(first._replace(state=DeliveryState.ACCEPTED, told=content.told))
    for other in (second, third):
        assert judge(patient, other, other.due_at) == Dropped(DeliveryState.SUPERSEDED, "already-told")


def test_a_replacement_names_the_time_it_takes_the_place_of() -> None:
    patient = sent(after(EXAMPLE.registered(), EXAMPLE.booked()), "booked")
    patient = after(EXAMPLE.cancelled(0), EXAMPLE.booked(5, booking="b2", replaces="p-1-a0"), patient=patient)
    (delivery,) = (d for d in of(patient, "booked") if d.state is DeliveryState.SCHEDULED)
    content = judge(patient, delivery, NOW)
    assert isinstance(content, Content)
    assert content.previous == {"p-1-a5": FIRST}


def test_messages_wait_for_the_contact_and_are_held_back_without_an_address() -> None:
    waiting = after(EXAMPLE.booked())
    assert {d.state for d in waiting.deliveries.values()} == {DeliveryState.PLANNED}
    assert {d.state for d in after(EXAMPLE.registered(), patient=waiting).deliveries.values()} == {
        DeliveryState.SCHEDULED
    }
    held = after(EXAMPLE.registered(None), patient=waiting)
    assert {(d.state, d.reason) for d in held.deliveries.values()} == {(DeliveryState.SUPPRESSED, "no-address")}
    found = after(EXAMPLE.updated(1, "ann@example.org"), patient=held)
    assert {d.state for d in found.deliveries.values()} == {DeliveryState.SCHEDULED}


def test_nothing_is_written_to_who_has_died() -> None:
    patient = after(EXAMPLE.registered(), *EXAMPLE.course(2), EXAMPLE.reached(), EXAMPLE.ended("deceased"))
    to_patient = [d for d in patient.deliveries.values() if d.recipient == "patient"]
    assert not [d for d in to_patient if d.state is DeliveryState.SCHEDULED]
    assert judge(patient, to_patient[0]._replace(state=DeliveryState.SCHEDULED), NOW) == Dropped(
        DeliveryState.SUPPRESSED, "deceased"
    )


def test_a_milestone_is_told_to_the_patient_and_taken_back_if_it_was_not_so() -> None:
    patient = after(EXAMPLE.registered(), EXAMPLE.reached())
    (delivery,) = of(patient, "milestone")
    assert isinstance(judge(patient, delivery, NOW), Content)
    for order in ([EXAMPLE.reached(), EXAMPLE.retracted()], [EXAMPLE.retracted(), EXAMPLE.reached()]):
        taken_back = after(EXAMPLE.registered(), *order)
        assert not [d for d in of(taken_back, "milestone") if d.state is DeliveryState.SCHEDULED]
        assert len(taken_back.alerts) == 2
        assert len(of(taken_back, "alerts")) == 1
        # Even one that was on its way when the retraction came, and came back unsent:
        assert judge(taken_back, delivery, NOW) == Dropped(DeliveryState.SUPERSEDED, "retracted")


@pytest.mark.parametrize(("grade", "severity"), [(1, "info"), (2, "warning"), (3, "critical"), (5, "critical")])
def test_an_adverse_event_is_as_serious_as_its_grade_and_its_term_stays_in_the_evidence(
    grade: int, severity: str
) -> None:
    fact = EXAMPLE.adverse(grade)
    decision = HANDLERS[type(fact)](after(), fact, NOW)
    (raised,) = decision.facts
    assert isinstance(raised, AlertRaised)
    assert (raised.severity, raised.owner, raised.kind) == (severity, "st-ada", "adverse-event")
    assert "Syncope" not in raised.title
    assert decision.state.alerts[raised.alert_id].evidence["term"] == "Syncope"


def test_a_course_that_can_not_be_booked_goes_to_the_front_desk() -> None:
    (delivery,) = of(after(EXAMPLE.unschedulable()), "alerts")
    assert (delivery.recipient_id, delivery.state) == ("st-eve", DeliveryState.SCHEDULED)


def test_a_clinic_without_a_roster_still_has_its_alerts() -> None:
    patient = after(EXAMPLE.adverse(), patient=Patient("elsewhere", "p-1"))
    assert len(patient.alerts) == 1
    assert [(d.state, d.reason) for d in of(patient, "alert")] == [(DeliveryState.SUPPRESSED, "no-owner")]


def test_the_first_to_acknowledge_has_the_alert_and_pending_messages_about_it_stop() -> None:
    patient = after(EXAMPLE.adverse())
    (alert_id,) = patient.alerts

    def taken_by(who: str) -> AcknowledgementGiven:
        return AcknowledgementGiven(
            clinic_id=EXAMPLE.clinic_id, patient_id=EXAMPLE.patient_id, alert_id=alert_id, given_by=who, revision=1
        )

    decision = HANDLERS[AcknowledgementGiven](patient, taken_by("ada"), NOW)
    assert [type(fact) for fact in decision.facts] == [AlertAcknowledged]
    assert [d.state for d in of(decision.state, "alert")] == [DeliveryState.SUPERSEDED]
    again = HANDLERS[AcknowledgementGiven](decision.state, taken_by("ben"), NOW)
    assert again.state is decision.state
    assert again.state.alerts[alert_id].acknowledged_by == "ada"


def test_an_alert_that_is_not_there_can_not_be_acknowledged() -> None:
    given = AcknowledgementGiven(clinic_id="riverside", patient_id="p-1", alert_id="nope", given_by="ada", revision=1)
    with pytest.raises(Refused, match="no such alert"):
        HANDLERS[AcknowledgementGiven](after(), given, NOW)
