"""Calendars as they came, and the clinic's calendar that they make together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.calendars import Calendars, Places, compose
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.tables import CALENDAR, CLINIC
from shared.database import fetch
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ClinicDescribed

CALENDARS = (ClinicDescribed, CalendarChanged)
"""Facts that change what can be booked."""

_REVISIONS = text("SELECT clinic_id, revision FROM clinic WHERE clinic_id = ANY(:clinics)")
_PLACES = text("""
    SELECT resource.clinic_id, kind, external_id, array_agg(id ORDER BY place) AS ids FROM resource
    WHERE resource.clinic_id = ANY(:clinics) AND (kind <> 'patient' OR external_id IN (
        SELECT content -> 'about' ->> 'id' FROM calendar
        WHERE calendar.clinic_id = resource.clinic_id AND content -> 'about' ->> 'kind' = 'patient'))
    GROUP BY resource.clinic_id, kind, external_id
""")
_ADD_PLACES = text("""
    INSERT INTO resource (clinic_id, kind, external_id, place)
    SELECT DISTINCT * FROM unnest(CAST(:clinics AS text[]), CAST(:kinds AS text[]), CAST(:names AS text[]),
        CAST(:places AS smallint[])) AS new (clinic_id, kind, external_id, place)
    WHERE NOT EXISTS (
        SELECT FROM resource
        WHERE (resource.clinic_id, resource.kind, resource.external_id, resource.place)
            = (new.clinic_id, new.kind, new.external_id, new.place))
    ON CONFLICT DO NOTHING
""")
_PUT = text("""
    INSERT INTO calendar (clinic_id, calendar_id, revision, content)
    SELECT clinic_id, calendar_id, revision, CAST(content AS jsonb)
    FROM unnest(CAST(:clinics AS text[]), CAST(:calendars AS text[]), CAST(:revisions AS bigint[]),
        CAST(:contents AS text[])) AS new (clinic_id, calendar_id, revision, content)
    ON CONFLICT (clinic_id, calendar_id) DO UPDATE SET revision = excluded.revision, content = excluded.content
""")
# A transaction's number is never used again, also not by a rebuilt schema: what is remembered by it stays true.
_REVISE = text("""
    INSERT INTO clinic (clinic_id, revision, description)
    SELECT clinic_id, CAST(CAST(pg_current_xact_id() AS text) AS bigint), CAST(description AS jsonb)
    FROM unnest(CAST(:clinics AS text[]), CAST(:descriptions AS text[])) AS changed (clinic_id, description)
    ON CONFLICT (clinic_id) DO UPDATE SET revision = excluded.revision, description = excluded.description
""")


@dataclass(frozen=True, slots=True)
class Known:
    """All of one clinic's calendars and what they come to."""

    clinic: ClinicDescribed | None = None
    calendars: Calendars = field(default_factory=dict[str, CalendarChanged])
    places: Places = field(default_factory=dict[tuple[str, str], tuple[int, ...]])
    calendar: ClinicCalendar | None = None


class KnownCalendars:
    """The calendars of clinics; read again only when one has changed."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, Known]] = {}

    async def current(self, tx: AsyncConnection, clinics: Iterable[str]) -> dict[str, Known]:
        """Those of the clinics that any calendar is known of."""
        asked = sorted(set(clinics))
        revisions = {row[0]: row[1] for row in await fetch(tx, _REVISIONS, {"clinics": asked})}
        outdated = [name for name in revisions if self._read.get(name, (0, None))[0] != revisions[name]]
        if outdated:
            found = await _read(tx, outdated)
            self._read |= {name: (revisions[name], found[name]) for name in outdated}
        return {name: self._read[name][1] for name in revisions}


async def with_places(tx: AsyncConnection, known: Mapping[str, Known], facts: Sequence[Fact]) -> dict[str, Known]:
    """`known` with a resource for everybody and everything that new calendars name."""
    coming = [fact for fact in facts if isinstance(fact, CALENDARS)]
    if not coming:
        return dict(known)
    rows = [(fact.clinic_id, *place) for fact in coming for place in _named(fact)]
    if rows:
        clinics, kinds, names, places = (list(column) for column in zip(*rows, strict=True))
        await tx.execute(_ADD_PLACES, {"clinics": clinics, "kinds": kinds, "names": names, "places": places})
    changed = sorted({fact.clinic_id for fact in coming})
    found = await _places(tx, changed)
    await _add_patients(tx, found, changed, sorted({name for _, kind, name, _ in rows if kind == "patient"}))
    return {**known, **{name: _with(known.get(name, Known()), found.get(name, {})) for name in changed}}


async def save_calendars(tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]]) -> None:
    """Write the descriptions and calendars that are new or changed."""
    changed = [
        (after, [fact for name, fact in after.calendars.items() if fact is not before.calendars.get(name)])
        for before, after in changes
        if after.clinic is not before.clinic or after.calendars is not before.calendars
    ]
    rows = [fact for _, facts in changed for fact in facts]
    if rows:
        values: dict[str, list[Any]] = {
            "clinics": [fact.clinic_id for fact in rows],
            "calendars": [fact.calendar_id for fact in rows],
            "revisions": [fact.revision for fact in rows],
            "contents": [_json(fact) for fact in rows],
        }
        await tx.execute(_PUT, values)
    if changed:
        clinics = [after.clinic_id for after, _ in changed]
        descriptions = [_json(after.clinic) if after.clinic else None for after, _ in changed]
        await tx.execute(_REVISE, {"clinics": clinics, "descriptions": descriptions})


def _json(fact: Fact) -> str:
    return fact.model_dump_json(exclude_defaults=True)


async def described(tx: AsyncConnection, clinic_id: str) -> ClinicDescribed | None:
    """What is known of a clinic from its file."""
    content = await tx.scalar(select(CLINIC.c.description).where(CLINIC.c.clinic_id == clinic_id))
    return ClinicDescribed.model_validate(content) if content else None


async def _read(tx: AsyncConnection, clinics: Sequence[str]) -> dict[str, Known]:
    calendars: dict[str, dict[str, CalendarChanged]] = {name: {} for name in clinics}
    for row in await tx.execute(select(CALENDAR).where(CALENDAR.c.clinic_id.in_(clinics))):
        calendars[row.clinic_id][row.calendar_id] = CalendarChanged.model_validate(row.content)
    places = await _places(tx, clinics)
    return {name: _with(Known(await described(tx, name), calendars[name]), places.get(name, {})) for name in clinics}


def _with(known: Known, places: Places) -> Known:
    if known.places == places and known.calendar:
        return known
    return replace(known, places=places, calendar=compose(known.clinic, known.calendars, places))


async def _places(tx: AsyncConnection, clinics: Sequence[str]) -> dict[str, dict[tuple[str, str], tuple[int, ...]]]:
    found: dict[str, dict[tuple[str, str], tuple[int, ...]]] = {}
    for row in await tx.execute(_PLACES, {"clinics": list(clinics)}):
        found.setdefault(row.clinic_id, {})[row.kind, row.external_id] = tuple(row.ids)
    return found


async def _add_patients(
    tx: AsyncConnection,
    found: dict[str, dict[tuple[str, str], tuple[int, ...]]],
    clinics: Sequence[str],
    patients: Sequence[str],
) -> None:
    """Patients whose first calendar has just come."""
    if patients:
        query = text("""
            SELECT clinic_id, external_id, id FROM resource
            WHERE clinic_id = ANY(:clinics) AND kind = 'patient' AND external_id = ANY(:patients)
        """)
        for row in await tx.execute(query, {"clinics": list(clinics), "patients": list(patients)}):
            found.setdefault(row.clinic_id, {})["patient", row.external_id] = (row.id,)


def _named(fact: ClinicDescribed | CalendarChanged) -> list[tuple[str, str, int]]:
    """Kind, id and place of all that it names."""
    if isinstance(fact, CalendarChanged):
        return [(fact.about.kind, fact.about.id, 1)] if fact.about else []
    return [(each.kind, each.id, place) for each in fact.resources for place in range(1, each.capacity + 1)]
