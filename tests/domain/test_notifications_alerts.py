"""Alerts: grouped, climbing while nobody takes them, quiet once somebody does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.notifications.domain.escalation import AlertTimerDue
from services.notifications.domain.handling import (
    AcknowledgementGiven,
    AssignmentGiven,
    ResolutionGiven,
    SnoozeGiven,
)
from services.notifications.domain.judgement import Content, Dropped, judge
from services.notifications.domain.state import Alert, ClinicDesk, Delivery, DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from shared.alerting import AlertPolicy, Level, Roster, Shift, Step
from shared.events.base import Fact
from shared.events.clinical import Weekday
from shared.events.console import AlertActionRequested
from shared.events.notifications import THE_CLINIC, AlertEscalated, AlertRaised, AlertResolved
from shared.events.operations import EventsReleased, EventsStranded
from shared.events.progress import Evidence, PlateauSuspected
from shared.messaging.errors import Refused
from tests.domain.notifications_examples import NOW, Example

ANN = Example()
ROSTER = Roster({"clinician": ("st-ada", "st-ben"), "front-desk": ("st-eve",), "operator": ("st-omar",)})
LONDON = ZoneInfo("Europe/London")
AT_ONCE = AlertPolicy(info=Level())
"""A clinic that wants to hear of everything at once."""


class Desk:
    """One patient at a clinic with a roster, and all facts that were published."""

    def __init__(self, policy: AlertPolicy | None = None) -> None:
        self.patient = Patient(
            ANN.clinic_id, ANN.patient_id, ClinicDesk("Europe/London", ROSTER, policy or AlertPolicy())
        )
        self.published: list[Fact] = []
        self.now = NOW

    def take(self, *facts: Fact) -> None:
        for fact in facts:
            decision = HANDLERS[type(fact)](self.patient, fact, self.now)
            self.patient = decision.state
            self.published += decision.facts

    @property
    def alert(self) -> Alert:
        (alert,) = self.patient.alerts.values()
        return alert

    def wake(self) -> None:
        """Let the alert's next timer come due."""
        assert self.alert.wake_at is not None
        self.now = self.alert.wake_at
        self.take(self.timer())

    def timer(self) -> AlertTimerDue:
        return AlertTimerDue(**ANN.who, alert_id=self.alert.alert_id, revision=self.alert.revision)

    def given(self, kind: Any, by: str = "ada", **more: Any) -> Any:
        return kind(**ANN.who, alert_id=self.alert.alert_id, given_by=by, revision=self.alert.revision, **more)

    def messages(self, *topics: str) -> list[Delivery]:
        return [d for d in self.patient.deliveries.values() if d.recipient == "staff" and d.topic in topics]

    def waiting(self) -> list[str]:
        return [d.recipient_id for d in self.messages("alert", "alerts") if d.state is DeliveryState.SCHEDULED]


def test_an_alert_that_nobody_takes_climbs_step_by_step_to_one_owner_each() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    assert (desk.waiting(), desk.alert.wake_at) == (["st-ada"], NOW + timedelta(minutes=10))
    desk.wake()
    assert (desk.waiting(), desk.alert.owner) == (["st-ben"], "st-ben")
    desk.wake()
    assert (desk.waiting(), desk.alert.owner, desk.alert.wake_at) == (["st-omar"], "st-omar", None)
    told = [(f.owner, f.step, f.reason) for f in desk.published if isinstance(f, AlertEscalated)]
    assert told == [("st-ben", 1, "unacknowledged"), ("st-omar", 2, "unacknowledged")]


def test_an_acknowledgement_stops_every_later_step_and_message() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    due = desk.timer()
    desk.take(desk.given(AcknowledgementGiven))
    assert desk.waiting() == []
    before = desk.patient
    desk.now += timedelta(minutes=10)
    desk.take(due)
    assert desk.patient is before


def test_a_timer_that_comes_twice_or_too_early_changes_nothing() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    early = desk.timer()
    desk.take(early)
    assert desk.alert.revision == 1
    desk.wake()
    after = desk.patient
    desk.take(early)
    assert desk.patient is after


def test_an_alert_that_was_taken_and_forgotten_is_asked_about_again() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    desk.take(desk.given(AcknowledgementGiven))
    assert desk.alert.wake_at == NOW + timedelta(minutes=240)
    desk.wake()
    assert (desk.alert.waits, desk.waiting()) == (True, ["st-ada"])
    desk.take(desk.given(AcknowledgementGiven))
    assert (desk.alert.acknowledged_by, desk.waiting()) == ("ada", [])
    assert len({fact.event_id for fact in desk.published}) == len(desk.published)


def test_a_resolved_alert_is_never_heard_of_again() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    desk.take(desk.given(ResolutionGiven, resolution="done"))
    assert (desk.alert.wake_at, desk.waiting(), desk.alert.resolution) == (None, [], "done")
    before = desk.patient
    desk.take(desk.given(ResolutionGiven, resolution="duplicate"), desk.given(AcknowledgementGiven))
    assert desk.patient is before


def test_who_gets_an_alert_assigned_hears_of_it_and_nobody_else_does() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    desk.take(desk.given(AssignmentGiven, owner="st-ben"))
    assert (desk.alert.owner, desk.waiting()) == ("st-ben", ["st-ben"])
    desk.take(desk.given(AssignmentGiven, by="st-omar", owner="st-omar"))
    assert (desk.alert.owner, desk.waiting()) == ("st-omar", [])


def test_a_snoozed_alert_is_silent_until_then_and_asked_about_after() -> None:
    desk = Desk()
    desk.take(ANN.unschedulable())
    until = NOW + timedelta(days=1)
    desk.take(desk.given(SnoozeGiven, until=until))
    assert (desk.waiting(), desk.alert.wake_at) == ([], until)
    desk.wake()
    assert (desk.waiting(), desk.alert.snoozed_until) == (["st-eve"], None)


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=15)])
def test_a_snooze_ends_within_two_weeks(until: datetime) -> None:
    desk = Desk()
    desk.take(ANN.unschedulable())
    with pytest.raises(Refused):
        desk.take(desk.given(SnoozeGiven, until=until))


def test_a_critical_alert_can_not_be_snoozed() -> None:
    desk = Desk()
    desk.take(ANN.adverse(4))
    with pytest.raises(Refused):
        desk.take(desk.given(SnoozeGiven, until=NOW + timedelta(hours=1)))


def test_whoever_saw_an_older_revision_is_refused() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    late = desk.given(AssignmentGiven, owner="st-omar")
    desk.take(desk.given(AssignmentGiven, owner="st-ben"))
    with pytest.raises(Refused):
        desk.take(late)


def test_a_courses_alerts_come_in_one_message() -> None:
    desk = Desk(AT_ONCE)
    desk.take(ANN.reached(1), ANN.retracted(1))
    (together,) = desk.messages("alerts")
    assert together.due_at == NOW + timedelta(seconds=30)
    content = judge(desk.patient, together, together.due_at)
    assert isinstance(content, Content)
    assert [alert.kind for alert in content.alerts] == ["milestone", "milestone-retracted"]


def test_after_a_message_the_next_waits_for_five_minutes_to_be_over() -> None:
    desk = Desk(AT_ONCE)
    desk.take(ANN.reached(1))
    desk.now += timedelta(minutes=1)
    desk.take(ANN.reached(2))
    desk.now += timedelta(minutes=1)
    desk.take(ANN.reached(3))
    first, second = desk.messages("alerts")
    assert (first.due_at, second.due_at) == (NOW + timedelta(seconds=30), NOW + timedelta(minutes=5, seconds=30))


def test_alerts_of_a_group_that_were_all_taken_leave_nothing_to_send() -> None:
    desk = Desk(AT_ONCE)
    desk.take(ANN.reached())
    desk.take(desk.given(AcknowledgementGiven))
    (together,) = desk.messages("alerts")
    assert together.state is DeliveryState.SUPERSEDED
    desk.take(ANN.reached(2))
    assert len(desk.waiting()) == 1


@pytest.mark.parametrize("grade", [1, 2, 3, 4, 5])
def test_adverse_events_are_never_grouped_whatever_the_clinic_says(grade: int) -> None:
    grouping = AlertPolicy(critical=Level(), warning=Level(), info=Level())
    desk = Desk(grouping)
    desk.take(ANN.adverse(grade))
    (alone,) = desk.messages("alert")
    assert alone.due_at == NOW
    assert desk.messages("alerts") == []


def test_a_message_to_whom_the_alert_is_no_longer_is_not_sent() -> None:
    desk = Desk()
    desk.take(ANN.adverse())
    (message,) = desk.messages("alert")
    desk.take(desk.given(AssignmentGiven, owner="st-ben"))
    assert isinstance(judge(desk.patient, message, NOW), Dropped)


def test_a_clinics_policy_says_when_and_to_whom() -> None:
    policy = AlertPolicy(critical=Level(grouped=False, steps=(Step(after_minutes=3, role="front-desk"),)))
    desk = Desk(policy)
    desk.take(ANN.adverse())
    desk.wake()
    assert (desk.now - NOW, desk.alert.owner, desk.alert.wake_at) == (timedelta(minutes=3), "st-eve", None)


NIGHT = Shift.model_validate({"role": "clinician", "staff": ["st-ben"], "start": "20:00", "end": "08:00"})
WEEKDAYS = Shift.model_validate(
    {"role": "clinician", "staff": ["st-ada"], "days": ["MO", "TU", "WE", "TH", "FR"], "start": "08:00", "end": "20:00"}
)
DUTY = Roster(ROSTER.lines, (NIGHT, WEEKDAYS))


@pytest.mark.parametrize(
    ("local", "who"),
    [
        ("2026-05-04 12:00", "st-ada"), ("2026-05-04 20:00", "st-ben"), ("2026-05-05 07:59", "st-ben"),
        ("2026-05-05 08:00", "st-ada"), ("2026-05-09 12:00", "st-ada"), ("2026-10-25 01:30", "st-ben"),
    ],
)  # fmt: skip
def test_who_is_on_duty_comes_first_also_over_midnight_and_a_change_of_clocks(local: str, who: str) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=LONDON)
    assert DUTY.who("clinician", at, LONDON) == who


def test_gaps_in_the_roster_are_told_ahead() -> None:
    gaps = DUTY.gaps("clinician", datetime(2026, 5, 4, 12, tzinfo=LONDON).astimezone(UTC), 7, LONDON)
    days = [(begin.astimezone(LONDON), end.astimezone(LONDON)) for begin, end in gaps]
    assert [(f"{b:%a %H:%M}", f"{e:%a %H:%M}") for b, e in days] == [
        ("Sat 08:00", "Sat 20:00"), ("Sun 08:00", "Sun 20:00"),
    ]  # fmt: skip
    assert DUTY.gaps("operator", NOW, 7, LONDON) == []
    assert Roster().gaps("operator", NOW, 7, LONDON) == [(NOW, NOW + timedelta(days=7))]
    assert Weekday.MO in WEEKDAYS.days


def asked(desk: Desk, action: str, revision: int | None = None, **more: Any) -> AlertActionRequested:
    """What somebody asks for in the console."""
    told = {"requested_by": "st-ada", "requested_at": desk.now, "action": action, **more}
    alert_id = desk.alert.alert_id if desk.patient.alerts else "al-unknown"
    seen = revision or desk.alert.revision
    return AlertActionRequested.model_validate(
        {**ANN.who, "request_id": f"{action}-{seen}", "alert_id": alert_id, "revision": seen, **told}
    )


@pytest.mark.parametrize(
    ("action", "more", "fact"),
    [
        ("acknowledge", {}, "alert.acknowledged"),
        ("assign", {"owner": "st-ben"}, "alert.assigned"),
        ("snooze", {"until": NOW + timedelta(days=1)}, "alert.snoozed"),
        ("resolve", {"resolution": "not-needed"}, "alert.resolved"),
    ],
)
def test_what_is_asked_for_in_the_console_is_done_once(action: str, more: dict[str, Any], fact: str) -> None:
    desk = Desk()
    desk.take(ANN.adverse(2))
    wanted = asked(desk, action, **more)
    before = len(desk.published)
    desk.take(wanted, wanted)
    assert [one.NAME for one in desk.published[before:]] == [fact]
    by = {"acknowledged_by", "assigned_by", "snoozed_by", "resolved_by"} & vars(desk.published[-1]).keys()
    assert [getattr(desk.published[-1], name) for name in by] == ["st-ada"]


def test_who_asks_too_late_changes_nothing_and_holds_up_nobody() -> None:
    desk = Desk()
    desk.take(ANN.adverse(2))
    late = [asked(desk, "assign", owner="st-eve"), asked(desk, "snooze", until=NOW - timedelta(days=1))]
    desk.take(asked(desk, "assign", owner="st-ben"))
    unknown = asked(desk, "resolve").model_copy(update={"alert_id": "al-unknown"})
    before = desk.patient
    desk.take(*late, unknown)
    assert desk.patient == before
    assert desk.alert.owner == "st-ben"


def test_what_is_only_good_to_know_waits_for_the_digest_and_interrupts_nobody() -> None:
    desk = Desk()
    desk.take(ANN.reached(1))
    assert desk.waiting() == []
    assert desk.alert.waits, "it is in the inbox"
    desk.take(ANN.retracted(1))
    assert len(desk.waiting()) == 1, "a warning does interrupt"


@pytest.mark.parametrize("grade", [1, 2, 3, 4, 5])
def test_no_adverse_event_waits_for_the_digest_whatever_the_clinic_says(grade: int) -> None:
    silent = Level(interrupts=False)
    desk = Desk(AlertPolicy(critical=silent, warning=silent, info=silent))
    desk.take(ANN.adverse(grade))
    assert desk.waiting() == ["st-ada"]


@pytest.mark.parametrize(("measure", "title"), [("pain-nrs", "Pain (0 to 10)"), ("of-the-clinic", "Of the clinic")])
def test_a_title_calls_a_measure_as_people_do(measure: str, title: str) -> None:
    desk = Desk()
    evidence = Evidence(rule_version=1)
    desk.take(PlateauSuspected(**ANN.who, plan_id="plan", measure=measure, review=8, evidence=evidence))
    assert desk.alert.title == f"Little gain lately: {title}"


def stranded(topic: str = "session.logged", cause: str = "failed") -> EventsStranded:
    told = {"stranding_id": "s-1", "service": "progress", "cause": cause, "topic": topic, "about": "p-7"}
    return EventsStranded.model_validate({**OF_THE_CLINIC, **told, "noted_at": NOW})


def released() -> EventsReleased:
    return EventsReleased.model_validate({**stranded().model_dump(), "released_at": NOW + timedelta(hours=1)})


OF_THE_CLINIC = {"clinic_id": ANN.clinic_id, "patient_id": THE_CLINIC}


@pytest.mark.parametrize(("topic", "severity"), [("session.logged", "warning"), ("adverse_event.recorded", "critical")])
def test_stranded_events_are_the_operators_and_critical_where_they_may_harm(topic: str, severity: str) -> None:
    desk = Desk()
    desk.take(stranded(topic))
    assert (desk.alert.kind, desk.alert.owner, desk.alert.severity) == ("events-stranded", "st-omar", severity)
    assert desk.alert.evidence["about"] == "p-7"
    assert {delivery.recipient_id for delivery in desk.patient.deliveries.values()} == {"st-omar"}


@pytest.mark.parametrize("cause", ["failed", "newer-version", "unreadable"])
def test_an_alert_about_stranded_events_says_where_and_of_what(cause: str) -> None:
    desk = Desk()
    desk.take(stranded(cause=cause))
    assert {"progress", "session.logged"} <= set(desk.alert.title.replace(":", " ").split())


def test_released_events_end_their_alert_and_what_was_to_be_sent_about_it() -> None:
    desk = Desk()
    desk.take(stranded(), released(), released())
    assert (desk.alert.resolved_by, desk.alert.resolution, desk.alert.wake_at) == ("stride", "done", None)
    assert {delivery.state for delivery in desk.patient.deliveries.values()} == {DeliveryState.SUPERSEDED}
    assert [type(fact) for fact in desk.published] == [AlertRaised, AlertResolved]


def test_a_release_that_comes_first_leaves_the_same() -> None:
    one, other = Desk(), Desk()
    one.take(stranded(), released())
    other.take(released(), stranded())
    assert other.patient.alerts == one.patient.alerts
    assert other.published == one.published


def test_a_person_who_resolved_it_first_stays_the_one_who_did() -> None:
    desk = Desk()
    desk.take(stranded())
    given: dict[str, Any] = {**OF_THE_CLINIC, "alert_id": desk.alert.alert_id, "given_by": "st-omar", "revision": 1}
    desk.take(ResolutionGiven(**given, resolution="not-needed"), released())
    assert (desk.alert.resolved_by, desk.alert.resolution) == ("st-omar", "not-needed")
