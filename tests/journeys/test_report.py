"""The report finds what is wrong: each of these breaks one thing and asks whether it is seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.clinics import load_clinics
from shared.events.base import Fact
from shared.events.intake import SessionLogged, SessionVoided
from shared.events.notifications import AlertRaised, NotificationSent
from shared.events.progress import AdverseEventReported, Evidence, MilestoneReached, MilestoneRetracted
from shared.events.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentMissed
from shared.messaging.message import Position
from shared.settings import ROOT
from stride.demo.handing import Handing
from stride.demo.ledger import Entry, Ledger
from stride.demo.patients import enrol
from stride.demo.report.answers import count_answers, wrong_answers
from stride.demo.report.balance import lost
from stride.demo.report.calendar import outside_hours, overlaps, standing
from stride.demo.report.latency import latencies, percentiles
from stride.demo.report.look import Facts, facts_of
from stride.demo.report.mail import Mail, twice
from stride.demo.report.stale import stale
from stride.demo.report.tables import Tables
from stride.demo.report.verdicts import judge
from stride.demo.watch import Seen
from tests.journeys.plans import a_plan, counted

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
WHO: dict[str, Any] = {"clinic_id": "riverside", "patient_id": "pt-1"}
NOTHING = Tables([], [], [], [], [], [])


def seen(fact: Fact, time: datetime = NOON, written_at: float = 100.0, **envelope: str) -> Seen:
    envelope = {"correlation_id": "", "causation_id": ""} | envelope
    return Seen(fact, fact.event_id, source="/stride/test", time=time, written_at=written_at,
                position=Position(fact.NAME, 0, 0), **envelope)  # fmt: skip


def booked(number: int, start: datetime, **changes: Any) -> AppointmentBooked:
    place = {"practitioner_id": f"pr-{number}", "room_id": f"room-{number}", "patient_id": f"pt-{number}"}
    content = {"clinic_id": "riverside", "appointment_id": f"ap-{number}", "appointment_version": 1,
               "plan_id": f"pl-{number}", "plan_version": 1, "sequence": 1, "start": start,
               "end": start + timedelta(minutes=45), "booking_id": f"bo-{number}", "booking_size": 1}  # fmt: skip
    return AppointmentBooked.model_validate(content | place | changes)


def cancelled(fact: AppointmentBooked) -> AppointmentCancelled:
    return AppointmentCancelled.model_validate(fact.model_dump() | {"appointment_version": 2, "reason": "requested"})


def session(number: int, patient_id: str = "pt-1") -> SessionLogged:
    return SessionLogged(clinic_id="riverside", patient_id=patient_id, session_id=f"se-{number}",
                         started_at=NOON + timedelta(days=3 * number), minutes=45)  # fmt: skip


@pytest.mark.parametrize("shared", ["practitioner_id", "room_id", "patient_id"])
def test_two_claims_on_one_person_or_room_are_an_overlap(shared: str) -> None:
    both = [booked(1, NOON), booked(2, NOON + timedelta(minutes=30), **{shared: getattr(booked(1, NOON), shared)})]
    assert len(overlaps(standing(facts_of(map(seen, both))))) == 1


def test_back_to_back_and_cancelled_appointments_are_no_overlap() -> None:
    first, next_one = booked(1, NOON), booked(2, NOON + timedelta(minutes=45), room_id="room-1")
    gone = booked(3, NOON, room_id="room-1")
    facts = facts_of(map(seen, (first, next_one, gone, cancelled(gone))))
    assert overlaps(standing(facts)) == []


def test_a_long_claim_behind_a_short_one_is_seen() -> None:
    long = booked(1, NOON, end=NOON + timedelta(hours=3))
    others = [booked(n, NOON + timedelta(minutes=30 * n), end=NOON + timedelta(minutes=30 * n + 10), room_id="room-1")
              for n in (2, 4)]  # fmt: skip
    assert len(overlaps(standing(facts_of(map(seen, (long, *others)))))) == 2


def test_an_appointment_when_nobody_works_is_seen() -> None:
    clinics = load_clinics(ROOT / "clinics")
    monday, in_summer = datetime(2026, 2, 2, 8, tzinfo=UTC), datetime(2026, 4, 13, 7, tzinfo=UTC)
    fine = [booked(1, start, practitioner_id="pr-ada") for start in (monday, in_summer)]
    assert outside_hours(fine, clinics) == []
    early, sunday = monday - timedelta(minutes=15), monday - timedelta(days=1)
    wrong = [booked(1, start, practitioner_id="pr-ada") for start in (early, sunday)]
    assert len(outside_hours(wrong, clinics)) == 2
    assert len(outside_hours([booked(1, monday + timedelta(days=1), practitioner_id="pr-chen")], clinics)) == 1


def message(**changes: Any) -> dict[str, Any]:
    told = f'[{{"appointment_id": "ap-1", "version": 1, "start": "{NOON + timedelta(days=1)}", "on": true}}]'
    content = {"delivery_id": "de-1", "recipient": "patient", "recipient_id": "pt-1", "patient_id": "pt-1",
               "topic": "reminder", "subject_id": "ap-1", "subject_version": 1, "slot": "1d", "told": told,
               "state": "accepted", "accepted_at": NOON}  # fmt: skip
    return content | changes


MAIL = Mail("<de-1@riverside.example>", "pt-1@patients.example", "Reminder", 110.0)


def test_a_message_about_what_is_still_so_is_not_stale() -> None:
    facts = facts_of([seen(booked(1, NOON + timedelta(days=1)), NOON - timedelta(days=5))])
    assert stale(facts, [message()], [MAIL]) == []


@pytest.mark.parametrize(("when", "wall"), [(NOON - timedelta(hours=1), 200.0), (NOON, 100.0)])
def test_a_message_about_a_cancelled_appointment_is_stale(when: datetime, wall: float) -> None:
    one = booked(1, NOON + timedelta(days=1))
    facts = facts_of([seen(one, NOON - timedelta(days=5)), seen(cancelled(one), when, wall)])
    assert len(stale(facts, [message()], [MAIL])) == 1


def test_a_message_that_overtook_the_cancellation_is_not_stale() -> None:
    one = booked(1, NOON + timedelta(days=1))
    facts = facts_of([seen(one, NOON - timedelta(days=5)), seen(cancelled(one), NOON, 109.9)])
    assert stale(facts, [message()], [MAIL]) == []


def test_a_reminder_after_the_start_is_stale() -> None:
    facts = facts_of([seen(booked(1, NOON + timedelta(days=1)), NOON - timedelta(days=5))])
    assert stale(facts, [message(accepted_at=NOON + timedelta(days=1))], [MAIL])


def test_the_same_mail_twice_is_a_duplicate_and_two_reminders_are_not() -> None:
    other = message(delivery_id="de-2", slot="3d")
    second = replace(MAIL, message_id="<de-2@riverside.example>")
    assert list(twice([MAIL, second], [message(), other])) == []
    assert len(list(twice([MAIL, MAIL], [message()]))) == 1


def ledger_of(fact: Fact, answered_at: float = 99.0) -> Ledger:
    return Ledger([Entry(Handing((fact,), NOON), "accepted", answered_at)])


def sessions_table(*facts: SessionLogged) -> Tables:
    return replace(NOTHING, sessions=[{"clinic_id": f.clinic_id, "session_id": f.session_id} for f in facts])


def test_an_accepted_event_without_its_fact_is_lost() -> None:
    assert len(lost(ledger_of(session(1)), facts_of([]), NOTHING, [])) == 1


def test_a_session_that_progress_does_not_count_is_lost() -> None:
    facts = facts_of([seen(session(1))])
    assert lost(ledger_of(session(1)), facts, sessions_table(session(1)), []) == []
    assert len(lost(ledger_of(session(1)), facts, NOTHING, [])) == 1


def test_an_adverse_event_needs_one_alert_and_one_only() -> None:
    event = AdverseEventReported(**WHO, adverse_event_id="ae-1", grade=3, term="Syncope", occurred_at=NOON)
    alert = AlertRaised(**WHO, alert_id="al-1", kind="adverse-event", severity="critical", title="", raised_at=NOON)
    again = alert.model_copy(update={"alert_id": "al-2"})
    cause = event.event_id
    assert lost(Ledger(), facts_of([seen(event), seen(alert, causation_id=cause)]), NOTHING, []) == []
    assert lost(Ledger(), facts_of([seen(event)]), NOTHING, [])
    both = [seen(event), seen(alert, causation_id=cause), seen(again, causation_id=cause)]
    assert lost(Ledger(), facts_of(both), NOTHING, [])


def test_mail_and_ledger_of_messages_must_agree() -> None:
    sent = NotificationSent(**WHO, delivery_id="de-1", recipient="patient", channel="email", topic="reminder",
                            subject_id="ap-1", accepted_at=NOON)  # fmt: skip
    facts, tables = facts_of([seen(sent)]), replace(NOTHING, deliveries=[message()])
    assert lost(Ledger(), facts, tables, [MAIL]) == []
    assert len(lost(Ledger(), facts, tables, [])) == 1
    assert len(lost(Ledger(), facts, tables, [MAIL, replace(MAIL, message_id="<de-9@riverside.example>")])) == 1
    assert lost(Ledger(), facts, replace(NOTHING, deliveries=[message(state="sending")]), [MAIL])


def test_a_missed_session_is_replaced_or_reported() -> None:
    one = booked(1, NOON)
    missed = AppointmentMissed.model_validate(one.model_dump() | {"appointment_version": 2})
    again = booked(2, NOON + timedelta(days=2), replaces="ap-1")
    facts = [seen(one), seen(missed)]
    told = [
        {"topic": "booked", "subject_id": f"bo-{n}", "delivery_id": f"de-{n}", "state": "superseded"} for n in (1, 2)
    ]
    tables = replace(NOTHING, deliveries=told)
    assert len(lost(Ledger(), facts_of(facts), tables, [])) == 1
    assert lost(Ledger(), facts_of([*facts, seen(again)]), tables, []) == []
    assert lost(Ledger(), facts_of(facts), NOTHING, [])


def test_an_answer_that_should_have_been_another_is_seen() -> None:
    right = Handing((session(1),), NOON)
    wrong = replace(right, spoilt=True)
    fine = [
        Entry(wrong, "refused", 1.0, 422, "off the scale"),
        Entry(right, "accepted", 2.0),
        Entry(right, "repeat", 3.0),
    ]
    facts = facts_of([seen(session(1))])
    assert list(wrong_answers(Ledger(fine))) == []
    assert count_answers(Ledger(fine), facts) == {"accepted": 1, "repeat": 1, "refused": 1}
    assert list(wrong_answers(Ledger([Entry(wrong, "accepted", 1.0)])))
    assert list(wrong_answers(Ledger([Entry(right, "refused", 1.0, 500, "Stride went wrong")])))


def test_kafka_gives_no_answer_so_the_topics_do() -> None:
    by_kafka = Entry(Handing((session(1),), NOON, "kafka"), "handed-over", 1.0)
    twice_sent = Ledger([by_kafka, by_kafka])
    assert count_answers(twice_sent, facts_of([seen(session(1))])) == {"accepted": 1, "repeat": 1}
    assert count_answers(twice_sent, facts_of([])) == {"refused": 2}


def test_latency_goes_from_the_answer_to_the_alert_of_the_same_correlation() -> None:
    ledger = ledger_of(session(1), answered_at=99.5)
    alert = AlertRaised(**WHO, alert_id="al-1", kind="milestone", severity="info", title="", raised_at=NOON)
    facts = facts_of([seen(alert, written_at=99.75, correlation_id=ledger.entries[0].handing.event_id)])
    assert latencies(ledger, facts) == [250.0]
    assert percentiles([250.0]) == {"p50": 250.0, "p95": 250.0, "p99": 250.0}
    assert percentiles([]) == {"p50": None, "p95": None, "p99": None}


def milestones(held: int, *, reached: bool, retracted: bool = False, voided: int = 0) -> tuple[Facts, dict[str, Any]]:
    """A course of somebody who gets no better, with `held` sessions and a milestone for six."""
    patient = next(p for p in enrol(1, 30, NOON, 84) if p.response == "none" and p.finding == "foot-drop")
    plan = a_plan(patient, counted(6))
    facts: list[Fact] = [plan, *(session(n, patient.patient_id) for n in range(held))]
    who: dict[str, Any] = {"clinic_id": "riverside", "patient_id": patient.patient_id}
    facts += [SessionVoided(**who, session_id=f"se-{n}", voided_at=NOON) for n in range(voided)]
    told: dict[str, Any] = {**who, "plan_id": plan.plan_id, "milestone": "sessions-6", "rule_version": 1}
    evidence = Evidence(rule_version=1, sessions=6)
    if reached:
        facts.append(MilestoneReached(**told, reached_at=NOON + timedelta(days=60), evidence=evidence))
    if retracted:
        facts.append(MilestoneRetracted(**told, cause="void", before=evidence))
    return facts_of(map(seen, facts)), {patient.patient_id: patient}


def test_milestones_are_judged_against_the_truth() -> None:
    def verdict(held: int, **how: Any) -> tuple[int, int, int]:
        judged = judge(*milestones(held, **how))
        return judged.true, judged.false, judged.missed

    assert verdict(6, reached=True) == (1, 0, 0)
    assert verdict(5, reached=True) == (0, 1, 0)
    assert verdict(6, reached=True, voided=1) == (0, 1, 0)
    assert verdict(6, reached=False) == (0, 0, 1)
    assert verdict(5, reached=True, retracted=True) == (0, 0, 0)
    assert verdict(5, reached=False) == (0, 0, 0)


def test_a_milestone_that_only_the_tables_or_only_the_topics_have_is_seen() -> None:
    facts, _ = milestones(6, reached=True)
    plan_id = facts.of(MilestoneReached)[0].plan_id
    row = {"kind": "milestone", "plan_id": plan_id, "name": "sessions-6/1", "standing": True}

    def disagreement(*rows: dict[str, Any]) -> list[str]:
        return [line for line in lost(Ledger(), facts, replace(NOTHING, published=rows), []) if "disagree" in line]

    assert disagreement(row) == []
    assert len(disagreement()) == 1
    assert len(disagreement(row, row | {"name": "pain-40/1"})) == 1
