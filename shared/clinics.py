"""A clinic as data: zone, hours, practitioners, rooms, holidays, staff (`clinics/*.yaml`)."""

from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import holidays
from pydantic import BaseModel, ConfigDict, EmailStr, Field, model_validator

from shared.alerting import AlertPolicy, Shift
from shared.data_files import read_data_folder
from shared.events.base import Code, Identifier
from shared.events.clinical import Weekday
from shared.messages import MessagePolicy


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Entry):
    """Local times on one weekday, `start` before `end`; from and until the days given, both included."""

    start: time
    end: time
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


Week = dict[Weekday, tuple[Hours, ...]]


class Closed(_Entry):
    """Away or closed, by the clinic's clocks: from `start` up to `end`, or all of the days from one to the other."""

    start: date | datetime
    end: date | datetime
    reason: Code = "closed"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin >= self.until:
            raise ValueError("start must be before end")
        return self

    @property
    def begin(self) -> datetime:
        """The local time from which it is closed."""
        return _local(self.start)

    @property
    def until(self) -> datetime:
        """The local time at which it opens again."""
        return _local(self.end) if isinstance(self.end, datetime) else _local(self.end) + timedelta(days=1)


def _local(moment: date | datetime) -> datetime:
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else datetime.combine(moment, time(0))


class Practitioner(_Entry):
    """Somebody who treats; `hours` are the clinic's where they are not given."""

    id: Identifier
    name: str
    skills: Annotated[tuple[Code, ...], Field(min_length=1)]
    hours: Week | None = None
    capacity: Annotated[int, Field(ge=1, le=50)] = 1
    """How many patients at once: more than one for who treats groups."""
    buffer_minutes: Annotated[int | None, Field(ge=0, le=120)] = None
    """How long somebody stays taken after a session; the clinic's where it is not given."""
    closed: tuple[Closed, ...] = ()


class Room(_Entry):
    """A room of some kind; a session needs one of its protocol's kind."""

    id: Identifier
    name: str
    kind: Code
    capacity: Annotated[int, Field(ge=1, le=50)] = 1
    """How many sessions at once: more than one for a group room."""
    buffer_minutes: Annotated[int | None, Field(ge=0, le=120)] = None
    """Minutes that the room needs between sessions; the clinic's where it is not given."""
    closed: tuple[Closed, ...] = ()


class StaffMember(_Entry):
    """Somebody who works there: receives alerts, and signs in to the console with the e-mail address."""

    id: Identifier
    name: str
    email: EmailStr
    roles: Annotated[tuple[Literal["clinician", "front-desk", "operator", "auditor"], ...], Field(min_length=1)]


class Holidays(_Entry):
    """Public holidays, by the `holidays` library's country and subdivision codes."""

    country: str
    subdivision: str | None = None
    open: tuple[date, ...] = ()
    """Public holidays on which the clinic works all the same."""
    also: tuple[date, ...] = ()
    """Other days on which it is closed."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            holidays.country_holidays(self.country, subdiv=self.subdivision)
        except NotImplementedError as error:
            raise ValueError(f"{error}: use ISO 3166 codes, such as country GB with subdivision ENG") from None
        return self


class Cost(_Entry):
    """An amount of money; `currency` by ISO 4217, for instance GBP."""

    amount: Annotated[float, Field(gt=0, le=100_000)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class WaitlistPolicy(_Entry):
    """How a clinic offers time that has become free."""

    ask: Literal["waiting", "everyone", "nobody"] = "waiting"
    """`waiting`: who asked to be told, has a session without a time, or whose course has not begun; `everyone`: also
    who is in the middle of a course that would be better with that time."""
    at_most: Annotated[int, Field(ge=1, le=20)] = 3
    """Patients whom one time is offered to, one after another."""
    open_minutes: Annotated[int, Field(ge=15, le=2880)] = 60
    """How long an offer stands, unless the notice shortens it."""
    notice_minutes: Annotated[int, Field(ge=0, le=2880)] = 120
    """Between the end of an offer and the time offered: people must be able to come."""


class Clinic(_Entry):
    """One clinic."""

    clinic_id: Identifier
    name: str
    discreet_name: Annotated[str, Field(max_length=20)] = ""
    """What shows on a locked screen (senders, text messages): it must not tell what is treated there."""
    email: EmailStr
    phone: str = ""
    missed_visit_cost: Cost | None = None
    """What a missed visit costs the clinic. Patients who are told come more reliably (11.1 to 8.4% missed:
    Hallsworth et al. 2015, PLOS ONE)."""
    zone: str
    """IANA time zone."""
    hours: Week
    practitioners: Annotated[tuple[Practitioner, ...], Field(min_length=1)]
    rooms: Annotated[tuple[Room, ...], Field(min_length=1)]
    staff: Annotated[tuple[StaffMember, ...], Field(min_length=1)]
    roster: dict[Literal["clinician", "front-desk", "operator"], tuple[Identifier, ...]]
    """Per role, the staff ids that alerts go to, first in line first, whenever no shift is on."""
    shifts: tuple[Shift, ...] = ()
    """Who is on duty when; without shifts the roster holds at all times."""
    messages: MessagePolicy = MessagePolicy()
    """When and how often patients are written to."""
    waitlist: WaitlistPolicy = WaitlistPolicy()
    """Whom time that has become free is offered to."""
    alerts: AlertPolicy = AlertPolicy()
    """How alerts are grouped and escalated."""
    holidays: Holidays | None = None
    slot_minutes: Annotated[int, Field(ge=5, le=60)] = 15
    """Sessions start on multiples of this many minutes past the hour."""
    buffer_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    """Time that a room and a practitioner stay taken after a session."""
    horizon_days: Annotated[int, Field(ge=28, le=730)] = 400
    notice_hours: Annotated[int, Field(ge=0, le=336)] = 24
    """Nothing is booked to start earlier than this from now."""
    firm_days: Annotated[int, Field(ge=1, le=730)] = 7
    """A session later than this from now may still be moved, the patient told, where its course becomes better."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.zone not in available_timezones():
            raise ValueError("zone must be an IANA time zone such as Europe/London")
        staff = {member.id for member in self.staff}
        named = {name for names in self.roster.values() for name in names}
        unknown = sorted((named | {name for shift in self.shifts for name in shift.staff}) - staff)
        if unknown:
            raise ValueError(f"roster or shifts name staff that the file does not have: {', '.join(unknown)}")
        return self

    @cached_property
    def zone_info(self) -> ZoneInfo:
        """The clinic's time zone."""
        return ZoneInfo(self.zone)


def load_clinics(folder: Path) -> dict[str, Clinic]:
    """All clinics of `folder`, by id.

    Raises:
        ConfigurationInvalid: no file there, a file is wrong, or two have the same id.
    """
    return read_data_folder(folder, Clinic, "clinic", "clinic_id", "riverside.yaml")
