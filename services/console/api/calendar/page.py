"""`/calendar`: who is booked when, a column for each practitioner or room, or for each day of one of them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.calendar.grid import height, place
from services.console.api.calendar.shown import (
    READERS,
    KnownOpenings,
    names_of,
    pending,
    with_sessions,
    zone_of,
)
from services.console.api.calendar.words import CLOSED, REFUSED, STATES
from services.console.api.desk import Desk
from services.console.api.pages import Place
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.calendar.booked import Booked
from services.console.domain.calendar.opening import Day, Name, Span
from services.console.domain.calendar.sheet import Column, Sheet, sheet
from services.console.store import diary, patients
from services.console.store.diary import Wanted

PLACE: Final = Place("/calendar", N_("Calendar"), tuple(READERS), "k")
_FIRST, _LAST = date(1900, 1, 8), date(2199, 12, 24)
_SATURDAY: Final = 5
_WEEK: Final = 7


class Filters(BaseModel):
    """What somebody wants to see."""

    day: Annotated[date | None, Field(ge=_FIRST, le=_LAST)] = None
    """Today where none is named."""
    view: Literal["day", "week"] = "day"
    by: Literal["practitioner", "room"] = "practitioner"
    of: Annotated[str, Field(max_length=128)] = ""
    """Whose week; of a day, only this column."""
    cancelled: bool = False

    def to(self, **changes: Any) -> dict[str, Any]:
        """The query of the same page with something else."""
        query = {**self.model_dump(exclude_defaults=True), **changes}
        return {name: value for name, value in query.items() if value not in ("", None, False)}


class Entry(NamedTuple):
    """An appointment as it stands on the sheet."""

    booked: Booked
    patient: str
    beside: str
    """The room where columns are practitioners, and the other way round."""
    pending: str
    place: str


class Shade(NamedTuple):
    """A stretch in which nothing can be booked, or something can."""

    place: str
    words: str = ""


class Shown(NamedTuple):
    """A column as the template draws it."""

    id: str
    name: Name
    title: str
    day: date
    lanes: int
    open: Sequence[Shade]
    closed: Sequence[Shade]
    now: str
    entries: Sequence[Entry]


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, and the sheet that it fetches anew when something changes."""
    openings = KnownOpenings()

    @app.get("/calendar", include_in_schema=False)
    async def page(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        async with desk.visit(request, *READERS) as visit:
            return visit.page("calendar.html", **await _shown(visit, filters, openings))

    @app.get("/calendar/sheet", include_in_schema=False)
    async def part(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        async with desk.visit(request, *READERS) as visit:
            return visit.page("parts/calendar.html", **await _shown(visit, filters, openings))


async def _shown(visit: Visit, asked: Filters, openings: KnownOpenings) -> dict[str, Any]:
    zone, names = zone_of(visit), names_of(visit)
    today = visit.desk.running.clock.now().astimezone(zone).date()
    filters = _completed(asked, today, visit, names)
    assert filters.day
    monday = filters.day - timedelta(days=filters.day.weekday())
    dates = [monday + timedelta(days=n) for n in range(_WEEK)] if filters.view == "week" else [filters.day]
    days = [Day(each, zone) for each in dates]
    found = await with_sessions(visit, await diary.between(visit.tx, _wanted(visit, filters, days)))
    drawn = sheet(_columns(filters, names, found), days, await openings.of(visit), found)
    people = await patients.names(visit.tx, visit.clinic_id, {one.patient_id for one in found})
    await visit.saw("calendar.viewed", {one.patient_id for one in found})
    step = timedelta(days=_WEEK if filters.view == "week" else 1)
    return {
        "filters": filters,
        "columns": [_column(visit, one, drawn, names, people) for one in _without_empty_weekend(drawn)],
        "height": height(drawn.hours),
        "hours": _hours(drawn, days[0]),
        "people": names[filters.by],
        "days": days,
        "today": today,
        "before": filters.day - step,
        "after": filters.day + step,
        "number": len(found),
        "full": len(found) == diary.MOST,
        "states": STATES,
        "refused": REFUSED,
    }


def _completed(asked: Filters, today: date, visit: Visit, names: Mapping[str, Mapping[str, str]]) -> Filters:
    """With today, and a week that is somebody's: the person's own, where they treat."""
    known = names[asked.by]
    of = asked.of
    if asked.view == "week" and not of:
        own = (id_ for id_, name in known.items() if name == visit.person.name)
        of = next(own, next(iter(known), ""))
    return asked.model_copy(update={"day": asked.day or today, "of": of})


def _wanted(visit: Visit, filters: Filters, days: Sequence[Day]) -> Wanted:
    of = {f"{filters.by}_id": filters.of or None}
    return Wanted(visit.clinic_id, days[0].begin, days[-1].end, **of, cancelled=filters.cancelled)


def _columns(filters: Filters, names: Mapping[str, Mapping[str, str]], found: Sequence[Booked]) -> list[Name]:
    """Whom or what there is a column for: who is booked is there, also after they have left."""
    if filters.of:
        return [(filters.by, filters.of)]
    booked = {one.practitioner_id if filters.by == "practitioner" else one.room_id for one in found}
    return [(filters.by, each) for each in (*names[filters.by], *sorted(booked - names[filters.by].keys()))]


def _without_empty_weekend(drawn: Sheet) -> list[Column]:
    weekend = [one for one in drawn.columns if one.day.date.weekday() >= _SATURDAY]
    empty = {id(one) for one in weekend if not one.open and not one.entries and len(drawn.columns) == _WEEK}
    return [one for one in drawn.columns if id(one) not in empty]


def _column(
    visit: Visit, one: Column, drawn: Sheet, names: Mapping[str, Mapping[str, str]], people: Mapping[str, str]
) -> Shown:
    kind, id_ = one.name
    other = names["room" if kind == "practitioner" else "practitioner"]
    now = one.day.minute(visit.desk.running.clock.now())
    return Shown(
        id=f"{id_}-{one.day.date}",
        name=one.name,
        title=names[kind].get(id_, id_),
        day=one.day.date,
        lanes=one.lanes,
        open=[Shade(place(span, drawn.hours)) for span in one.open],
        closed=_closed(one, drawn.hours),
        now=place(Span(now, now + 1), drawn.hours) if drawn.hours.begin < now < drawn.hours.end else "",
        entries=[
            Entry(
                each.booked,
                people.get(each.booked.patient_id, each.booked.patient_id),
                _beside(each.booked, kind, other),
                pending(visit, each.booked),
                place(each.span, drawn.hours, each.lane),
            )
            for each in one.entries
        ],
    )


def _beside(booked: Booked, kind: str, other: Mapping[str, str]) -> str:
    id_ = booked.room_id if kind == "practitioner" else booked.practitioner_id
    return other.get(id_, id_)


def _closed(one: Column, hours: Span) -> list[Shade]:
    """Each reason once a stretch, as far as it is on the sheet."""
    seen = dict.fromkeys((each.span, each.reason) for each in one.closed)
    return [
        Shade(place(span, hours), CLOSED.get(reason, reason))
        for span, reason in seen
        if span.begin < hours.end and span.end > hours.begin
    ]


def _hours(drawn: Sheet, day: Day) -> list[Shade]:
    hours = drawn.hours
    return [
        Shade(place(Span(minute, minute + 60), hours), f"{day.clock(minute):%H:%M}")
        for minute in range(hours.begin, hours.end, 60)
    ]
