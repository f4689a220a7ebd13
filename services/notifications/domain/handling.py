"""What people do with an alert: take it, hand it on, put it off, resolve it.

A command names the revision that its sender saw. Asked again it changes nothing; where somebody else was
faster, it is refused, unless what it asks for is so already.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from services.notifications.domain.escalation import next_wake
from services.notifications.domain.groups import messages, take_back
from services.notifications.domain.state import Alert, Patient, Resolution
from shared.events.base import Identifier, Moment, PatientFact
from shared.events.notifications import AlertAcknowledged, AlertAssigned, AlertFact, AlertResolved, AlertSnoozed
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

LONGEST_SNOOZE: Final = timedelta(days=14)


class AlertCommand(PatientFact):
    """Something that a person asks for over HTTP. It travels no topic."""

    alert_id: Identifier
    given_by: Identifier
    revision: int
    """Of the alert, as its sender saw it."""

    @property
    def natural_key(self) -> str:
        return f"{self.alert_id}/{self.revision}/{self.given_by}"


class AcknowledgementGiven(AlertCommand):
    """Somebody takes the alert."""

    NAME: ClassVar[str] = "alert.acknowledgement.given"


class AssignmentGiven(AlertCommand):
    """Somebody hands the alert to `owner`."""

    NAME: ClassVar[str] = "alert.assignment.given"
    owner: Identifier

    @property
    def natural_key(self) -> str:
        return f"{super().natural_key}/{self.owner}"


class SnoozeGiven(AlertCommand):
    """Somebody puts the alert off."""

    NAME: ClassVar[str] = "alert.snooze.given"
    until: Moment

    @property
    def natural_key(self) -> str:
        return f"{super().natural_key}/{self.until.isoformat()}"


class ResolutionGiven(AlertCommand):
    """Somebody has dealt with what the alert is about."""

    NAME: ClassVar[str] = "alert.resolution.given"
    resolution: Resolution

    @property
    def natural_key(self) -> str:
        return f"{super().natural_key}/{self.resolution}"


def acknowledge(patient: Patient, fact: AcknowledgementGiven, now: datetime) -> Decision[Patient]:
    """The first to take an alert has it; messages about it that are not sent yet stop, its steps with them.

    Raises:
        Refused: this patient has no such alert.
    """
    alert = _known(patient, fact.alert_id)
    if alert.acknowledged_at is not None or alert.resolved_at is not None:
        return Decision(patient)
    taken = alert._replace(acknowledged_by=fact.given_by, acknowledged_at=now, snoozed_until=None)
    taken = _next(patient, taken, now)
    published = AlertAcknowledged(
        clinic_id=patient.clinic_id, patient_id=patient.patient_id, alert_id=alert.alert_id,
        acknowledged_by=fact.given_by, acknowledged_at=now, revision=taken.revision,
    )  # fmt: skip
    return Decision(take_back(patient.with_alert(taken), taken, "acknowledged"), (published,))


def assign(patient: Patient, fact: AssignmentGiven, now: datetime) -> Decision[Patient]:
    """The alert is `owner`'s, who gets a message unless they took it themselves; it climbs from there anew.

    Raises:
        Refused: no such alert, or somebody changed it meanwhile.
    """
    alert = _known(patient, fact.alert_id)
    if alert.owner == fact.owner and alert.resolved_at is None:
        return Decision(patient)
    alert = _unchanged(alert, fact)
    given = _next(patient, alert._replace(owner=fact.owner, step=0), now)
    patient = take_back(patient, alert, "assigned").with_alert(given)
    if fact.owner != fact.given_by and given.waits:
        patient = patient.with_deliveries(*messages(patient, given, now))
    told = {"owner": fact.owner, "assigned_by": fact.given_by, "assigned_at": now}
    return Decision(patient, (_published(AlertAssigned, patient, given, told),))


def snooze(patient: Patient, fact: SnoozeGiven, now: datetime) -> Decision[Patient]:
    """Nobody hears of the alert until then; after that its owner is asked again.

    Raises:
        Refused: no such alert, a critical one, not in the future or too far, or changed meanwhile.
    """
    alert = _known(patient, fact.alert_id)
    if alert.snoozed_until == fact.until:
        return Decision(patient)
    alert = _unchanged(alert, fact)
    if alert.severity == "critical":
        raise Refused("a critical alert can't be put off", pointer="/until", remedy="Acknowledge it and act.")
    if not now < fact.until <= now + LONGEST_SNOOZE:
        raise Refused("the time is past or too far ahead", pointer="/until", remedy="At most 14 days from now.")
    later = _next(patient, alert._replace(snoozed_until=fact.until), now)
    patient = take_back(patient.with_alert(later), later, "snoozed")
    told = {"until": fact.until, "snoozed_by": fact.given_by, "snoozed_at": now}
    return Decision(patient, (_published(AlertSnoozed, patient, later, told),))


def resolve(patient: Patient, fact: ResolutionGiven, now: datetime) -> Decision[Patient]:
    """The alert is over. Asked again it stays as it was resolved first.

    Raises:
        Refused: no such alert, or somebody changed it meanwhile.
    """
    alert = _known(patient, fact.alert_id)
    if alert.resolved_at is not None:
        return Decision(patient)
    alert = _unchanged(alert, fact)
    over = alert._replace(resolved_by=fact.given_by, resolved_at=now, resolution=fact.resolution, snoozed_until=None)
    over = _next(patient, over, now)
    patient = take_back(patient.with_alert(over), over, "resolved")
    told = {"resolution": fact.resolution, "resolved_by": fact.given_by, "resolved_at": now}
    return Decision(patient, (_published(AlertResolved, patient, over, told),))


def _known(patient: Patient, alert_id: str) -> Alert:
    alert = patient.alerts.get(alert_id)
    if alert is None:
        raise Refused("no such alert", pointer="/alert_id", remedy="List the open alerts: GET /alerts.")
    return alert


def _unchanged(alert: Alert, fact: AlertCommand) -> Alert:
    if alert.revision != fact.revision or alert.resolved_at is not None:
        raise Refused("the alert was changed meanwhile", pointer="/revision", remedy="Read it again: GET /alerts/{id}.")
    return alert


def _next(patient: Patient, alert: Alert, now: datetime) -> Alert:
    return alert._replace(revision=alert.revision + 1, wake_at=next_wake(patient, alert, now))


def _published(kind: type[AlertFact], patient: Patient, alert: Alert, told: Mapping[str, object]) -> AlertFact:
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.patient_id}
    return kind.model_validate({**whose, "alert_id": alert.alert_id, "revision": alert.revision, **told})
