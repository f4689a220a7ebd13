"""How facts hang together: what each is called by, what it names as having led to it, and when it was."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from shared.alerting import alert_about
from shared.events import intake, notifications, progress, scheduling
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined

Key = tuple[str, str]
"""A kind of thing and its id: what one fact is called by, and what another names."""

_Keys = Callable[[Any], Iterable[Key]]


def called(fact: Fact) -> Iterable[Key]:
    """What other facts may name this one by."""
    own = _CALLED.get(type(fact))
    return (("about", alert_about(fact.event_id)), ("fact", fact.event_id), *(own(fact) if own else ()))


def about(fact: Fact) -> Iterable[Key]:
    """What led to it, the nearest first."""
    named = _ABOUT.get(type(fact))
    return named(fact) if named else ()


def moment_of(fact: Fact) -> datetime | None:
    """When it happened, or when it was decided; None where the fact does not say: then with what led to it."""
    if special := _WHEN.get(type(fact)):
        return special(fact)
    return next((getattr(fact, name) for name in _MOMENTS if hasattr(fact, name)), None)


def _session(fact: intake.SessionLogged) -> Iterable[Key]:
    yield "session", fact.session_id
    yield from (("reading", reading.measurement_id) for reading in fact.readings)
    yield from (("harm", event.adverse_event_id) for event in fact.adverse_events)


def _evidence(fact: progress.MilestoneReached | progress.PlanAdjustmentProposed) -> Iterable[Key]:
    yield from (("reading", name) for name in fact.evidence.readings[-1:])
    yield from (("session", name) for name in fact.evidence.counted[-1:])


def _not_evaluable(fact: progress.MilestoneNotEvaluable) -> Iterable[Key]:
    yield ("session-number", "6") if fact.reason == "no-baseline" else ("plan", "1")


def _message(fact: notifications.DeliveryFact) -> Iterable[Key]:
    return ((kind, fact.subject_id) for kind in ("alert", "about", "booking", "appointment", "fact"))


def _of_alert(fact: Any) -> Iterable[Key]:
    return (("alert", fact.alert_id),)


def _of_proposal(fact: Any) -> Iterable[Key]:
    return (("proposal", fact.proposal_id),)


def _of_offer(fact: Any) -> Iterable[Key]:
    return (("offer", fact.offer_id),)


def _of_plan(fact: Any) -> Iterable[Key]:
    return (("plan", str(fact.plan_version)),)


_CALLED: Final[Mapping[type[Fact], _Keys]] = {
    intake.SessionLogged: _session,
    intake.MeasurementRecorded: lambda fact: (("reading", fact.reading.measurement_id),),
    intake.AdverseEventRecorded: lambda fact: (("harm", fact.adverse_event.adverse_event_id),),
    intake.PlanCreated: _of_plan,
    intake.PlanAdjusted: _of_plan,
    progress.MilestoneReached: lambda fact: (("milestone", fact.natural_key),),
    progress.PlanAdjustmentProposed: _of_proposal,
    PlanAdjustmentApproved: lambda fact: (("approval", fact.proposal_id),),
    notifications.AlertRaised: _of_alert,
    scheduling.AppointmentBooked: lambda fact: (("appointment", fact.appointment_id), ("booking", fact.booking_id)),
    scheduling.WaitlistOffered: _of_offer,
}

_ABOUT: Final[Mapping[type[Fact], _Keys]] = {
    intake.MeasurementCorrected: lambda fact: (("reading", fact.reading.measurement_id),),
    intake.MeasurementVoided: lambda fact: (("reading", fact.measurement_id),),
    intake.SessionVoided: lambda fact: (("session", fact.session_id),),
    intake.AdverseEventRecorded: lambda fact: (("session", str(fact.session_id)),),
    intake.PlanAdjusted: lambda fact: (("approval", str(fact.proposal_id)),),
    PlanAdjustmentApproved: _of_proposal,
    PlanAdjustmentDeclined: _of_proposal,
    scheduling.AppointmentBooked: _of_plan,
    scheduling.CourseUnschedulable: _of_plan,
    scheduling.WaitlistAnswered: _of_offer,
    progress.MilestoneReached: _evidence,
    progress.MilestoneRetracted: lambda fact: (("milestone", fact.natural_key),),
    progress.MilestoneNotEvaluable: _not_evaluable,
    progress.RegressionDetected: lambda fact: (("reading", fact.reading_id),),
    progress.PlateauSuspected: lambda fact: (("session-number", str(fact.review)),),
    progress.AdverseEventReported: lambda fact: (("harm", fact.adverse_event_id),),
    progress.PlanAdjustmentProposed: _evidence,
    progress.PlanReviewDue: _of_plan,
    notifications.NotificationSent: _message,
    notifications.NotificationFailed: _message,
    notifications.AlertRaised: lambda fact: (("about", fact.alert_id),),
    notifications.AlertAcknowledged: _of_alert,
    notifications.AlertAssigned: _of_alert,
    notifications.AlertSnoozed: _of_alert,
    notifications.AlertEscalated: _of_alert,
    notifications.AlertResolved: _of_alert,
}


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


_WHEN: Final[Mapping[type[Fact], Callable[[Any], datetime]]] = {
    intake.MeasurementRecorded: lambda fact: fact.reading.effective_at,
    intake.AdverseEventRecorded: lambda fact: fact.adverse_event.occurred_at,
    intake.PlanCreated: lambda fact: _midnight(fact.starts_on),
    intake.PlanAdjusted: lambda fact: _midnight(fact.effective_on),
    scheduling.AppointmentCancelled: lambda fact: fact.start,
    scheduling.AppointmentMissed: lambda fact: fact.start,
}
_MOMENTS: Final = (
    "started_at",
    "voided_at",
    "completed_at",
    "ended_at",
    "entered_at",
    "reached_at",
    "detected_at",
    "proposed_at",
    "decided_at",
    "raised_at",
    "acknowledged_at",
    "assigned_at",
    "snoozed_at",
    "escalated_at",
    "resolved_at",
    "offered_at",
    "answered_at",
    "accepted_at",
    "wished_at",
    "requested_at",
    "occurred_at",
    "recorded_at",
)
