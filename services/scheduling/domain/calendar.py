"""A clinic's calendar: who and what can be booked, and when it is open.

A day is its ordinal (`date.toordinal`). A mask is an int whose bit m stands for the minute m after
the local day's first instant, so days of 23 and 25 hours need no special care: local times become
instants here and nowhere else, by `zoneinfo`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from services.scheduling.domain.minutes import EPOCH, MINUTE, beginnings, minutes_between, minutes_since_1970

_ORDINARY_DAY, _MIDNIGHT = 1440, time(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Open from `start` to `end`, local time, on one weekday (0 is Monday), while valid."""

    weekday: int
    start: time
    end: time
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the rule opens on `day`."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until) and day.weekday() == self.weekday


Minutes = Mapping[int, int]
"""Masks by day; days without any are left out."""
NOTHING: Minutes = MappingProxyType({})

WHOLE_CLINIC = 0
"""In place of a resource: closed for everybody. Resources are numbered from 1."""


@dataclass(frozen=True, slots=True)
class Spell:
    """From minute to minute since 1970, the weekly hours don't count: open just at `open`."""

    start: int
    end: int
    open: Minutes


@dataclass(frozen=True, slots=True)
class Resource:
    """A practitioner or a room. `offers` are the practitioner's skills, or the room's kind.

    Of what takes several sessions at once, each place is a resource of its own with the same `external_id`.
    """

    id: int
    kind: Literal["practitioner", "room"]
    external_id: str
    offers: frozenset[str]
    rules: tuple[Rule, ...] = ()
    active: bool = True
    spells: tuple[Spell, ...] = ()
    """A later one outweighs an earlier one."""
    buffer_minutes: int | None = None
    """How long it stays taken after a session; the clinic's where it has none of its own."""


@dataclass(frozen=True, slots=True)
class ClinicCalendar:
    """One clinic's grid, resources and opening times, in its zone."""

    clinic_id: str
    zone: ZoneInfo
    slot_minutes: int
    """Sessions start on multiples of this many minutes past the hour."""
    buffer_minutes: int
    """How long practitioner and room stay taken after a session, where they have no buffer of their own."""
    horizon_days: int
    """How far ahead anything is booked."""
    resources: Mapping[int, Resource]
    closed: Mapping[int, Minutes] = field(default_factory=dict[int, Minutes])
    """By resource, patients among them: when it can't be booked whatever the hours say."""
    notice: timedelta = timedelta(hours=24)
    """Nothing is booked to start earlier than this from now: people must be able to come."""
    firm_days: int = 7
    """A session later than this from now may still be moved to make its course better."""
    _memo: dict[tuple[int, int, int], int] = field(
        default_factory=dict[tuple[int, int, int], int], init=False, compare=False, repr=False
    )
    """By minutes, resource and day: when it is open so long, or at all (0). As lasting as this calendar."""

    def offering(self, kind: Literal["practitioner", "room"], offer: str) -> tuple[int, ...]:
        """The practitioners with a skill, or the rooms of a kind, that may be booked anew; by id."""
        fitting = (r for r in self.resources.values() if r.active and r.kind == kind and offer in r.offers)
        return tuple(sorted(resource.id for resource in fitting))

    def buffer_of(self, resource: int) -> int:
        """How many minutes a practitioner or a room stays taken after a session."""
        known = self.resources.get(resource)
        return self.buffer_minutes if known is None or known.buffer_minutes is None else known.buffer_minutes

    def first_minute(self, day: int) -> int:
        """When the local day begins, in minutes since 1970."""
        return _minute_of(self.zone, day, _MIDNIGHT)

    def length(self, day: int) -> int:
        """How many minutes the local day has; 1440 unless the clocks change."""
        return _minute_of(self.zone, day + 1, _MIDNIGHT) - _minute_of(self.zone, day, _MIDNIGHT)

    def wall_time(self, moment: datetime) -> datetime:
        """What the clinic's clocks show at an instant; naive."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def instant(self, wall: datetime) -> datetime:
        """When the clinic's clocks show a (naive) time, in UTC; the first of two instants."""
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    def has_shifted(self, start: datetime, local_start: datetime | None, zone: str | None) -> bool:
        """Whether the clocks of the clinic's zone show another time at `start` than they were to show."""
        if local_start is None or zone != self.zone.key or self.wall_time(start) == local_start:
            return False
        return self.instant(local_start) != start

    def minute_at(self, day: int, local: time) -> int:
        """The minute of the day at a local time; a time that is skipped counts as by the old offset."""
        if self.length(day) == _ORDINARY_DAY:
            return local.hour * 60 + local.minute
        return _minute_of(self.zone, day, local) - self.first_minute(day)

    def day_of(self, moment: datetime) -> int:
        """The local day of an instant."""
        return moment.astimezone(self.zone).toordinal()

    def moment(self, day: int, minute: int) -> datetime:
        """The instant of a minute of a local day, in UTC."""
        return EPOCH + MINUTE * (self.first_minute(day) + minute)

    def mask(self, day: int, start: time, end: time) -> int:
        """The minutes from `start` to `end`, local times, of one day."""
        return minutes_between(self.minute_at(day, start), self.minute_at(day, end))

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
        """The minutes from `start` to `end`, as a mask for each local day."""
        first, last = minutes_since_1970(start), minutes_since_1970(end)
        day = self.day_of(start)
        while self.first_minute(day) < last:
            begin = self.first_minute(day)
            mask = minutes_between(max(0, first - begin), min(last - begin, self.length(day)))
            if mask:
                yield day, mask
            day += 1

    def open_minutes(self, resource: int, day: int) -> int:
        """When a practitioner or room can be booked at all on a day."""
        return self._remembered(0, resource, day)

    def open_starts(self, resource: int, day: int, minutes: int) -> int:
        """The minutes from which a practitioner or room is open for so many minutes."""
        return self._remembered(minutes, resource, day)

    def _remembered(self, minutes: int, resource: int, day: int) -> int:
        key = (minutes, resource, day)
        known = self._memo.get(key)
        if known is None:
            if minutes:
                known = beginnings(self._remembered(0, resource, day), minutes)
            else:
                known = self._open_minutes(self.resources[resource], day)
            self._memo[key] = known
        return known

    def start_grid(self, day: int) -> int:
        """The minutes at which a session may start."""
        changing = self.length(day) != _ORDINARY_DAY
        return _changing_grid(self.zone, self.slot_minutes, day) if changing else _grid(self.slot_minutes)

    def closed_minutes(self, resource: int, day: int) -> int:
        """When a practitioner, a room or a patient can't be booked on a day, besides regular hours."""
        return self.closed.get(resource, NOTHING).get(day, 0) | self.closed.get(WHOLE_CLINIC, NOTHING).get(day, 0)

    def allows(self, start: datetime, end: datetime, practitioner: int, room: int, patient: int) -> bool:
        """Whether practitioner and room are open, and the patient can come, all of the time."""
        for day, mask in self.spans(start, end):
            opened = self.open_minutes(practitioner, day) & self.open_minutes(room, day)
            if mask & ~(opened & ~self.closed_minutes(patient, day)):
                return False
        return True

    def _open_minutes(self, resource: Resource, day: int) -> int:
        on, weekday = date.fromordinal(day), (day - 1) % 7
        opened = 0
        for rule in resource.rules:
            if rule.weekday == weekday and rule.holds_on(on):
                opened |= self.mask(day, rule.start, rule.end)
        for spell in resource.spells:
            opened = opened & ~self._within(spell, day) | spell.open.get(day, 0)
        return opened & ~self.closed_minutes(resource.id, day)

    def _within(self, spell: Spell, day: int) -> int:
        begin = self.first_minute(day)
        return minutes_between(max(0, spell.start - begin), min(spell.end - begin, self.length(day)))


@lru_cache(maxsize=100_000)
def _minute_of(zone: ZoneInfo, day: int, local: time) -> int:
    """A local time in minutes since 1970."""
    on = date.fromordinal(day)
    return minutes_since_1970(datetime.combine(on, local.replace(second=0, microsecond=0), zone))


@cache
def _grid(slot_minutes: int) -> int:
    """Every so many minutes past each hour of an ordinary day."""
    return sum(1 << minute for minute in range(_ORDINARY_DAY) if minute % 60 % slot_minutes == 0)


@lru_cache(maxsize=1000)
def _changing_grid(zone: ZoneInfo, slot_minutes: int, day: int) -> int:
    """By local time: an hour that is skipped has no starts; of one that comes twice only the first has."""
    begin, end = _minute_of(zone, day, _MIDNIGHT), _minute_of(zone, day + 1, _MIDNIGHT)
    local = ((minute, (EPOCH + MINUTE * (begin + minute)).astimezone(zone)) for minute in range(end - begin))
    return sum(1 << minute for minute, at in local if at.minute % slot_minutes == 0 and not at.fold)
