"""Staff alerts: which fact is worth one, how serious it is, and who owns it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.notifications.domain.deliveries import supersede, to_patient
from services.notifications.domain.escalation import next_wake
from services.notifications.domain.groups import tell_owner
from services.notifications.domain.state import Alert, Patient, Role
from shared.alerting import Severity, alert_about
from shared.events.base import Fact
from shared.events.intake import PlanWithheld
from shared.events.notifications import AlertRaised, RebookingWished, RosterGapFound
from shared.events.operations import EventsStranded
from shared.events.progress import (
    AdverseEventReported,
    MilestoneFact,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlanReviewDue,
    PlateauSuspected,
    RegressionDetected,
)
from shared.events.scheduling import CourseUnschedulable
from shared.explaining import measure_name
from shared.flow import URGENT
from shared.ids import derived_id
from shared.messaging.message import Decision

_CRITICAL_GRADE, _WARNING_GRADE = 3, 2
_MILESTONE_VALID: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a fact becomes an alert. A title holds no personal data: it leaves on a topic."""

    kind: str
    role: Role
    severity: Callable[[Any], Severity]
    title: Callable[[Any], str]


def _by_grade(fact: AdverseEventReported) -> Severity:
    """CTCAE 5.0: grade 3 is severe, grade 2 moderate, grade 1 mild."""
    if fact.grade >= _CRITICAL_GRADE:
        return "critical"
    return "warning" if fact.grade >= _WARNING_GRADE else "info"


def _info(_: Fact) -> Severity:
    return "info"


def _warning(_: Fact) -> Severity:
    return "warning"


def _milestone(words: str) -> Callable[[MilestoneReached | MilestoneRetracted], str]:
    return lambda fact: f"{words}: {fact.title or fact.milestone}"


def _of_measure(words: str) -> Callable[[RegressionDetected | PlateauSuspected], str]:
    return lambda fact: f"{words}: {measure_name(fact.measure)}"


def _unplaced(fact: CourseUnschedulable) -> str:
    if fact.request_id:
        return "An appointment could not be moved as asked for"
    return f"{len(fact.unplaced)} session(s) could not be booked"


def _shortly(start: datetime, end: datetime) -> str:
    return f"{start:%d %b %H:%M} to {end:%d %b %H:%M} UTC"


def _by_topic(fact: EventsStranded) -> Severity:
    """What can harm somebody waits for nobody."""
    return "critical" if fact.topic in URGENT else "warning"


def _stranded(fact: EventsStranded) -> str:
    if fact.cause == "unreadable":
        return f"{fact.service} can't read records of {fact.topic}"
    why = "must be updated for" if fact.cause == "newer-version" else "could not apply"
    return f"Events wait: {fact.service} {why} {fact.topic}"


RULES: Final[dict[type[Fact], Rule]] = {
    MilestoneReached: Rule("milestone", "clinician", _info, _milestone("Milestone reached")),
    MilestoneRetracted: Rule("milestone-retracted", "clinician", _warning, _milestone("Milestone retracted")),
    MilestoneNotEvaluable: Rule(
        "milestone-not-evaluable", "clinician", _info, lambda f: f"Milestone {f.milestone} can't be judged: {f.reason}"
    ),
    RegressionDetected: Rule("regression", "clinician", _warning, _of_measure("Worse beyond noise")),
    PlateauSuspected: Rule("plateau", "clinician", _info, _of_measure("Little gain lately")),
    AdverseEventReported: Rule(
        "adverse-event", "clinician", _by_grade, lambda f: f"Adverse event reported, grade {f.grade}"
    ),
    PlanAdjustmentProposed: Rule(
        "adjustment-proposed",
        "clinician",
        _warning,
        lambda f: f"A change of plan awaits a decision: step {f.from_step} to {f.to_step}",
    ),
    PlanReviewDue: Rule(
        "plan-review-due", "clinician", _warning, lambda f: f"Held for review: stepped back {f.steps_back} times"
    ),
    PlanWithheld: Rule("plan-withheld", "clinician", _warning, lambda _: "No plan was made: something forbids it"),
    RosterGapFound: Rule(
        "roster-gap", "operator", _warning, lambda f: f"Nobody is on duty as {f.role}: {_shortly(f.start, f.end)}"
    ),
    RebookingWished: Rule(
        "rebooking-wished", "front-desk", _warning, lambda _: "Asks for another time after a missed appointment"
    ),
    EventsStranded: Rule("events-stranded", "operator", _by_topic, _stranded),
    CourseUnschedulable: Rule("course-unschedulable", "front-desk", _warning, _unplaced),
}


def alert_id_of(fact: Fact) -> str:
    """The id of the alert that `fact` leads to."""
    return alert_about(fact.event_id)


def retraction_id(fact: MilestoneFact) -> str:
    """The id of the alert by which this very occurrence of a milestone is taken back."""
    event_id = derived_id(MilestoneRetracted.wire_type(), fact.clinic_id, fact.natural_key)
    return alert_about(event_id)


def raise_alert(patient: Patient, fact: Fact, now: datetime) -> Decision[Patient]:
    """Open an alert with its evidence and write to its owner."""
    alert = _alert(patient, fact, now)
    if alert.alert_id in patient.alerts:
        return Decision(patient)
    return Decision(tell_owner(patient.with_alert(alert), alert, now), (_raised(patient, alert),))


def _alert(patient: Patient, fact: Fact, now: datetime) -> Alert:
    rule = RULES[type(fact)]
    alert = Alert(
        alert_id=alert_id_of(fact),
        kind=rule.kind,
        severity=rule.severity(fact),
        title=rule.title(fact),
        raised_at=now,
        evidence=fact.model_dump(mode="json", exclude_none=True, exclude={"clinic_id", "patient_id"}),
        owner=patient.desk.who(rule.role, now),
        plan_id=getattr(fact, "plan_id", None),
        role=rule.role,
    )
    return alert._replace(wake_at=next_wake(patient, alert, now))


def _raised(patient: Patient, alert: Alert) -> AlertRaised:
    return AlertRaised(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        alert_id=alert.alert_id,
        kind=alert.kind,
        severity=alert.severity,
        plan_id=alert.plan_id,
        owner=alert.owner,
        title=alert.title,
        raised_at=alert.raised_at,
    )


def celebrate(patient: Patient, fact: MilestoneReached, now: datetime) -> Decision[Patient]:
    """Tell staff, and the patient too unless the milestone was taken back already."""
    decision = raise_alert(patient, fact, now)
    if decision.state is patient or retraction_id(fact) in patient.alerts:
        return decision
    message = to_patient(
        patient,
        "milestone",
        alert_id_of(fact),
        fact.occurrence,
        due_at=now,
        plan_id=fact.plan_id,
        valid_until=now + _MILESTONE_VALID,
    )
    return Decision(decision.state.with_deliveries(message), decision.facts)


def retract(patient: Patient, fact: MilestoneRetracted, now: datetime) -> Decision[Patient]:
    """Tell staff; the patient hears nothing of what was not so, if it is not too late."""
    decision = raise_alert(patient, fact, now)
    event_id = derived_id(MilestoneReached.wire_type(), fact.clinic_id, fact.natural_key)
    reached = alert_about(event_id)
    state = supersede(decision.state, "retracted", lambda d: d.topic == "milestone" and d.subject_id == reached)
    return Decision(state, decision.facts)
