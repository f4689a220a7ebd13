"""A plan as intake would make it, for tests of the simulated clinic alone."""

from datetime import timedelta

from shared.events.clinical import MilestoneRule, Phase
from shared.events.intake import PlanCreated
from shared.ids import derived_id
from stride.demo.patients import Patient


def counted(sessions: int) -> MilestoneRule:
    """A milestone for so many sessions held."""
    return MilestoneRule(milestone=f"sessions-{sessions}", kind="session-count", sessions=sessions)


def a_plan(patient: Patient, *milestones: MilestoneRule) -> PlanCreated:
    """Eighteen sessions, twice a week."""
    return PlanCreated(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        plan_id=derived_id("plan", patient.patient_id),
        consultation_id=patient.consultation_id,
        protocol_id="test",
        protocol_version=1,
        condition=patient.condition,
        starts_on=(patient.consulted_at + timedelta(days=1)).date(),
        phases=(Phase(name="twice", sessions_per_week=2, weeks=9, min_gap_days=2, max_gap_days=5),),
        ladder=(),
        session_minutes=45,
        skill="acupuncture",
        room_kind="treatment",
        measures=(),
        milestones=milestones,
    )
