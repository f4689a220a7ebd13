"""When and how often a clinic writes to a patient: the part of a clinic's file that messages follow."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

_DAY = timedelta(days=1)


class QuietHours(BaseModel):
    """Local times between which nobody is written to; over midnight where `end` is not after `start`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: time = time(21)
    end: time = time(8)

    def hold(self, local: time) -> bool:
        """Whether they hold at this time of day, on a day when clocks do not change."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def until(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that `at` lies in are over; nothing where it lies in none."""
        spell = self.spell(at, zone)
        return spell[1] if spell else None

    def spell(self, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Beginning and end of the quiet hours that `at` lies in."""
        if self.start == self.end:
            return None
        today = at.astimezone(zone).date()
        for day in (today - _DAY, today):
            last = day if self.end > self.start else day + _DAY
            begin, end = (_first(day, self.start, zone), _last(last, self.end, zone))
            if begin <= at < end:
                return begin, end
        return None


class MessagePolicy(BaseModel):
    """A clinic's rules for messages to patients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quiet_hours: QuietHours = QuietHours()
    per_day: Annotated[int, Field(ge=1, le=100)] = 8
    per_week: Annotated[int, Field(ge=1, le=500)] = 25
    verified: frozenset[Literal["email", "sms"]] = frozenset({"sms"})
    """Channels whose addresses must be proved first. For mail the clinic's system vouches, unless it stands here."""


def _first(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The earlier of the instants that a clock shows `at`, where it shows it twice."""
    return min(_instants(day, at, zone))


def _last(day: date, at: time, zone: ZoneInfo) -> datetime:
    return max(_instants(day, at, zone))


def _instants(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    local = datetime.combine(day, at)
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
