"""A course's timeline: from event to decision to message, the same in whatever order the facts came."""

import random
from collections.abc import Iterable
from datetime import timedelta

from services.console.domain.records import records_of
from services.console.domain.timeline import Entry, timeline
from shared.alerting import alert_about
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved
from shared.events.intake import ConsultationCompleted, MeasurementVoided, SessionVoided
from shared.events.notifications import AlertAcknowledged, AlertRaised, NotificationSent
from shared.events.scheduling import AppointmentBooked, CourseUnschedulable, WorkQueueChanged
from tests.domain.progress_story import PLAN, Story, adverse_event, apply, at

STORY = Story()


def told(*records: Fact) -> list[Fact]:
    return [*records, *apply(STORY.patient, records)[1]]


def alerted(fact: Fact, day: float) -> list[Fact]:
    """The alert about a fact, the message to staff about it, and that somebody took it."""
    alert_id = alert_about(fact.event_id)
    alert = {"alert_id": alert_id, "severity": "info", "plan_id": PLAN, "title": "", "raised_at": at(day)}
    message = {"recipient": "staff", "channel": "email", "topic": "alert", "subject_id": alert_id}
    return [
        AlertRaised.model_validate({"clinic_id": "clinic", "patient_id": "patient", "kind": "any", **alert}),
        STORY.fact(NotificationSent, delivery_id=f"d-{alert_id}", accepted_at=at(day + 0.01), **message),
        STORY.fact(AlertAcknowledged, alert_id=alert_id, acknowledged_by="dr-1", acknowledged_at=at(day + 0.02)),
    ]


def tree(entries: Iterable[Entry]) -> list[object]:
    """Names alone, each with what stands under it."""
    return [(entry.fact.NAME, tree(entry.under)) if entry.under else entry.fact.NAME for entry in entries]


def shown(facts: list[Fact], plan_id: str = PLAN) -> list[Entry]:
    return timeline(facts, records_of(facts), plan_id)


def test_a_milestone_stands_under_the_session_that_confirmed_it_and_its_alert_and_messages_under_it() -> None:
    facts = told(STORY.plan(), *STORY.course([6, 6, 6, 2, 2, 2]))
    (reached,) = (
        fact for fact in facts if fact.NAME == "milestone.reached" and getattr(fact, "milestone", "") == "pain-40"
    )
    newest, *_ = shown([*facts, *alerted(reached, 16)])
    assert newest.fact.NAME == "session.logged"
    assert (
        "milestone.reached",
        [("alert.raised", ["notification.sent", "alert.acknowledged"])],
    ) in tree(newest.under)


def test_an_adverse_event_a_correction_and_a_void_stand_under_the_session_that_they_are_about() -> None:
    session = STORY.session(1, 6, adverse_events=[adverse_event("ae-1", 3, 0)])
    facts = told(
        STORY.plan(),
        session,
        STORY.corrected("m-1-0", 5, 0),
        STORY.fact(MeasurementVoided, measurement_id="m-1-0", voided_at=at(2)),
        STORY.fact(SessionVoided, session_id="s-1", voided_at=at(3)),
    )
    (first,) = (entry for entry in shown(facts) if entry.fact.NAME == "session.logged")
    assert first.voided
    under = tree(first.under)
    assert set(map(str, under)) == {
        "adverse_event.reported",
        "measurement.corrected",
        "measurement.voided",
        "session.voided",
    }


def test_a_proposal_leads_to_its_approval_and_that_to_the_plan_s_next_version() -> None:
    facts = told(STORY.plan(), *STORY.course([6, 6, 6, 2, 2, 2, 2, 2, 2]))
    (proposal,) = (fact for fact in facts if fact.NAME == "plan.adjustment.proposed")
    decided = {"proposal_id": proposal.proposal_id, "plan_id": PLAN, "decided_by": "dr-1", "decided_at": at(25)}  # pyright: ignore[reportAttributeAccessIssue]
    facts += [STORY.fact(PlanAdjustmentApproved, **decided)]
    adjusted = STORY.adjusted(2, 1, day=26).model_copy(update={"proposal_id": decided["proposal_id"]})
    found = str(tree(shown([*facts, adjusted])))
    assert "('plan.adjustment.proposed', [('plan.adjustment.approved', ['plan.adjusted'])])" in found


def test_appointments_that_were_booked_together_are_one_entry_under_their_plan() -> None:
    booked = [
        STORY.fact(
            AppointmentBooked,
            appointment_id=f"a-{n}",
            appointment_version=1,
            plan_id=PLAN,
            plan_version=1,
            sequence=n,
            start=at(n),
            end=at(n) + timedelta(minutes=45),
            practitioner_id="pr-1",
            room_id="r-1",
            booking_id="b-1",
            booking_size=3,
        )
        for n in (1, 2, 3)
    ]
    (plan,) = shown([STORY.plan(), *booked])
    assert [(entry.fact.NAME, entry.alike) for entry in plan.under] == [("appointment.booked", 3)]


def test_another_course_s_facts_are_not_shown() -> None:
    other = STORY.plan("plan-2", starts_on=at(100).date(), consultation_id="c-2")
    consulted = STORY.fact(ConsultationCompleted, consultation_id="c-2", completed_at=at(99), condition="M21.371")
    later = STORY.session(2, 6, day=101, plan_id=None)
    facts: list[Fact] = [STORY.plan(), STORY.session(1, 6), other, consulted, later]
    assert [entry.fact.NAME for entry in shown(facts)] == ["session.logged", "plan.created"]
    names = [entry.fact.NAME for entry in shown(facts, "plan-2")]
    assert names == ["session.logged", "plan.created", "consultation.completed"], (
        "by its time, it is of the later course"
    )


def test_any_order_and_repetition_give_the_same_timeline() -> None:
    facts = told(STORY.plan(), *STORY.course([6, 6, 6, 2, 2, 2, 2, 2, 2]))
    facts += [one for fact in facts if fact.NAME == "milestone.reached" for one in alerted(fact, 30)]
    expected = shown(facts)
    for seed in range(5):
        shuffled = [*facts]
        random.Random(seed).shuffle(shuffled)
        assert shown(shuffled) == expected


def test_what_does_not_say_when_it_was_stands_with_the_plan_and_never_at_the_beginning_of_time() -> None:
    """Where clocks are behind UTC, a page that showed the first moment of all could not be shown at all."""
    begun = STORY.plan()
    unplaced = ({"sequence": 3, "earliest": at(8), "latest": at(10), "reason": "fully-booked"},)
    stranger = STORY.fact(CourseUnschedulable, plan_id=PLAN, plan_version=7, report_id="r-2", unplaced=unplaced)
    facts: list[Fact] = [
        begun,
        STORY.fact(CourseUnschedulable, plan_id=PLAN, plan_version=1, report_id="r-1", unplaced=unplaced),
        STORY.fact(WorkQueueChanged, plan_id=PLAN, revision=1, waiting=unplaced, changed_at=at(1)),
        stranger,
    ]
    entries = shown(facts)
    assert sorted(map(str, tree(entries))) == sorted(
        ["course.unschedulable", str(("plan.created", ["course.unschedulable"]))]
    )
    assert {entry.at.date() for entry in entries} == {begun.starts_on}
