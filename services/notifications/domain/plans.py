"""Courses beginning, changing and ending."""

from datetime import datetime, timedelta
from typing import Final

from services.notifications.domain.deliveries import readdress, supersede, to_patient
from services.notifications.domain.standing import takes_place
from services.notifications.domain.state import Delivery, Patient, Plan
from shared.events.intake import PlanAdjusted, PlanCreated, PlanEnded
from shared.messaging.message import Decision

_ENDED_VALID: Final = timedelta(days=7)


def note_plan(patient: Patient, fact: PlanCreated | PlanAdjusted, _now: datetime) -> Decision[Patient]:
    """Remember the plan's highest version."""
    known = patient.plans.get(fact.plan_id, Plan(fact.plan_id))
    if fact.plan_version <= known.version:
        return Decision(patient)
    return Decision(patient.with_plan(known._replace(version=fact.plan_version)))


def end_plan(patient: Patient, fact: PlanEnded, now: datetime) -> Decision[Patient]:
    """Tell the patient, and remind of nothing that will not take place. After a death, nothing is sent."""
    known = patient.plans.get(fact.plan_id, Plan(fact.plan_id))
    if known.ended_at is not None:
        return Decision(patient)
    patient = patient.with_plan(known._replace(ended_at=fact.ended_at, end_reason=fact.reason))

    def pointless(delivery: Delivery) -> bool:
        appointment = patient.appointments.get(delivery.subject_id)
        return delivery.topic == "reminder" and appointment is not None and not takes_place(patient, appointment)

    patient = readdress(supersede(patient, "plan-ended", pointless))
    message = to_patient(
        patient, "ended", fact.plan_id, 1, due_at=now, plan_id=fact.plan_id, valid_until=now + _ENDED_VALID
    )
    return Decision(patient.with_deliveries(message))
