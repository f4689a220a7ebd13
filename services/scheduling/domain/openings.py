"""Where a session fits: practitioner, room and patient free at once, within opening hours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from operator import or_

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.minutes import FULL, beginnings, minutes_between, reached
from services.scheduling.domain.objective import NEVER, NO_THERAPY, NOT_PREFERRED, OTHER_PRACTITIONER
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
    cost: int = 0
    """What its time costs the course, whoever treats."""


@dataclass(frozen=True, slots=True)
class _Day:
    """The starts of one day, as masks of its minutes."""

    everybody: int = 0
    """With at least one practitioner and one room."""
    of: Mapping[int, int] = field(default_factory=dict[int, int])
    """By practitioner."""
    rooms: Sequence[tuple[int, int]] = ()
    """Rooms, with the starts at which they are free."""
    levels: Sequence[tuple[int, int]] = ()
    """What starts cost, cheapest first, each with the starts that cost no more."""


_NONE = _Day()


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
    therapists: tuple[int, ...] = ()
    """Who could hold the therapy that belongs beside each session; nobody where none does."""
    therapy_within: int = 0
    """At most so many minutes lie between both, and at least the clinic's buffer."""
    avoid: tuple[int, int] = (0, 0)
    """Minutes since 1970 that the session may not overlap: the time that was just cancelled."""
    _days: dict[int, _Day] = field(default_factory=dict[int, _Day], init=False)
    _prices: dict[int, dict[int, int]] = field(default_factory=dict[int, dict[int, int]], init=False)

    def restricted(self, *, earliest: int, avoid: tuple[int, int]) -> "Openings":
        """The same with fewer starts, and nothing remembered."""
        return replace(self, earliest=max(self.earliest, earliest), avoid=avoid)

    def prices(self, days: range, main: int) -> list[int]:
        """For each day what its cheapest opening costs a course with that main practitioner, or with `ANYBODY`.

        `NEVER` where there is none.
        """
        known = self._prices.setdefault(main, {})
        return [known[day] if day in known else self._price(known, day, main) for day in days]

    def choice(self, day: int, main: int) -> Opening | None:
        """The opening that costs that."""
        own, cost = self.best(day, main), self.prices(range(day, day + 1), main)[0]
        return own if own and own.cost == cost else self.best(day, ANYBODY)

    def best(self, day: int, practitioner: int) -> Opening | None:
        """The cheapest and then the earliest time of a day with one practitioner, or `ANYBODY`."""
        on = self._on(day)
        cost, starts = self._cheapest(on, practitioner)
        if not starts:
            return None
        first = starts & -starts
        who = practitioner or next(each for each in self.practitioners if on.of[each] & first)
        room = next(room for room, free in on.rooms if free & first)
        return Opening(day, first.bit_length() - 1, who, room, cost)

    def fits(self, opening: Opening) -> bool:
        """Whether the session can be just there."""
        on = self._on(opening.day)
        starts = on.of.get(opening.practitioner, 0) & dict(on.rooms).get(opening.room, 0)
        return bool(starts >> opening.minute & 1)

    def is_preferred(self, opening: Opening) -> bool:
        """Whether a time is one that the patient prefers; any is, where there are no wishes."""
        return not self.preferred_times or bool(self._preferred(opening.day) >> opening.minute & 1)

    def time_cost(self, opening: Opening) -> int:
        """What a time costs the course, whoever treats and whether it is free or not."""
        return next(cost for cost, starts in self._levels(opening.day) if starts >> opening.minute & 1)

    def has_therapy(self, opening: Opening) -> bool:
        """Whether somebody is free for the therapy beside it, the same day."""
        return bool(self._beside_therapy(opening.day) >> opening.minute & 1)

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

    def _price(self, known: dict[int, int], day: int, main: int) -> int:
        on = self._on(day)
        price = self._cheapest(on, main)[0]
        if main and price > 0 and on.everybody:
            price = min(price, self._cheapest(on, ANYBODY)[0] + OTHER_PRACTITIONER)
        known[day] = price
        return price

    def _cheapest(self, on: _Day, practitioner: int) -> tuple[int, int]:
        """What the cheapest starts of a day cost, and which these are."""
        starts = on.of.get(practitioner, 0) if practitioner else on.everybody
        if starts:
            for cost, level in on.levels:
                if starts & level:
                    return cost, starts & level
        return NEVER, 0

    def _on(self, day: int) -> _Day:
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._looked_up(day) if day <= self.last_day else _NONE
        return known

    def _looked_up(self, day: int) -> _Day:
        shared = self._starts(day)
        rooms = tuple(self._free_rooms(day, shared)) if shared else ()
        shared &= reduce(or_, (free for _, free in rooms), 0)
        if not shared:
            return _NONE
        minutes = self.minutes
        of: dict[int, int] = {}
        everybody = 0
        for who in self.practitioners:
            starts = shared & self.calendar.open_starts(who, day, minutes)
            of[who] = starts = starts and starts & self._free(who, day, minutes + self.calendar.buffer_of(who))
            everybody |= starts
        return _Day(everybody, of, rooms, self._levels(day)) if everybody else _NONE

    def _levels(self, day: int) -> Sequence[tuple[int, int]]:
        levels = [(0, FULL)]
        if self.preferred_times:
            levels = _wished(levels, NOT_PREFERRED, self._preferred(day))
        if self.therapists:
            levels = _wished(levels, NO_THERAPY, self._beside_therapy(day))
        return levels

    def _beside_therapy(self, day: int) -> int:
        """Starts from which a therapy as long as the session fits before or after it, the same day.

        It is not booked: the clinic's other system does that.
        """
        minutes, buffer = self.minutes, self.calendar.buffer_minutes
        therapy = 0
        for who in self.therapists:
            therapy |= self.calendar.open_starts(who, day, minutes) & self._free(who, day, minutes + buffer)
        therapy &= self._free(self.patient, day, minutes)
        longest = self.therapy_within - buffer
        if not therapy or longest < 0:
            return 0
        near = reached(therapy, longest)
        return near >> (minutes + self.therapy_within) | near << (minutes + buffer)

    def _starts(self, day: int) -> int:
        """The starts that suit grid, patient and notice, whoever treats."""
        calendar = self.calendar
        begin = calendar.first_minute(day)
        if begin + calendar.length(day) <= self.earliest:
            return 0
        starts = calendar.start_grid(day)
        if begin < self.earliest:
            starts &= FULL << (self.earliest - begin)
        starts &= self._free(self.patient, day, self.minutes)
        if self.impossible_times:
            starts &= beginnings(FULL & ~self._minutes_of(self.impossible_times, day), self.minutes)
        if begin < self.avoid[1]:
            starts &= ~minutes_between(max(0, self.avoid[0] - self.minutes + 1 - begin), self.avoid[1] - begin)
        return starts

    def _free_rooms(self, day: int, starts: int) -> Iterator[tuple[int, int]]:
        for room in self.rooms:
            free = starts & self.calendar.open_starts(room, day, self.minutes)
            if free:
                free &= self._free(room, day, self.minutes + self.calendar.buffer_of(room))
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


def _wished(levels: Sequence[tuple[int, int]], cost: int, wished: int) -> list[tuple[int, int]]:
    """What starts cost where one more wish counts."""
    kept = [(price, starts & wished) for price, starts in levels]
    return sorted([*kept, *((price + cost, starts) for price, starts in levels)])
