"""The map: what each service consumes, accepts and publishes.

It is executed, not drawn. Topics, subscriptions, start-up checks, README's diagram and the
AsyncAPI document all derive from it.
"""

from dataclasses import dataclass
from typing import Final

from shared.events import console as people
from shared.events import intake, notifications, progress, scheduling
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ClinicDescribed
from shared.events.operations import EventsReleased, EventsStranded

INBOUND_TOPIC: Final = "clinic.inbound"
"""Where clinic systems may put the same CloudEvents that `POST /events` takes."""

STAFF_TOPIC: Final = "staff.inbound"
"""Where the console puts what people ask for, on its way to intake. Only the console may write here."""

INBOUND_TOPICS: Final = frozenset({INBOUND_TOPIC, STAFF_TOPIC})
"""What comes from outside: checked by intake, and published by it where it is right."""

COMPACTED: Final = frozenset({"patient.registered", "patient.updated"})
"""Topics with personal data: only the newest fact of a patient is kept."""

URGENT: Final = frozenset({"adverse_event.recorded", "adverse_event.reported"})
"""Topics that wait behind no backlog: a service reads them along with every full batch of the others."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service's place in the flow."""

    owns: str
    consumes: tuple[type[Fact], ...]
    publishes: tuple[type[Fact], ...]
    accepts: tuple[type[Fact], ...] = ()
    """What clinic systems and people hand in at its edge."""
    hands_in: tuple[type[Fact], ...] = ()
    """What it hands in by the staff topic, for people."""


OF_ITSELF: Final = (EventsStranded, EventsReleased)
"""What every service tells of itself, beside its work."""

_PATIENTS = (intake.PatientRegistered, intake.PatientUpdated)
_PLANS = (intake.PlanCreated, intake.PlanAdjusted, intake.PlanEnded)
_MEASUREMENTS = (intake.MeasurementRecorded, intake.MeasurementCorrected, intake.MeasurementVoided)
_APPOINTMENTS = (
    scheduling.AppointmentBooked,
    scheduling.AppointmentMoved,
    scheduling.AppointmentCancelled,
    scheduling.AppointmentMissed,
)
_DECISIONS = (people.PlanAdjustmentApproved, people.PlanAdjustmentDeclined)
_ASKED = (intake.AppointmentChangeRequested, people.AlertActionRequested, people.DeskActionRequested)
_RECORDED = (
    *_PATIENTS,
    intake.ConsultationCompleted,
    intake.PlanEnded,
    intake.SessionLogged,
    intake.SessionVoided,
    *_MEASUREMENTS,
    intake.RecoveryExpected,
    intake.AdverseEventRecorded,
    *_ASKED,
    CalendarChanged,
)

_DECIDING: Final[dict[str, Service]] = {
    "intake": Service(
        owns="patients, consultations, plans; the edge where clinic systems hand events in",
        consumes=(progress.PlanAdjustmentProposed,),
        publishes=(*_RECORDED, intake.PlanCreated, intake.PlanWithheld, intake.PlanAdjusted, *_DECISIONS, *OF_ITSELF),
        accepts=(*_RECORDED, *_DECISIONS),
    ),
    "scheduling": Service(
        owns="calendars of practitioners, rooms and patients; appointments; offers of freed time",
        consumes=(
            *_PLANS,
            intake.SessionLogged,
            intake.SessionVoided,
            intake.AppointmentChangeRequested,
            people.DeskActionRequested,
            scheduling.SlotRequested,
            scheduling.SessionGivenUp,
            scheduling.WaitlistChanged,
            scheduling.WaitlistOffered,
            ClinicDescribed,
            CalendarChanged,
        ),
        publishes=(
            *_APPOINTMENTS,
            scheduling.CourseUnschedulable,
            scheduling.SlotRequested,
            scheduling.SessionGivenUp,
            scheduling.WaitlistChanged,
            scheduling.WaitlistOffered,
            scheduling.WaitlistAnswered,
            scheduling.WorkQueueChanged,
            scheduling.DeskActionAnswered,
            ClinicDescribed,
            *OF_ITSELF,
        ),
    ),
    "progress": Service(
        owns="outcome series, baselines, milestones, signals, proposals",
        consumes=(
            *_PLANS,
            intake.SessionLogged,
            intake.SessionVoided,
            *_MEASUREMENTS,
            intake.RecoveryExpected,
            intake.AdverseEventRecorded,
            *_DECISIONS,
        ),
        publishes=(
            progress.BaselineSet,
            progress.MilestoneReached,
            progress.MilestoneRetracted,
            progress.MilestoneNotEvaluable,
            progress.RegressionDetected,
            progress.PlateauSuspected,
            progress.AdverseEventReported,
            progress.PlanAdjustmentProposed,
            progress.PlanReviewDue,
            *OF_ITSELF,
        ),
    ),
    "notifications": Service(
        owns="patient messages, staff alerts, reminders",
        consumes=(
            *_PATIENTS,
            *_PLANS,
            intake.PlanWithheld,
            *_APPOINTMENTS,
            scheduling.CourseUnschedulable,
            scheduling.WaitlistOffered,
            people.AlertActionRequested,
            progress.MilestoneReached,
            progress.MilestoneRetracted,
            progress.MilestoneNotEvaluable,
            progress.RegressionDetected,
            progress.PlateauSuspected,
            progress.AdverseEventReported,
            progress.PlanAdjustmentProposed,
            progress.PlanReviewDue,
            notifications.RebookingWished,
            notifications.RosterGapFound,
            *OF_ITSELF,
        ),
        publishes=(
            notifications.NotificationSent,
            notifications.NotificationFailed,
            notifications.AlertRaised,
            notifications.AlertAcknowledged,
            notifications.AlertEscalated,
            notifications.AlertAssigned,
            notifications.AlertSnoozed,
            notifications.AlertResolved,
            notifications.ConsentRecorded,
            notifications.RebookingWished,
            notifications.RosterGapFound,
            intake.AppointmentChangeRequested,
            *OF_ITSELF,
        ),
    ),
}


_PUBLISHED = tuple({fact: None for service in _DECIDING.values() for fact in service.publishes})

FLOW: Final[dict[str, Service]] = {
    **_DECIDING,
    "console": Service(
        owns="what people see: a copy of every fact, and the views that follow from it",
        consumes=_PUBLISHED,
        publishes=OF_ITSELF,
        hands_in=(*_DECISIONS, *_ASKED),
    ),
}

LISTENING: Final = FLOW.keys() - _DECIDING.keys()
"""Who decides nothing, and tells of itself alone."""


def fact_topics() -> list[str]:
    """The topics of all facts, one per fact name, sorted."""
    return sorted({fact.NAME for service in FLOW.values() for fact in service.publishes})


def dead_letter_topic(service: str, topic: str) -> str:
    """Where `service` puts records of `topic` that nobody can read."""
    return f"dlq.{service}.{topic}"


def consumed_topics(service: str) -> list[str]:
    """The topics that `service` subscribes to, sorted; intake also reads what comes from outside."""
    topics = {fact.NAME for fact in FLOW[service].consumes}
    return sorted(topics | INBOUND_TOPICS if FLOW[service].accepts else topics)
