"""From rows to domain objects and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.notifications.domain.state import (
    Alert,
    Appointment,
    Contact,
    Delivery,
    DeliveryState,
    Patient,
    Plan,
    Told,
)

Columns = dict[str, Any]


def contact_of(row: Row[Any]) -> Contact | None:
    """The contact in a row of `patient`, if one has arrived."""
    if row.contact_revision is None:
        return None
    return Contact(row.contact_revision, row.name, row.email, row.language, row.zone)


def patient_columns(patient: Patient) -> Columns:
    """The row of `patient`, with the next revision."""
    contact = patient.contact
    return {
        "patient_key": patient.key,
        "clinic_id": patient.clinic_id,
        "patient_id": patient.patient_id,
        "revision": patient.revision + 1,
        "contact_revision": contact.revision if contact else None,
        "name": contact.name if contact else None,
        "email": contact.email if contact else None,
        "language": contact.language if contact else None,
        "zone": contact.zone if contact else None,
    }


def plan_of(row: Row[Any]) -> Plan:
    return Plan(row.plan_id, row.version, row.ended_at, row.end_reason)


def plan_columns(patient: Patient, plan: Plan) -> Columns:
    return {
        "patient_key": patient.key,
        "plan_id": plan.plan_id,
        "version": plan.version,
        "ended_at": plan.ended_at,
        "end_reason": plan.end_reason,
    }


def appointment_of(row: Row[Any]) -> Appointment:
    return Appointment(
        appointment_id=row.appointment_id,
        plan_id=row.plan_id,
        sequence=row.sequence,
        version=row.version,
        status=row.status,
        start=row.start_at,
        end=row.end_at,
        practitioner_id=row.practitioner_id,
        booking_id=row.booking_id,
        booking_size=row.booking_size,
        replaces=row.replaces,
    )


def appointment_columns(patient: Patient, appointment: Appointment) -> Columns:
    return {
        "patient_key": patient.key,
        "appointment_id": appointment.appointment_id,
        "plan_id": appointment.plan_id,
        "sequence": appointment.sequence,
        "version": appointment.version,
        "status": appointment.status,
        "start_at": appointment.start,
        "end_at": appointment.end,
        "practitioner_id": appointment.practitioner_id,
        "booking_id": appointment.booking_id,
        "booking_size": appointment.booking_size,
        "replaces": appointment.replaces,
    }


def delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        recipient=row.recipient,
        recipient_id=row.recipient_id,
        topic=row.topic,
        subject_id=row.subject_id,
        subject_version=row.subject_version,
        due_at=row.due_at,
        state=DeliveryState(row.state),
        reason=row.reason,
        slot=row.slot,
        channel=row.channel,
        plan_id=row.plan_id,
        valid_until=row.valid_until,
        told=tuple(_told_of(entry) for entry in row.told or ()),
    )


def _told_of(entry: Columns) -> Told:
    start = datetime.fromisoformat(entry["start"])
    return Told(entry["appointment_id"], entry["version"], start, entry["on"])


def told_columns(told: Sequence[Told]) -> list[Columns] | None:
    """What a message tells, as JSON; nothing where it tells of no appointment."""
    return [
        {"appointment_id": t.appointment_id, "version": t.version, "start": t.start, "on": t.on} for t in told
    ] or None


def delivery_columns(patient: Patient, delivery: Delivery) -> Columns:
    return {
        "delivery_id": delivery.delivery_id,
        "patient_key": patient.key,
        "clinic_id": patient.clinic_id,
        "patient_id": patient.patient_id,
        "recipient": delivery.recipient,
        "recipient_id": delivery.recipient_id,
        "channel": delivery.channel,
        "topic": delivery.topic,
        "subject_id": delivery.subject_id,
        "subject_version": delivery.subject_version,
        "slot": delivery.slot,
        "plan_id": delivery.plan_id,
        "state": delivery.state,
        "reason": delivery.reason,
        "due_at": delivery.due_at,
        "valid_until": delivery.valid_until,
    }


def alert_of(row: Row[Any]) -> Alert:
    return Alert(
        alert_id=row.alert_id,
        kind=row.kind,
        severity=row.severity,
        title=row.title,
        raised_at=row.raised_at,
        evidence=row.evidence,
        owner=row.owner,
        plan_id=row.plan_id,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
    )


def alert_columns(patient: Patient, alert: Alert) -> Columns:
    return {
        "alert_id": alert.alert_id,
        "patient_key": patient.key,
        "clinic_id": patient.clinic_id,
        "patient_id": patient.patient_id,
        "kind": alert.kind,
        "severity": alert.severity,
        "title": alert.title,
        "owner": alert.owner,
        "plan_id": alert.plan_id,
        "evidence": alert.evidence,
        "raised_at": alert.raised_at,
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": alert.acknowledged_at,
    }
