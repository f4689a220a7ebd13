"""Clinics as data: brought from `clinics/*.yaml` into the tables, and read from there as calendars."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime
from importlib.metadata import version
from typing import cast
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.calendar import Absence, ClinicCalendar, Resource, Rule
from services.scheduling.store.clinic_rows import resource_rows, rule_rows
from services.scheduling.tables import AVAILABILITY_EXCEPTION, AVAILABILITY_RULE, CLINIC, HOLIDAY, RESOURCE
from shared.clinics import Clinic

_YEARS_AHEAD = 3
_HOLIDAYS_VERSION = version("holidays")
_PUT_CLINIC = text("""
    INSERT INTO clinic (clinic_id, source, revision, zone, slot_minutes, buffer_minutes, horizon_days)
    VALUES (:clinic_id, :source, 1, :zone, :slot_minutes, :buffer_minutes, :horizon_days)
    ON CONFLICT (clinic_id) DO UPDATE SET source = excluded.source, revision = clinic.revision + 1,
        zone = excluded.zone, slot_minutes = excluded.slot_minutes,
        buffer_minutes = excluded.buffer_minutes, horizon_days = excluded.horizon_days
""")
_RETIRE_RESOURCES = text("""
    UPDATE resource SET active = false
    WHERE clinic_id = :clinic_id AND kind <> 'patient' AND active
""")
_PUT_RESOURCES = text("""
    INSERT INTO resource (clinic_id, kind, external_id, zone, offers)
    SELECT :clinic_id, kind, external_id, :zone, string_to_array(offers, ' ')
    FROM unnest(CAST(:kinds AS text[]), CAST(:external_ids AS text[]), CAST(:offers AS text[]))
        AS new (kind, external_id, offers)
    ON CONFLICT (clinic_id, kind, external_id)
    DO UPDATE SET zone = excluded.zone, offers = excluded.offers, active = true
""")
_DROP_RULES = text("""
    DELETE FROM availability_rule USING resource
    WHERE availability_rule.resource = resource.id AND resource.clinic_id = :clinic_id
""")
_PUT_RULES = text("""
    INSERT INTO availability_rule (resource, weekday, starts, ends)
    SELECT resource.id, weekday, starts, ends
    FROM unnest(CAST(:kinds AS text[]), CAST(:external_ids AS text[]), CAST(:weekdays AS smallint[]),
        CAST(:starts AS time[]), CAST(:ends AS time[])) AS new (kind, external_id, weekday, starts, ends)
    JOIN resource ON resource.clinic_id = :clinic_id
        AND resource.kind = new.kind AND resource.external_id = new.external_id
""")
_DROP_HOLIDAYS = text("DELETE FROM holiday WHERE clinic_id = :clinic_id")
_PUT_HOLIDAYS = text("""
    INSERT INTO holiday (clinic_id, day, name)
    SELECT :clinic_id, * FROM unnest(CAST(:days AS date[]), CAST(:names AS text[]))
""")


class Calendars:
    """The calendars of all clinics; read again only when their revision has changed.

    A clinic file that this process has not brought in yet, or whose holidays reach a new year, is
    written to the tables first. The door's lock on the clinic keeps other processes away meanwhile.
    """

    def __init__(self, clinics: Mapping[str, Clinic]) -> None:
        self._clinics = clinics
        self._seen: dict[str, str] = {}
        """The source that was once read from the tables: it is not forced upon them again."""
        self._read: dict[str, tuple[int, ClinicCalendar]] = {}

    async def current(self, tx: AsyncConnection, asked: Collection[str], now: datetime) -> dict[str, ClinicCalendar]:
        """The calendars of those of the `asked` clinics that anybody described."""
        query = select(CLINIC.c.clinic_id, CLINIC.c.source, CLINIC.c.revision).where(CLINIC.c.clinic_id.in_(asked))
        known = {row.clinic_id: (row.source, row.revision) for row in await tx.execute(query)}
        calendars: dict[str, ClinicCalendar] = {}
        for clinic_id in sorted(asked):
            clinic, (source, revision) = self._clinics.get(clinic_id), known.get(clinic_id, ("", 0))
            wanted = _source(clinic, now.year) if clinic else ""
            if clinic and wanted not in (source, self._seen.get(clinic_id)):
                # Not remembered: this transaction may still fail.
                await _bring_in(tx, clinic, wanted, now.year)
                calendars[clinic_id] = await _read(tx, clinic_id)
            elif revision:
                self._seen[clinic_id] = wanted if source == wanted else self._seen.get(clinic_id, "")
                calendars[clinic_id] = await self._calendar(tx, clinic_id, revision)
        return calendars

    async def _calendar(self, tx: AsyncConnection, clinic_id: str, revision: int) -> ClinicCalendar:
        revision_read, calendar = self._read.get(clinic_id, (0, None))
        if calendar is None or revision_read != revision:
            calendar = await _read(tx, clinic_id)
            self._read[clinic_id] = (revision, calendar)
        return calendar


def _source(clinic: Clinic, year: int) -> str:
    """Changes when the file does, or when holidays of another year are needed."""
    content = f"{clinic.model_dump_json()} {year} {_HOLIDAYS_VERSION}"
    return hashlib.sha256(content.encode()).hexdigest()


async def _bring_in(tx: AsyncConnection, clinic: Clinic, source: str, year: int) -> None:
    this = {"clinic_id": clinic.clinic_id}
    settings = clinic.model_dump(include={"zone", "slot_minutes", "buffer_minutes", "horizon_days"})
    await tx.execute(_PUT_CLINIC, {**this, "source": source, **settings})
    await tx.execute(_RETIRE_RESOURCES, this)
    await tx.execute(_PUT_RESOURCES, {**this, "zone": clinic.zone, **resource_rows(clinic)})
    await tx.execute(_DROP_RULES, this)
    await tx.execute(_PUT_RULES, {**this, **rule_rows(clinic)})
    days = _holidays(clinic, year)
    await tx.execute(_DROP_HOLIDAYS, this)
    await tx.execute(_PUT_HOLIDAYS, {**this, "days": list(days), "names": list(days.values())})


def _holidays(clinic: Clinic, year: int) -> dict[date, str]:
    if clinic.holidays is None:
        return {}
    years = range(year - 1, year + _YEARS_AHEAD + 1)
    found = holidays.country_holidays(clinic.holidays.country, subdiv=clinic.holidays.subdivision, years=years)
    return dict(sorted(cast(dict[date, str], found).items()))


async def _read(tx: AsyncConnection, clinic_id: str) -> ClinicCalendar:
    clinic = (await tx.execute(select(CLINIC).where(CLINIC.c.clinic_id == clinic_id))).one()
    of_clinic = select(RESOURCE).where(RESOURCE.c.clinic_id == clinic_id, RESOURCE.c.kind != "patient")
    resources = (await tx.execute(of_clinic)).all()
    rules: dict[int, list[Rule]] = {row.id: [] for row in resources}
    query = select(AVAILABILITY_RULE).where(AVAILABILITY_RULE.c.resource.in_(rules))
    for row in await tx.execute(query.order_by(AVAILABILITY_RULE.c.id)):
        rules[row.resource].append(Rule(row.weekday, row.starts, row.ends, row.valid_from, row.valid_until))
    closed = await tx.execute(select(AVAILABILITY_EXCEPTION).where(AVAILABILITY_EXCEPTION.c.clinic_id == clinic_id))
    days = await tx.scalars(select(HOLIDAY.c.day).where(HOLIDAY.c.clinic_id == clinic_id))
    return ClinicCalendar(
        clinic_id=clinic_id,
        zone=ZoneInfo(clinic.zone),
        slot_minutes=clinic.slot_minutes,
        buffer_minutes=clinic.buffer_minutes,
        horizon_days=clinic.horizon_days,
        resources={
            row.id: Resource(
                row.id, row.kind, row.external_id, frozenset(row.offers), tuple(rules[row.id]), active=row.active
            )
            for row in resources
        },
        holidays=frozenset(days),
        absences=tuple(Absence(row.day, row.resource, row.starts, row.ends) for row in closed),
    )
