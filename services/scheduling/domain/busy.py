"""Who is taken when: one int of minute bits per resource and local day, changed only by copying."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.minutes import EPOCH, MINUTE

Spans = Iterable[tuple[int, int]]
"""Masks by local day, as `ClinicCalendar.spans` gives them."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Taken minutes by resource and day. What is not here is free."""

    masks: Mapping[int, Mapping[int, int]] = field(default_factory=dict[int, Mapping[int, int]])

    def on(self, resource: int, day: int) -> int:
        """The minutes of `day` at which `resource` is taken."""
        return self.masks.get(resource, {}).get(day, 0)

    def around(self, resource: int, day: int, calendar: ClinicCalendar) -> int:
        """The taken minutes of `day`, with the next day's behind them: a buffer may run past midnight."""
        days = self.masks.get(resource, {})
        following = days.get(day + 1, 0)
        return days.get(day, 0) | (following << calendar.length(day) if following else 0)

    def taking(self, resource: int, spans: Spans) -> "Busy":
        """With these minutes taken."""
        days = dict(self.masks.get(resource, {}))
        for day, mask in spans:
            days[day] = days.get(day, 0) | mask
        return Busy({**self.masks, resource: days})

    def seen_from(self, calendar: ClinicCalendar, before: ClinicCalendar) -> "Busy":
        """The same minutes by the local days of `calendar`, whose zone may be another one than before."""
        if calendar.zone is before.zone:
            return self
        busy = Busy()
        for resource, days in self.masks.items():
            for day, mask in days.items():
                begin = before.first_minute(day)
                busy = busy.taking(resource, _shifted(mask, begin, calendar))
        return busy

    def freeing(self, resource: int, spans: Spans) -> "Busy":
        """With these minutes free."""
        days = dict(self.masks.get(resource, {}))
        for day, mask in spans:
            days[day] = days.get(day, 0) & ~mask
        return Busy({**self.masks, resource: days})


def _shifted(mask: int, begin: int, calendar: ClinicCalendar) -> Iterator[tuple[int, int]]:
    """A mask that counts from the minute `begin` since 1970, by the calendar's local days."""
    day = calendar.day_of(EPOCH + MINUTE * begin)
    while mask:
        offset, length = begin - calendar.first_minute(day), calendar.length(day)
        within = (mask << offset if offset >= 0 else mask >> -offset) & ((1 << length) - 1)
        if within:
            yield day, within
        mask = mask >> (length - offset) << (length - offset)
        day += 1
