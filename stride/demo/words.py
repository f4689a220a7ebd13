"""Facts in plain words, for people who watch the demo. Patients appear by their ids alone."""

from collections.abc import Callable
from typing import Any

from shared.events import intake, notifications, progress, scheduling
from shared.events.base import Fact

_WORDS: dict[type[Fact], Callable[[Any], str]] = {
    intake.ConsultationCompleted: lambda f: f"{f.patient_id} had a first consultation: {f.condition}",
    intake.PlanCreated: lambda f: f"{f.patient_id} has a plan: {sum(p.sessions for p in f.phases)} sessions",
    intake.PlanWithheld: lambda f: f"{f.patient_id} gets no plan: {', '.join(f.contraindications)}",
    intake.PlanAdjusted: lambda f: f"{f.patient_id}: the plan is now at step {f.step} of its ladder",
    intake.PlanEnded: lambda f: f"{f.patient_id}: the course ended, {f.reason}",
    intake.SessionVoided: lambda f: f"{f.patient_id}: a session was entered in error and voided",
    intake.MeasurementCorrected: lambda f: f"{f.patient_id}: a reading of {f.reading.measure} was corrected",
    scheduling.AppointmentMoved: lambda f: f"{f.patient_id}: session {f.sequence} moved to {f.start:%a %d %b %H:%M}",
    scheduling.AppointmentCancelled: lambda f: f"{f.patient_id}: session {f.sequence} was called off ({f.reason})",
    scheduling.AppointmentMissed: lambda f: f"{f.patient_id} did not come to session {f.sequence}",
    scheduling.CourseUnschedulable: lambda f: f"{f.patient_id}: {len(f.unplaced)} sessions found no time",
    progress.MilestoneReached: lambda f: f"{f.patient_id} reached {f.milestone}",
    progress.MilestoneRetracted: lambda f: f"{f.patient_id}: {f.milestone} was taken back ({f.cause})",
    progress.RegressionDetected: lambda f: f"{f.patient_id}: {f.measure} got worse beyond noise",
    progress.PlateauSuspected: lambda f: f"{f.patient_id}: little gain lately in {f.measure}",
    progress.AdverseEventReported: lambda f: f"{f.patient_id}: adverse event of grade {f.grade}",
    progress.PlanAdjustmentProposed: lambda f: f"{f.patient_id}: step {f.from_step} to {f.to_step} is proposed",
    progress.PlanReviewDue: lambda f: f"{f.patient_id}: stepped back {f.steps_back} times, held for review",
    notifications.NotificationFailed: lambda f: f"{f.patient_id}: a message of kind {f.topic} could not be sent",
}


def in_words(fact: Fact) -> str:
    """One line about the fact; nothing for those too frequent to read."""
    tell = _WORDS.get(type(fact))
    return tell(fact) if tell else ""
