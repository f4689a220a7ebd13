"""How a clinic's alerts find somebody: who is on duty when, and how an alert climbs that nobody takes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from shared.events.base import Identifier
from shared.events.clinical import Weekday
from shared.ids import derived_id

StaffRole = Literal["clinician", "front-desk", "operator"]
Severity = Literal["info", "warning", "critical"]
_WEEK: Final = tuple(Weekday)
_MIDNIGHT: Final = time(0)
_DAY: Final = timedelta(days=1)


def alert_about(event_id: str) -> str:
    """Which alert a fact leads to, if it leads to one."""
    return derived_id("alert", event_id)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shift(_Entry):
    """Who takes a role's alerts, first in line first, at these local times.

    An `end` that is not after `start` is the next day's.
    """

    role: StaffRole
    staff: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    days: tuple[Weekday, ...] = _WEEK
    start: time = _MIDNIGHT
    end: time = _MIDNIGHT
    first: date | None = None
    last: date | None = None

    def spans(self, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The instants from which and until which it is on, where it begins on `day`."""
        begun = self.first is None or day >= self.first
        if begun and (self.last is None or day <= self.last) and _WEEK[day.weekday()] in self.days:
            until = day if self.end > self.start else day + _DAY
            yield _instant(day, self.start, zone), _instant(until, self.end, zone)

    def covers(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is on at `at`."""
        today = at.astimezone(zone).date()
        return any(begin <= at < end for day in (today - _DAY, today) for begin, end in self.spans(day, zone))


class Step(_Entry):
    """One step up: so many minutes after the one before, to whoever has that place in the role's line."""

    after_minutes: Annotated[int, Field(ge=1, le=10_080)]
    role: StaffRole | None = None
    """The alert's own role where none is given."""
    place: Annotated[int, Field(ge=1, le=20)] = 1


class Level(_Entry):
    """What happens to alerts of one severity."""

    interrupts: bool = True
    """Whether its owner is written to when it is raised. Else it waits in the inbox and comes with the daily digest.
    Adverse events always interrupt."""
    grouped: bool = True
    """Whether a course's alerts wait a moment for each other. Adverse events never do."""
    steps: tuple[Step, ...] = ()
    """What follows while nobody takes the alert; one owner at a time (two recipients made it worse in a study of
    imaging alerts: Singh et al. 2009, Arch Intern Med 169:1578)."""
    ask_again_minutes: Annotated[int, Field(ge=5, le=43_200)] | None = None
    """An alert that was taken but not resolved is asked about again after so long."""


class AlertPolicy(_Entry):
    """A clinic's policy, by severity."""

    critical: Level = Level(
        grouped=False,
        steps=(Step(after_minutes=10, place=2), Step(after_minutes=10, role="operator")),
        ask_again_minutes=240,
    )
    warning: Level = Level(steps=(Step(after_minutes=240), Step(after_minutes=1_440, place=2)), ask_again_minutes=4_320)
    info: Level = Level(interrupts=False)
    digest_at: time = time(7, 30)
    """The local time at which each member of staff gets a list of what still waits for them."""

    def of(self, severity: Severity) -> Level:
        """The level of `severity`."""
        levels: dict[str, Level] = {"critical": self.critical, "warning": self.warning, "info": self.info}
        return levels[severity]


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is there: shifts, and per role a line that always holds where no shift is on."""

    lines: Mapping[StaffRole, tuple[str, ...]] = field(default_factory=dict[StaffRole, tuple[str, ...]])
    shifts: tuple[Shift, ...] = ()

    def line(self, role: StaffRole, at: datetime, zone: ZoneInfo) -> tuple[str, ...]:
        """Those on duty, then the others of the role's line, each once."""
        on = [name for shift in self.shifts if shift.role == role and shift.covers(at, zone) for name in shift.staff]
        return tuple(dict.fromkeys([*on, *self.lines.get(role, ())]))

    def who(self, role: StaffRole, at: datetime, zone: ZoneInfo, place: int = 1) -> str | None:
        """Whoever has that place in line, or the last in line; nobody where the line is empty."""
        line = self.line(role, at, zone)
        return line[min(place, len(line)) - 1] if line else None

    def gaps(self, role: StaffRole, start: datetime, days: int, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """When nobody is on duty for `role` within `days` from `start`; a role without shifts has its line."""
        end = start + days * _DAY
        shifts = [shift for shift in self.shifts if shift.role == role]
        if not shifts:
            return [] if self.lines.get(role) else [(start, end)]
        first = start.astimezone(zone).date() - _DAY
        spans = sorted(
            span for shift in shifts for n in range(days + 3) for span in shift.spans(first + n * _DAY, zone)
        )
        return list(_uncovered(spans, start, end))


def only(name: str) -> Roster:
    """A roster in which `name` is all there is."""
    return Roster(dict.fromkeys(get_args(StaffRole), (name,)))


def _uncovered(
    spans: list[tuple[datetime, datetime]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    reached = start
    for begin, until in spans:
        if begin > reached:
            yield reached, min(begin, end)
        reached = max(reached, until)
        if reached >= end:
            return
    yield reached, end


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
