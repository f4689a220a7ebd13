"""Facts owned by intake: patients, consultations, plans, and what clinic systems record."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import EmailStr, Field

from shared.events.base import Code, Identifier, Moment, Part, PatientFact, Text
from shared.events.clinical import (
    AdverseEvent,
    BookingRule,
    CoIntervention,
    ExpectedCurve,
    MeasureSpec,
    MilestoneRule,
    NeedlePoint,
    Phase,
    PreferredTime,
    Reading,
    Side,
    Step,
    VisitLimit,
)


class ConfidentialContact(Part):
    """Where a patient asked to be reached in confidence, for instance because others read the household's mail."""

    email: EmailStr | None = None
    phone: Annotated[str, Field(max_length=32)] | None = None


class Contact(Part):
    """How to reach a patient. Personal data: only ever in `patient.*`."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    email: EmailStr | None = None
    phone: Annotated[str, Field(max_length=32)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    zone: Annotated[str, Field(max_length=64)] | None = None
    """IANA time zone; the clinic's where it is unknown."""
    birth_date: date | None = None
    confidential: ConfidentialContact | None = None
    """If given, these addresses alone are used, and messages say no more than that the patient should call."""


class PatientRegistered(PatientFact):
    """A patient is known to the clinic."""

    NAME: ClassVar[str] = "patient.registered"
    contact: Contact
    recorded_at: Moment

    @property
    def natural_key(self) -> str:
        return self.patient_id


class PatientUpdated(PatientFact):
    """A patient's details changed; the highest `revision` holds."""

    NAME: ClassVar[str] = "patient.updated"
    contact: Contact
    revision: Annotated[int, Field(ge=1)]
    recorded_at: Moment

    @property
    def natural_key(self) -> str:
        return f"{self.patient_id}/{self.revision}"


class ConsultationCompleted(PatientFact):
    """An initial consultation ended with a finding. A known condition becomes a plan."""

    NAME: ClassVar[str] = "consultation.completed"
    consultation_id: Identifier
    completed_at: Moment
    condition: Code
    """ICD-10-CM code of the finding, for instance M21.371 (foot drop, right foot)."""
    side: Side | None = None
    severity: Literal["mild", "moderate", "severe"] = "moderate"
    age_years: Annotated[int, Field(ge=0, le=130)] | None = None
    contraindications: tuple[Code, ...] = ()
    """Known risks by code: pacemaker, implantable-defibrillator, insulin-pump,
    severe-bleeding-disorder, anticoagulants, pregnancy."""
    preferred_times: tuple[PreferredTime, ...] = ()
    impossible_times: tuple[PreferredTime, ...] = ()
    """When the patient can't come."""
    practitioner_id: Identifier | None = None
    starts_on: date | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def natural_key(self) -> str:
        return self.consultation_id


class PlanCreated(PatientFact):
    """A consultation became a plan of care, customised from a protocol.

    It carries everything later steps need, so a course keeps the protocol it started with.
    """

    NAME: ClassVar[str] = "plan.created"
    plan_id: Identifier
    plan_version: Literal[1] = 1
    consultation_id: Identifier
    protocol_id: Code
    protocol_version: Annotated[int, Field(ge=1)]
    condition: Code
    side: Side | None = None
    starts_on: date
    phases: tuple[Phase, ...]
    ladder: tuple[Step, ...]
    step: Annotated[int, Field(ge=0)] = 0
    session_minutes: Annotated[int, Field(ge=30, le=60)]
    skill: Code
    room_kind: Code
    practitioner_id: Identifier | None = None
    preferred_times: tuple[PreferredTime, ...] = ()
    co_interventions: tuple[CoIntervention, ...] = ()
    measures: tuple[MeasureSpec, ...]
    milestones: tuple[MilestoneRule, ...]
    review_sessions: tuple[Annotated[int, Field(ge=7)], ...] = (12, 18, 24)
    """After these sessions the gain of the last six is reviewed."""
    impossible_times: tuple[PreferredTime, ...] = ()
    booking: BookingRule = "best-effort"
    limits: tuple[VisitLimit, ...] = ()
    """What may not be exceeded however the course is booked, such as a payer's limit of visits."""
    notes: tuple[Text, ...] = ()
    """Why this plan differs from the protocol's default, and warnings, in plain words."""

    @property
    def natural_key(self) -> str:
        return self.plan_id


class PlanWithheld(PatientFact):
    """A consultation did not become a plan: a contraindication forbids it."""

    NAME: ClassVar[str] = "plan.withheld"
    plan_id: Identifier
    consultation_id: Identifier
    protocol_id: Code
    contraindications: tuple[Code, ...]
    reason: Text

    @property
    def natural_key(self) -> str:
        return self.plan_id


class PlanAdjusted(PatientFact):
    """A clinician changed the plan: from `effective_on` the course follows `phases`."""

    NAME: ClassVar[str] = "plan.adjusted"
    plan_id: Identifier
    plan_version: Annotated[int, Field(ge=2)]
    step: Annotated[int, Field(ge=0)]
    phases: tuple[Phase, ...]
    effective_on: date
    proposal_id: Identifier | None = None
    approved_by: Identifier
    reason: Text = ""

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.plan_version}"


class PlanEnded(PatientFact):
    """The course is over; nothing after `ended_at` is booked any more."""

    NAME: ClassVar[str] = "plan.ended"
    plan_id: Identifier
    reason: Literal["completed", "discharged", "withdrawn", "transferred", "deceased"]
    ended_at: Moment

    @property
    def natural_key(self) -> str:
        return self.plan_id


class SessionLogged(PatientFact):
    """A session was held. Without `plan_id` it belongs to the course running at that time."""

    NAME: ClassVar[str] = "session.logged"
    session_id: Identifier
    plan_id: Identifier | None = None
    appointment_id: Identifier | None = None
    started_at: Moment
    minutes: Annotated[int, Field(ge=1, le=240)]
    practitioner_id: Identifier | None = None
    points: tuple[NeedlePoint, ...] = ()
    readings: tuple[Reading, ...] = ()
    adverse_events: tuple[AdverseEvent, ...] = ()

    @property
    def natural_key(self) -> str:
        return self.session_id


class SessionVoided(PatientFact):
    """A session was recorded in error: it, its readings and its adverse events do not count."""

    NAME: ClassVar[str] = "session.voided"
    session_id: Identifier
    reason: Text = ""
    voided_at: Moment

    @property
    def natural_key(self) -> str:
        return self.session_id


class MeasurementRecorded(PatientFact):
    """A reading taken outside a session. Without `plan_id` it belongs to the course of its time."""

    NAME: ClassVar[str] = "measurement.recorded"
    plan_id: Identifier | None = None
    reading: Reading

    @property
    def natural_key(self) -> str:
        return self.reading.measurement_id


class MeasurementCorrected(PatientFact):
    """A reading was wrong: the highest `revision` of a `measurement_id` holds."""

    NAME: ClassVar[str] = "measurement.corrected"
    revision: Annotated[int, Field(ge=1)]
    reading: Reading
    reason: Text = ""

    @property
    def natural_key(self) -> str:
        return f"{self.reading.measurement_id}/{self.revision}"


class MeasurementVoided(PatientFact):
    """A reading was recorded in error and does not count."""

    NAME: ClassVar[str] = "measurement.voided"
    measurement_id: Identifier
    reason: Text = ""
    voided_at: Moment

    @property
    def natural_key(self) -> str:
        return self.measurement_id


class RecoveryExpected(PatientFact):
    """A clinician says what to expect of a patient, so that a milestone with an expected curve can be judged.

    The highest `revision` of a plan's milestone holds.
    """

    NAME: ClassVar[str] = "recovery.expected"
    plan_id: Identifier
    milestone: Code
    revision: Annotated[int, Field(ge=1)] = 1
    curve: ExpectedCurve
    entered_by: Identifier
    entered_at: Moment
    reason: Text = ""
    """What the curve rests on: a study, or the patient's own earlier course."""

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.milestone}/{self.revision}"


class AdverseEventRecorded(PatientFact):
    """A clinic system recorded an adverse event outside a session record."""

    NAME: ClassVar[str] = "adverse_event.recorded"
    plan_id: Identifier | None = None
    session_id: Identifier | None = None
    adverse_event: AdverseEvent

    @property
    def natural_key(self) -> str:
        return self.adverse_event.adverse_event_id


class AppointmentChangeRequested(PatientFact):
    """Somebody asks to cancel or move an appointment, or reports that the patient did not come."""

    NAME: ClassVar[str] = "appointment.change.requested"
    request_id: Identifier
    appointment_id: Identifier
    change: Literal["cancel", "move", "no-show"]
    requested_at: Moment
    not_before: Moment | None = None
    """For a move: the earliest new start the patient wants."""
    start: Moment | None = None
    """For a move: just this time, or none. Without it scheduling looks for one."""
    practitioner_id: Identifier | None = None
    """With `start`: with whom; who has it now where nobody is named."""
    room_id: Identifier | None = None
    """With `start`: where; as now where no room is named."""
    appointment_version: Annotated[int | None, Field(ge=1)] = None
    """The appointment as whoever asks has seen it: for showing what is still to be answered."""
    rebook: bool = True
    """For a cancellation: whether a replacement is wanted."""
    reason: Text = ""

    @property
    def natural_key(self) -> str:
        return self.request_id

    @property
    def subject(self) -> str:
        return self.appointment_id
