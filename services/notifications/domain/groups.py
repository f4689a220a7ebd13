"""Messages to staff about alerts: at once and one each, or a course's together.

A course's first alert waits half a minute for others of the same cause; what comes within five minutes of
a message waits for those to be over. Who asks for a message is told by its time alone, whatever the sender has
done meanwhile, so that a rebuild groups the same.
"""

from datetime import datetime, timedelta
from typing import Final

from services.notifications.domain.deliveries import supersede, to_staff
from services.notifications.domain.state import Alert, Delivery, DeliveryState, Patient

AT_ONCE: Final = "alert"
TOGETHER: Final = "alerts"
DIGEST: Final = "digest"
WAIT: Final = timedelta(seconds=30)
INTERVAL: Final = timedelta(minutes=5)


def grouped(patient: Patient, alert: Alert) -> bool:
    """Whether `alert` may wait for others. Adverse events never do, whatever the clinic says."""
    return alert.kind != "adverse-event" and patient.desk.policy.of(alert.severity).grouped


def interrupts(patient: Patient, alert: Alert) -> bool:
    """Whether the owner is written to at once, and not by the daily digest alone."""
    return alert.kind == "adverse-event" or patient.desk.policy.of(alert.severity).interrupts


def course_of(patient: Patient, alert: Alert) -> str:
    """What an alert is grouped by: the course, or the patient where it is of none."""
    return alert.plan_id or patient.patient_id


def tell_owner(patient: Patient, alert: Alert, now: datetime) -> Patient:
    """Write to the alert's owner, with the course's other alerts where these may wait; or leave it to the digest."""
    if not interrupts(patient, alert):
        return patient
    if not grouped(patient, alert):
        return patient.with_deliveries(*messages(patient, alert, now))
    course = course_of(patient, alert)
    ours = [
        delivery
        for delivery in patient.deliveries.values()
        if delivery.topic == TOGETHER and delivery.subject_id == course and delivery.recipient_id == _name(alert)
    ]
    last = max(ours, key=lambda delivery: delivery.subject_version, default=None)
    if last is not None and last.due_at > now and last.state is not DeliveryState.SUPERSEDED:
        return patient
    due_at = now + WAIT if last is None else max(now + WAIT, last.due_at + INTERVAL)
    version = last.subject_version + 1 if last else 1
    return patient.with_deliveries(
        *to_staff(
            patient, alert.owner, alert.role, TOGETHER, course,
            subject_version=version, due_at=due_at, plan_id=alert.plan_id,
        )
    )  # fmt: skip


def messages(patient: Patient, alert: Alert, now: datetime) -> tuple[Delivery, ...]:
    """Messages about this alert alone, due now; one for each revision that has a reason to write."""
    slot = "" if alert.revision == 1 else str(alert.revision)
    return to_staff(
        patient, alert.owner, alert.role, AT_ONCE, alert.alert_id,
        due_at=now, plan_id=alert.plan_id, slot=slot, urgent=alert.severity == "critical",
    )  # fmt: skip


def take_back(patient: Patient, alert: Alert, reason: str) -> Patient:
    """Nothing more is sent about `alert`; a course's message goes if another of its alerts still waits."""
    course = course_of(patient, alert)
    others = any(
        other.waits and course_of(patient, other) == course and grouped(patient, other) and interrupts(patient, other)
        for name, other in patient.alerts.items()
        if name != alert.alert_id
    )

    def about_it(delivery: Delivery) -> bool:
        alone = delivery.topic == AT_ONCE and delivery.subject_id == alert.alert_id
        return alone or (delivery.topic == TOGETHER and delivery.subject_id == course and not others)

    return supersede(patient, reason, about_it)


def _name(alert: Alert) -> str:
    return alert.owner or alert.role
