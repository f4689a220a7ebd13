"""A clinic's calendar, put together from all that its calendars say.

Calendars come as facts that each tell all of one calendar; the highest revision holds. So the result
depends on which facts came, never on their order. Everything is local time until here; it becomes
instants by today's zone data, and again whenever a process starts with newer ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.scheduling.domain.calendar import WHOLE_CLINIC, ClinicCalendar, Minutes, Resource, Rule, Spell
from services.scheduling.domain.minutes import EPOCH, MINUTE
from shared.events.calendars import Availability, Bookable, CalendarChanged, ClinicDescribed, Closure, OpenHours, Period
from shared.events.clinical import Weekday

Calendars = Mapping[str, CalendarChanged]
"""By id, the newest fact of each calendar."""
Places = Mapping[tuple[str, str], tuple[int, ...]]
"""By kind and id, the resources that a practitioner, a room or a patient has; several where the capacity is."""

_WEEKDAYS = tuple(Weekday)


def newer(known: ClinicDescribed | CalendarChanged | None, fact: ClinicDescribed | CalendarChanged) -> bool:
    """Whether `fact` holds from now on. What it says decides between two of one revision."""
    return known is None or (fact.revision, fact.model_dump_json()) > (known.revision, known.model_dump_json())


def compose(clinic: ClinicDescribed | None, calendars: Calendars, places: Places) -> ClinicCalendar | None:
    """What can be booked; None as long as nobody has described the clinic.

    Raises:
        ZoneInfoNotFoundError: this machine's zone data lack a zone that a calendar names.
    """
    if clinic is None:
        return None
    valid = [calendars[name] for name in sorted(calendars) if not calendars[name].withdrawn]
    frame = ClinicCalendar(
        clinic_id=clinic.clinic_id,
        zone=ZoneInfo(clinic.zone),
        slot_minutes=clinic.slot_minutes,
        buffer_minutes=clinic.buffer_minutes,
        horizon_days=clinic.horizon_days,
        resources={},
        notice=timedelta(minutes=clinic.notice_minutes),
        firm_days=clinic.firm_days,
    )
    resources = {each.id: each for each in _resources(frame, clinic, valid, places)}
    return replace(frame, resources=resources, closed=_closed(frame, clinic, valid, places))


def _resources(
    frame: ClinicCalendar, clinic: ClinicDescribed, calendars: Iterable[CalendarChanged], places: Places
) -> Iterator[Resource]:
    """Those that the clinic describes, and inactive ones that earlier appointments are with."""
    known = {(each.kind, each.id): each for each in clinic.resources}
    general = _hours(None, calendars)
    for (kind, name), ids in places.items():
        if kind == "patient":
            continue
        described = known.get((kind, name))
        own = _hours((kind, name), calendars)
        hours = _first(own, described.hours if described else None, general, clinic.hours)
        for number, place in enumerate(ids):
            active = described is not None and number < described.capacity
            yield Resource(
                id=place,
                kind="practitioner" if kind == "practitioner" else "room",
                external_id=name,
                offers=frozenset(described.offers if described else ()),
                rules=_rules(hours) if active else (),
                active=active,
                spells=tuple(_spells(frame, (kind, name), calendars)) if active else (),
                buffer_minutes=_buffer((kind, name), described, calendars),
            )


def _buffer(name: tuple[str, str], described: Bookable | None, calendars: Iterable[CalendarChanged]) -> int | None:
    own = [each.buffer_minutes for each in calendars if _about(each) == name and each.buffer_minutes is not None]
    return own[-1] if own else described.buffer_minutes if described else None


def _first(*weeks: tuple[OpenHours, ...] | None) -> tuple[OpenHours, ...]:
    """Those of the nearest source that says any hours; none at all is said too."""
    return next((week for week in weeks if week is not None), ())


def _hours(name: tuple[str, str] | None, calendars: Iterable[CalendarChanged]) -> tuple[OpenHours, ...] | None:
    """The weekly hours that calendars about just this give it; None where none of them gives any."""
    given = [each.hours for each in calendars if _about(each) == name and each.hours is not None]
    return tuple(hours for week in given for hours in week) if given else None


def _rules(hours: Iterable[OpenHours]) -> tuple[Rule, ...]:
    return tuple(
        Rule(_WEEKDAYS.index(each.weekday), each.start, each.end, each.valid_from, each.valid_until) for each in hours
    )


def _spells(frame: ClinicCalendar, name: tuple[str, str], calendars: Iterable[CalendarChanged]) -> Iterator[Spell]:
    for calendar in calendars:
        if _about(calendar) == name:
            yield from (_spell(frame, each) for each in calendar.availability)


def _spell(frame: ClinicCalendar, availability: Availability) -> Spell:
    start, end = _span(frame, availability.during)
    spans = (_span(frame, period) for period in availability.open)
    return Spell(start, end, _minutes(frame, ((max(begin, start), min(until, end)) for begin, until in spans)))


def _closed(
    frame: ClinicCalendar, clinic: ClinicDescribed, calendars: Iterable[CalendarChanged], places: Places
) -> dict[int, Minutes]:
    """By resource: its own closures; those of the whole clinic under `WHOLE_CLINIC`."""
    spans: dict[int, list[tuple[int, int]]] = {}
    about: list[tuple[tuple[str, str] | None, tuple[Closure, ...]]] = [
        (_about(calendar), calendar.closed) for calendar in calendars
    ]
    about += [((each.kind, each.id), each.closed) for each in clinic.resources]
    about.append((None, clinic.closed))
    for name, closures in about:
        for place in places.get(name, ()) if name else (WHOLE_CLINIC,):
            spans.setdefault(place, []).extend(_span(frame, period, wide=True) for period in closures)
    return {place: _minutes(frame, found) for place, found in spans.items() if found}


def _about(calendar: CalendarChanged) -> tuple[str, str] | None:
    return (calendar.about.kind, calendar.about.id) if calendar.about else None


def _span(frame: ClinicCalendar, period: Period, *, wide: bool = False) -> tuple[int, int]:
    """Whole minutes since 1970: those that lie within the period, or where `wide` all that it touches.

    Where the clocks go back, a `wide` period that ends in the repeated hour ends with its second run.
    """
    zone = ZoneInfo(period.zone) if period.zone else frame.zone
    start, end = period.start.replace(tzinfo=zone), period.end.replace(tzinfo=zone, fold=int(wide))
    if wide:
        return _floor(start), -_floor(end, backwards=True)
    return -_floor(start, backwards=True), _floor(end)


def _floor(moment: datetime, *, backwards: bool = False) -> int:
    """Whole minutes since 1970; counted backwards, the negative of the next whole minute."""
    since = moment - EPOCH
    return (-since if backwards else since) // MINUTE


def _minutes(frame: ClinicCalendar, spans: Iterable[tuple[int, int]]) -> Minutes:
    minutes: dict[int, int] = {}
    for start, end in spans:
        if start < end:
            for day, mask in frame.spans(EPOCH + MINUTE * start, EPOCH + MINUTE * end):
                minutes[day] = minutes.get(day, 0) | mask
    return minutes
