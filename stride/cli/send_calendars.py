"""Calendars in YAML: a clinic's file, or a file of nothing but hours, leave and holidays, as `calendar.changed`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.clinic_calendars import closures, holiday_closures, open_hours
from shared.clinics import Clinic, Closed, Holidays, Week
from shared.data_files import Mistake, inconsistent, read_data_file
from shared.events.base import Identifier
from shared.events.calendars import Buffer, CalendarChanged, ResourceName
from shared.settings import ConfigurationInvalid

SUFFIXES = {".yaml", ".yml"}


class NoCalendar(Exception):
    """A YAML file says nothing about calendars, or says it wrongly; one line per mistake."""


class Times(BaseModel):
    """When somebody or something can be booked: as a clinic's file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Identifier
    hours: Week | None = None
    buffer_minutes: Buffer | None = None
    closed: tuple[Closed, ...] = ()


class PatientTimes(BaseModel):
    """When a patient can't come."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Identifier
    closed: tuple[Closed, ...] = ()


class Calendars(BaseModel):
    """A file of calendars: the parts of a clinic's file that say when, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hours: Week | None = None
    """Of the whole clinic, and of everybody who has none of their own."""
    holidays: Holidays | None = None
    closed: tuple[Closed, ...] = ()
    """The whole clinic."""
    practitioners: Annotated[tuple[Times, ...], Field(max_length=1000)] = ()
    rooms: Annotated[tuple[Times, ...], Field(max_length=1000)] = ()
    patients: Annotated[tuple[PatientTimes, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        groups = {"practitioners": self.practitioners, "rooms": self.rooms, "patients": self.patients}
        twice = [
            Mistake((name, number, "id"), f"{each.id} is named twice: put its times together in one place")
            for name, group in groups.items()
            for number, each in enumerate(group)
            if each.id in {earlier.id for earlier in group[:number]}
        ]
        if twice:
            raise inconsistent(twice)
        return self


class Sent(NamedTuple):
    """What a file says, and of which clinic: "" where it does not say."""

    clinic_id: str
    facts: tuple[CalendarChanged, ...]


def calendars_in(file: Path, now: datetime, *, withdrawn: bool = False) -> Sent:
    """The calendars that `file` gives: one of the whole clinic where it says something of it, and one of each person,
    room and patient that it names. Their ids begin with the file's name, so the next version of it replaces them.

    Raises:
        NoCalendar: not YAML, or not such a file; with line, column, field and what is wrong.
    """
    try:
        clinic = read_data_file(file, Clinic) if _is_clinic(file) else None
        times = _times_of(clinic) if clinic else read_data_file(file, Calendars)
        clinic_id = clinic.clinic_id if clinic else ""
        about = {"clinic_id": clinic_id or "-", "revision": int(now.timestamp() * 1000), "recorded_at": now}
        facts = [_fact(about | said, file.stem, withdrawn=withdrawn) for said in _said(times, now)]
    except ConfigurationInvalid as error:
        raise NoCalendar(str(error)) from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise NoCalendar(f"{file}: {told}") from None
    if not facts:
        raise NoCalendar(f"{file}: says nothing: give hours, holidays, closed, practitioners, rooms or patients.")
    return Sent(clinic_id, tuple(facts))


def _is_clinic(file: Path) -> bool:
    """Whether it is a clinic's whole file; what can't be read is told when it is read as something."""
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(content, dict) and "clinic_id" in content


def _times_of(clinic: Clinic) -> Calendars:
    return Calendars(
        hours=clinic.hours,
        holidays=clinic.holidays,
        practitioners=tuple(
            Times(id=each.id, hours=each.hours, buffer_minutes=each.buffer_minutes, closed=each.closed)
            for each in clinic.practitioners
        ),
        rooms=tuple(Times(id=each.id, buffer_minutes=each.buffer_minutes, closed=each.closed) for each in clinic.rooms),
    )


def _said(times: Calendars, now: datetime) -> Iterator[dict[str, Any]]:
    if times.hours is not None or times.holidays or times.closed:
        closed = (*holiday_closures(times.holidays, now.year), *closures(times.closed))
        yield {"hours": _week(times.hours), "closed": closed}
    groups: tuple[tuple[str, tuple[Times, ...]], ...] = (("practitioner", times.practitioners), ("room", times.rooms))
    for kind, group in groups:
        for each in group:
            said = {"hours": _week(each.hours), "buffer_minutes": each.buffer_minutes, "closed": closures(each.closed)}
            yield {"about": ResourceName.model_validate({"kind": kind, "id": each.id}), **said}
    for patient in times.patients:
        yield {"about": ResourceName(kind="patient", id=patient.id), "closed": closures(patient.closed)}


def _week(hours: Week | None) -> Any:
    return None if hours is None else open_hours(hours)


def _fact(said: dict[str, Any], stem: str, *, withdrawn: bool) -> CalendarChanged:
    about: ResourceName | None = said.get("about")
    name = f"{stem}.{about.kind}.{about.id}" if about else f"{stem}.clinic"
    said = {**said, "calendar_id": name}
    if withdrawn:
        said = {key: said.get(key) for key in ("clinic_id", "calendar_id", "revision", "recorded_at", "about")}
    return CalendarChanged.model_validate({**said, "withdrawn": withdrawn})
