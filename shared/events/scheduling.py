"""Facts owned by scheduling: appointments, what could not be booked, and offers of time that has become free."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, Part, PatientFact, Text


class AppointmentFact(PatientFact):
    """An appointment at one version. The highest `appointment_version` tells how it stands now."""

    appointment_id: Identifier
    appointment_version: Annotated[int, Field(ge=1)]
    plan_id: Identifier
    plan_version: Annotated[int, Field(ge=1)]
    sequence: Annotated[int, Field(ge=1)]
    """Which session of the course this is, counted from 1."""
    start: Moment
    end: Moment

    @property
    def natural_key(self) -> str:
        return f"{self.appointment_id}/{self.appointment_version}"


class AppointmentBooked(AppointmentFact):
    """A session has a time, a practitioner and a room."""

    NAME: ClassVar[str] = "appointment.booked"
    practitioner_id: Identifier
    room_id: Identifier
    booking_id: Identifier
    """Shared by all appointments that were booked together, so that people hear of them once."""
    booking_size: Annotated[int, Field(ge=1)]
    replaces: Identifier | None = None
    """The cancelled or missed appointment whose session this one takes over."""


class AppointmentMoved(AppointmentFact):
    """The same appointment at another time, or with another practitioner or room."""

    NAME: ClassVar[str] = "appointment.moved"
    practitioner_id: Identifier
    room_id: Identifier
    previous_start: Moment
    reason: Literal["requested", "plan-adjusted", "practitioner-away", "room-closed", "spacing"]


class AppointmentCancelled(AppointmentFact):
    """The appointment will not take place."""

    NAME: ClassVar[str] = "appointment.cancelled"
    reason: Literal["requested", "plan-adjusted", "plan-ended", "not-bookable"]


class AppointmentMissed(AppointmentFact):
    """The patient did not come (FHIR: noshow)."""

    NAME: ClassVar[str] = "appointment.missed"


class UnplacedSession(Part):
    """A session of the course that found no time, and why."""

    sequence: Annotated[int, Field(ge=1)]
    earliest: Moment
    latest: Moment
    reason: Code
    detail: Text = ""


class CourseUnschedulable(PatientFact):
    """Some sessions of a course could not be booked; staff must help."""

    NAME: ClassVar[str] = "course.unschedulable"
    plan_id: Identifier
    plan_version: Annotated[int, Field(ge=1)]
    report_id: Identifier
    unplaced: tuple[UnplacedSession, ...]
    request_id: Identifier | None = None
    """The request to move an appointment that this answers: the appointment stays where it was."""

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.report_id}"


class WorkQueueChanged(PatientFact):
    """Which sessions of a course have no time as it stands and need staff; none once they have one or need none.

    The highest `revision` of a plan tells how it is now.
    """

    NAME: ClassVar[str] = "work_queue.changed"
    plan_id: Identifier
    revision: Annotated[int, Field(ge=1)]
    waiting: tuple[UnplacedSession, ...]
    changed_at: Moment

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.revision}"


class SlotRequested(PatientFact):
    """Somebody asks for just this slot, to hold it, to book it or to move an appointment there, or gives one back.

    Scheduling publishes it with what came of it; a request that could not be fulfilled is no fact.
    """

    NAME: ClassVar[str] = "slot.requested"
    request_id: Identifier
    action: Literal["hold", "confirm", "release", "book", "reschedule", "cancel"]
    requested_at: Moment
    plan_id: Identifier
    sequence: Annotated[int, Field(ge=1)]
    """The session of the course that the slot is for."""
    appointment_id: Identifier | None = None
    """What is moved or cancelled; for a hold that is confirmed or released, its id."""
    start: Moment | None = None
    practitioner_id: Identifier | None = None
    room_id: Identifier | None = None
    held_until: Moment | None = None
    rebook: bool = True
    """For a cancellation: whether a replacement is wanted."""
    minutes: Annotated[int | None, Field(ge=10, le=240)] = None
    """For a first consultation, which no plan asks for: how long it takes.
    It is the only session of a course of its own."""

    @property
    def natural_key(self) -> str:
        return self.request_id


class SessionGivenUp(PatientFact):
    """Staff decided that a session without a time needs none: it leaves the work queue."""

    NAME: ClassVar[str] = "session.given_up"
    request_id: Identifier
    plan_id: Identifier
    sequence: Annotated[int, Field(ge=1)]
    reason: Code
    """For instance `patient-declined`, `not-needed`, `treated-elsewhere`."""
    recorded_at: Moment

    @property
    def natural_key(self) -> str:
        return self.request_id


class WaitlistChanged(PatientFact):
    """Somebody wants to be asked when a time becomes free that would be better for a course, or does not want to be.

    What was recorded last holds.
    """

    NAME: ClassVar[str] = "waitlist.changed"
    request_id: Identifier
    plan_id: Identifier
    wanted: bool
    recorded_at: Moment

    @property
    def natural_key(self) -> str:
        return self.request_id


class WaitlistOffered(PatientFact):
    """A time that has become free is kept for a patient until they answer, or until the offer is over.

    The offer is a hold of the same id: accepting confirms it (`appointment.moved`, or `appointment.booked` where the
    session had no time), declining releases it. Scheduling publishes it when it begins to keep the time.
    """

    NAME: ClassVar[str] = "waitlist.offered"
    offer_id: Identifier
    plan_id: Identifier
    sequence: Annotated[int, Field(ge=1)]
    appointment_id: Identifier | None = None
    """What would move to this time; None where the session has no time yet."""
    previous_start: Moment | None = None
    """When that appointment is now."""
    start: Moment
    end: Moment
    practitioner_id: Identifier
    room_id: Identifier
    offered_at: Moment
    expires_at: Moment
    round: Annotated[int, Field(ge=1)] = 1
    """The how manieth patient this is whom the time is offered to."""
    why: Code = "sooner"
    """What the patient would gain most: `no-time`, `first-session`, `spacing`, `practitioner` or `preferred-time`."""

    @property
    def natural_key(self) -> str:
        return self.offer_id


class WaitlistAnswered(PatientFact):
    """An offer was accepted or declined, by the patient or for them; one that is over without has no answer."""

    NAME: ClassVar[str] = "waitlist.answered"
    offer_id: Identifier
    plan_id: Identifier
    sequence: Annotated[int, Field(ge=1)]
    answer: Literal["accepted", "declined"]
    answered_at: Moment

    @property
    def natural_key(self) -> str:
        return self.offer_id


class DeskActionAnswered(PatientFact):
    """What came of a `desk.action.requested`: it was done, or why it can't be."""

    NAME: ClassVar[str] = "desk.action.answered"
    request_id: Identifier
    action: Code
    plan_id: Identifier
    sequence: Annotated[int | None, Field(ge=1)] = None
    offer_id: Identifier | None = None
    requested_by: Identifier
    outcome: Literal["done", "refused"]
    reasons: tuple[Code, ...] = ()
    """Why it was refused: `practitioner-taken`, `offer-over` and the like."""
    detail: Text = ""
    """The same in English words, without anybody's name."""
    answered_at: Moment

    @property
    def natural_key(self) -> str:
        return self.request_id

    @property
    def subject(self) -> str:
        return self.plan_id
