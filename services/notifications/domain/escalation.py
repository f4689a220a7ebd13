"""What becomes of an alert while time passes: it climbs, it is asked about again, its snooze ends."""

from datetime import datetime, timedelta
from typing import ClassVar, Literal, NamedTuple

from services.notifications.domain.groups import messages, take_back
from services.notifications.domain.state import Alert, Patient
from shared.events.base import Identifier, PatientFact
from shared.events.notifications import AlertEscalated
from shared.messaging.message import Decision


class Climb(NamedTuple):
    """Why an alert is told of again, whose it is from then on, and how far up it is."""

    reason: Literal["unacknowledged", "stale-acknowledgement", "snooze-over"]
    owner: str | None
    step: int


class AlertTimerDue(PatientFact):
    """An alert's time has come. It travels no topic: the service's own timers hand it in."""

    NAME: ClassVar[str] = "alert.timer.due"
    alert_id: Identifier
    revision: int

    @property
    def natural_key(self) -> str:
        return f"{self.alert_id}/{self.revision}"


def next_wake(patient: Patient, alert: Alert, now: datetime) -> datetime | None:
    """When `alert` is to be looked at again, as it is from `now` on; never where nothing would follow."""
    level = patient.desk.policy.of(alert.severity)
    if alert.resolved_at is not None:
        return None
    if alert.snoozed_until is not None:
        return alert.snoozed_until
    if alert.acknowledged_at is not None:
        return now + timedelta(minutes=level.ask_again_minutes) if level.ask_again_minutes else None
    if alert.step < len(level.steps):
        return now + timedelta(minutes=level.steps[alert.step].after_minutes)
    return None


def wake(patient: Patient, fact: AlertTimerDue, now: datetime) -> Decision[Patient]:
    """Do what is due of an alert, unless somebody was faster: then its revision is another."""
    alert = patient.alerts.get(fact.alert_id)
    if alert is None or alert.revision != fact.revision or alert.wake_at is None or alert.wake_at > now:
        return Decision(patient)
    return climb(patient, alert, _what_follows(patient, alert, now), now)


def _what_follows(patient: Patient, alert: Alert, now: datetime) -> Climb:
    if alert.snoozed_until is not None:
        return Climb("snooze-over", alert.owner, alert.step)
    if alert.acknowledged_at is not None:
        return Climb("stale-acknowledgement", alert.owner, 0)
    step = patient.desk.policy.of(alert.severity).steps[alert.step]
    return Climb("unacknowledged", patient.desk.who(step.role or alert.role, now, step.place), alert.step + 1)


def climb(patient: Patient, alert: Alert, to: Climb, now: datetime) -> Decision[Patient]:
    """The alert waits for its owner from now on, who gets a message of it alone; older messages stop."""
    patient = take_back(patient, alert, "escalated")
    waiting = alert._replace(
        owner=to.owner, step=to.step, acknowledged_by=None, acknowledged_at=None, snoozed_until=None,
        revision=alert.revision + 1,
    )  # fmt: skip
    waiting = waiting._replace(wake_at=next_wake(patient, waiting, now))
    published = AlertEscalated(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        alert_id=alert.alert_id,
        revision=waiting.revision,
        owner=to.owner,
        step=to.step,
        reason=to.reason,
        escalated_at=now,
    )
    return Decision(patient.with_alert(waiting).with_deliveries(*messages(patient, waiting, now)), (published,))
