"""What became of alerts, read back: decided again as people and timers had it then."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.notifications.domain.escalation import Climb, climb
from services.notifications.domain.handling import (
    AcknowledgementGiven,
    AssignmentGiven,
    ResolutionGiven,
    SnoozeGiven,
    acknowledge,
    assign,
    resolve,
    snooze,
)
from services.notifications.domain.state import Patient
from services.notifications.domain.told import lapse
from shared.events.notifications import (
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertFact,
    AlertResolved,
    AlertSnoozed,
)
from shared.messaging.message import Decision, Handler


def taken(patient: Patient, fact: AlertAcknowledged, now: datetime) -> Decision[Patient]:
    """Somebody took an alert."""
    given = AcknowledgementGiven(**_command(patient, fact, fact.acknowledged_by))
    return acknowledge(lapse(patient, now), given, fact.acknowledged_at)


def assigned(patient: Patient, fact: AlertAssigned, now: datetime) -> Decision[Patient]:
    """Somebody handed an alert on."""
    given = AssignmentGiven(**_command(patient, fact, fact.assigned_by), owner=fact.owner)
    return assign(lapse(patient, now), given, fact.assigned_at)


def snoozed(patient: Patient, fact: AlertSnoozed, now: datetime) -> Decision[Patient]:
    """Somebody put an alert off."""
    given = SnoozeGiven(**_command(patient, fact, fact.snoozed_by), until=fact.until)
    return snooze(lapse(patient, now), given, fact.snoozed_at)


def resolved(patient: Patient, fact: AlertResolved, now: datetime) -> Decision[Patient]:
    """Somebody has dealt with it."""
    given = ResolutionGiven(**_command(patient, fact, fact.resolved_by), resolution=fact.resolution)
    return resolve(lapse(patient, now), given, fact.resolved_at)


def escalated(patient: Patient, fact: AlertEscalated, now: datetime) -> Decision[Patient]:
    """A timer came due: the alert went to whom the roster named then."""
    alert = patient.alerts.get(fact.alert_id)
    if alert is None or alert.revision >= fact.revision:
        return Decision(patient)
    return climb(lapse(patient, now), alert, Climb(fact.reason, fact.owner, fact.step), fact.escalated_at)


READ_BACK: Final[dict[type[Any], Handler]] = {
    AlertAcknowledged: taken,
    AlertEscalated: escalated,
    AlertAssigned: assigned,
    AlertSnoozed: snoozed,
    AlertResolved: resolved,
}


def _command(patient: Patient, fact: AlertFact | AlertAcknowledged, by: str) -> Mapping[str, Any]:
    alert = patient.alerts.get(fact.alert_id)
    return {
        "clinic_id": fact.clinic_id,
        "patient_id": fact.patient_id,
        "alert_id": fact.alert_id,
        "given_by": by,
        "revision": alert.revision if alert else 0,
    }
