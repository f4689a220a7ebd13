"""What scheduling knows: courses, their sessions and appointments, and what waits for its time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import ceil
from types import MappingProxyType
from typing import Literal

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.calendars import Calendars, Places
from shared.events.calendars import ClinicDescribed
from shared.events.clinical import BookingRule, CoIntervention, Phase, PreferredTime, VisitLimit

_WEEK, _ROUNDING = 7, 1e-6

Status = Literal["booked", "cancelled", "noshow", "fulfilled"]
"""FHIR R4's words for an appointment's status."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan asks of each of its sessions."""

    starts_on: date
    phases: tuple[Phase, ...]
    session_minutes: int
    skill: str
    room_kind: str
    practitioner_id: str | None = None
    preferred_times: tuple[PreferredTime, ...] = ()
    impossible_times: tuple[PreferredTime, ...] = ()
    booking: BookingRule = "best-effort"
    limits: tuple[VisitLimit, ...] = ()
    therapy: CoIntervention | None = None
    """What belongs on the same day, with a practitioner of that skill."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """From `effective_on` the course follows `phases`; none of them means discharge."""

    plan_version: int
    phases: tuple[Phase, ...]
    effective_on: date


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Why a session found no time between two instants."""

    earliest: datetime
    latest: datetime
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a course: how many days after the one before it, and whether it has no time."""

    sequence: int
    phase: str
    min_gap_days: int
    max_gap_days: int
    spacing_days: float
    minutes: int
    unplaced: Unplaced | None = None
    given_up: bool = False
    """Cancelled without a wish for another time."""

    @property
    def quota(self) -> int:
        """The session is at most the so manieth of its calendar week: the phase's weekly rate, rounded up."""
        return ceil(_WEEK / self.spacing_days - _ROUNDING)


@dataclass(frozen=True, slots=True)
class Appointment:
    """A time, a practitioner and a room for one session. The ids of both are the clinic's resources."""

    appointment_id: str
    sequence: int
    start: datetime
    end: datetime
    practitioner: int
    room: int
    buffer_minutes: int
    """How long the practitioner stays taken after it."""
    booking_id: str
    version: int = 1
    state: Literal["booked", "cancelled", "noshow"] = "booked"
    reason: str = ""
    replaces: str | None = None
    session_id: str | None = None
    """The session that was held in it. It outweighs `state` until it is voided."""
    room_buffer_minutes: int | None = None
    """How long the room stays taken after it; as long as the practitioner where it is not given."""
    local_start: datetime | None = None
    """The wall time (naive) in `local_zone` that `start` was meant as; newer zone data may make it another instant."""
    local_zone: str | None = None

    @property
    def status(self) -> Status:
        """How the appointment stands."""
        return "fulfilled" if self.session_id else self.state

    @property
    def claims(self) -> bool:
        """Whether it keeps its practitioner, room and patient taken."""
        return self.state == "booked"


@dataclass(frozen=True, slots=True)
class Course:
    """One plan's sessions and appointments. Without `terms` the plan itself has not come yet."""

    plan_id: str
    terms: Terms | None = None
    plan_version: int = 0
    waiting: tuple[Adjustment, ...] = ()
    """Adjustments that came before the plan, lowest version first."""
    ended_at: datetime | None = None
    sessions: Mapping[int, Session] = field(default_factory=dict[int, Session])
    appointments: Mapping[str, Appointment] = field(default_factory=dict[str, Appointment])
    proven: bool = False
    """When the whole of it was booked, no cheaper course was possible."""
    queue_revision: int = 0
    """How often it was told which of its sessions wait for staff."""

    @property
    def state(self) -> Literal["expected", "active", "ended"]:
        """Where the course stands."""
        if self.ended_at is not None:
            return "ended"
        return "active" if self.terms else "expected"

    @property
    def queue(self) -> Mapping[int, "Unplaced"]:
        """The sessions that have no time and need staff, with why."""
        if self.state != "active":
            return {}
        return {number: each.unplaced for number, each in self.sessions.items() if each.unplaced and not each.given_up}


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """Somebody asks for a change of an appointment; kept after it was taken, to know a repeat."""

    request_id: str
    appointment_id: str
    change: Literal["cancel", "move", "no-show"]
    requested_at: datetime
    not_before: datetime | None
    rebook: bool
    taken: bool = False
    start_at: datetime | None = None
    """For a move: just this time, with these; without, one is looked for."""
    practitioner_id: str | None = None
    room_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """A session that was held, or the word that it was recorded in error (which may come first)."""

    session_id: str
    started_at: datetime | None = None
    plan_id: str | None = None
    appointment_id: str | None = None
    voided: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """A slot that nobody else gets until it is confirmed, released or expires."""

    hold_id: str
    plan_id: str
    sequence: int
    start: datetime
    end: datetime
    practitioner: int
    room: int
    buffer_minutes: int
    expires_at: datetime
    state: Literal["open", "confirmed", "released", "expired"] = "open"
    room_buffer_minutes: int | None = None
    offered_at: datetime | None = None
    """Of an offer: since when. Other holds are asked for."""
    moves: str | None = None
    """Of an offer: the appointment that would move here; None where the session has no time."""

    def open_at(self, now: datetime) -> bool:
        """Whether it still keeps the slot."""
        return self.state == "open" and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Wait:
    """What was said of offers of freed time for a course, last."""

    plan_id: str
    wanted: bool
    recorded_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Everything of one patient that booking depends on. `resource` is what claims are made on."""

    patient_id: str
    resource: int
    courses: Mapping[str, Course] = field(default_factory=dict[str, Course])
    requests: Mapping[str, ChangeRequest] = field(default_factory=dict[str, ChangeRequest])
    attendances: Mapping[str, Attendance] = field(default_factory=dict[str, Attendance])
    holds: Mapping[str, Hold] = field(default_factory=dict[str, Hold])
    waits: Mapping[str, Wait] = field(default_factory=dict[str, Wait])
    """By plan."""


@dataclass(frozen=True, slots=True)
class ClinicSchedule:
    """One clinic's calendar, who is taken when, and the patients that a batch of facts is about."""

    clinic_id: str
    calendar: ClinicCalendar | None
    """None where nobody has described the clinic yet."""
    busy: Busy = field(default_factory=Busy)
    patients: Mapping[str, Patient] = field(default_factory=lambda: MappingProxyType({}))
    foreign: frozenset[str] = frozenset()
    """Ids of plans and appointments, named in the batch, that belong to somebody else."""
    clinic: ClinicDescribed | None = None
    calendars: Calendars = field(default_factory=lambda: MappingProxyType({}))
    """What `calendar` was put together from, with `clinic` and `places`."""
    places: Places = field(default_factory=lambda: MappingProxyType({}))
    """The resources of everybody and everything that `calendars` name."""
