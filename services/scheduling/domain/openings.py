"""Where a session fits: practitioner, room and patient free at once, within opening hours."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.minutes import FULL, beginnings, minutes_between
from services.scheduling.domain.objective import NOT_PREFERRED, OTHER_PRACTITIONER
from shared.events.clinical import PreferredTime, Weekday

_WEEKDAYS = tuple(Weekday)

ANYBODY = 0
"""In place of a practitioner: whoever is free. Resources are numbered from 1."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A time on a local day with the practitioner and the room that are free then."""

    day: int
    minute: int
    practitioner: int
    room: int
    preferred: bool

    @property
    def cost(self) -> int:
        """What its time costs the course."""
        return 0 if self.preferred else NOT_PREFERRED


@dataclass(frozen=True, slots=True)
class Openings:
    """Looks up openings of one length for one patient; remembers what it has looked up."""

    calendar: ClinicCalendar
    busy: Busy
    patient: int
    minutes: int
    practitioners: tuple[int, ...]
    rooms: tuple[int, ...]
    preferred_times: tuple[PreferredTime, ...]
    impossible_times: tuple[PreferredTime, ...]
    earliest: int
    """No start before this minute (since 1970)."""
    last_day: int
    """No start after this day."""
    avoid: tuple[int, int] = (0, 0)
    """Minutes since 1970 that the session may not overlap: the time that was just cancelled."""
    _found: dict[tuple[int, int], Opening | None] = field(default_factory=dict[tuple[int, int], Opening | None])
    _rooms: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict[int, tuple[tuple[int, int], ...]])
    _shared: dict[int, int] = field(default_factory=dict[int, int])
    _costs: dict[tuple[int, int], int | None] = field(default_factory=dict[tuple[int, int], int | None])

    def restricted(self, *, earliest: int, avoid: tuple[int, int]) -> "Openings":
        """The same with fewer starts, and nothing remembered."""
        return replace(
            self, earliest=max(self.earliest, earliest), avoid=avoid, _found={}, _rooms={}, _shared={}, _costs={}
        )

    def cost(self, day: int, main: int) -> int | None:
        """What the cheapest opening of a day costs a course with that main practitioner, or with `ANYBODY`."""
        key = (day, main)
        if key not in self._costs:
            self._costs[key] = self._cost(day, main) if main else self._least_cost(day)
        return self._costs[key]

    def choice(self, day: int, main: int) -> Opening | None:
        """The opening that costs that."""
        own, cost = self.best(day, main), self.cost(day, main)
        return own if own and own.cost == cost else self.best(day, ANYBODY)

    def _cost(self, day: int, main: int) -> int | None:
        own = self.best(day, main)
        if own and not own.cost:
            return 0
        other = self.cost(day, ANYBODY)
        with_other = None if other is None else other + OTHER_PRACTITIONER
        return with_other if own is None else own.cost if with_other is None else min(own.cost, with_other)

    def _least_cost(self, day: int) -> int | None:
        least: int | None = None
        for who in self.practitioners:
            found = self.best(day, who)
            if found and (least is None or found.cost < least):
                least = found.cost
            if least == 0:
                break
        return least

    def best(self, day: int, practitioner: int) -> Opening | None:
        """The patient's preferred and then the earliest time of a day with one practitioner, or `ANYBODY`."""
        key = (day, practitioner)
        if key not in self._found:
            self._found[key] = self._best(day, practitioner) if practitioner else self._with_anybody(day)
        return self._found[key]

    def fits(self, opening: Opening) -> bool:
        """Whether the session can be just there."""
        starts = self._starts_for_all(opening.day)
        if starts:
            starts &= self.calendar.open_starts(opening.practitioner, opening.day, self.minutes)
            starts &= self._free(opening.practitioner, opening.day, self.minutes + self.calendar.buffer_minutes)
            starts &= dict(self._rooms[opening.day]).get(opening.room, 0)
        able = opening.practitioner in self.practitioners
        return able and bool(starts >> opening.minute & 1)

    def is_preferred(self, opening: Opening) -> bool:
        """Whether a time is one that the patient prefers; any is, where there are no wishes."""
        return not self.preferred_times or bool(self._preferred(opening.day) >> opening.minute & 1)

    def anyone_open(self, days: range) -> bool:
        """Whether somebody who could treat, and a room, are open at once on one of the days."""
        return any(
            self.calendar.open_starts(who, day, self.minutes) & self.calendar.open_starts(room, day, self.minutes)
            for day in days
            for who in self.practitioners
            for room in self.rooms
        )

    def load(self, practitioner: int, since_day: int) -> int:
        """Minutes taken of a practitioner from a day on, to spread new courses.

        Not of the past: how much of it is known depends on when this process read it.
        """
        taken = self.busy.masks.get(practitioner, {})
        return sum(mask.bit_count() for day, mask in taken.items() if day >= since_day)

    def _with_anybody(self, day: int) -> Opening | None:
        found = [opening for who in self.practitioners if (opening := self.best(day, who))]
        return min(found, key=lambda opening: (not opening.preferred, opening.minute), default=None)

    def _best(self, day: int, practitioner: int) -> Opening | None:
        starts = self._starts_for_all(day)
        if starts:
            starts &= self.calendar.open_starts(practitioner, day, self.minutes)
        if starts:
            starts &= self._free(practitioner, day, self.minutes + self.calendar.buffer_minutes)
        if not starts:
            return None
        preferred = starts & self._preferred(day)
        chosen = preferred or starts
        first = chosen & -chosen
        room = next(room for room, free in self._rooms[day] if free & first)
        return Opening(day, first.bit_length() - 1, practitioner, room, bool(preferred) or not self.preferred_times)

    def _starts_for_all(self, day: int) -> int:
        """The starts that suit grid, patient, notice and at least one room, whoever treats."""
        known = self._shared.get(day)
        if known is None:
            known = self._shared[day] = self._starts(day) if day <= self.last_day else 0
        return known

    def _starts(self, day: int) -> int:
        calendar = self.calendar
        begin = calendar.first_minute(day)
        if begin + calendar.length(day) <= self.earliest:
            return 0
        starts = calendar.start_grid(day) & (FULL << max(0, self.earliest - begin))
        starts &= self._free(self.patient, day, self.minutes)
        if self.impossible_times:
            starts &= beginnings(FULL & ~self._minutes_of(self.impossible_times, day), self.minutes)
        starts &= ~minutes_between(max(0, self.avoid[0] - self.minutes + 1 - begin), max(0, self.avoid[1] - begin))
        self._rooms[day] = tuple(self._free_rooms(day)) if starts else ()
        with_room = 0
        for _, free in self._rooms[day]:
            with_room |= free
        return starts & with_room

    def _free_rooms(self, day: int) -> Iterator[tuple[int, int]]:
        for room in self.rooms:
            free = self.calendar.open_starts(room, day, self.minutes)
            if free:
                free &= self._free(room, day, self.minutes + self.calendar.buffer_minutes)
            if free:
                yield room, free

    def _free(self, resource: int, day: int, minutes: int) -> int:
        """The starts of so many minutes at which nobody has taken the resource."""
        taken = self.busy.around(resource, day, self.calendar)
        return beginnings(FULL & ~taken, minutes) if taken else FULL

    def _preferred(self, day: int) -> int:
        """Starts from which the whole session lies in a time that the patient prefers."""
        return beginnings(self._minutes_of(self.preferred_times, day), self.minutes) if self.preferred_times else 0

    def _minutes_of(self, times: tuple[PreferredTime, ...], day: int) -> int:
        weekday = _WEEKDAYS[date.fromordinal(day).weekday()]
        mask = 0
        for each in times:
            if each.weekday == weekday:
                mask |= self.calendar.mask(day, each.start, each.end)
        return mask
