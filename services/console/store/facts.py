"""All SQL of the console: patients' facts by key, and the figures that its pages read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.fhir_names import ResourceType, names_in
from services.console.domain.patient_file import PatientFile
from services.console.domain.weekly import WEIGHED, Share, shares_of
from services.console.store.changes import notify
from shared.events.base import Fact, PatientFact
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.messaging import wire

_LOAD = text("""
    SELECT clinic_id, patient_id, slot, type, payload::text AS payload FROM fact
    JOIN unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS wanted (clinic_id, patient_id)
        USING (clinic_id, patient_id)
    WHERE type = ANY(:types)
""")
_KEEP = text("""
    INSERT INTO fact (clinic_id, patient_id, slot, type, payload)
    SELECT clinic_id, patient_id, slot, type, CAST(payload AS jsonb)
    FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:slot AS text[]),
                CAST(:type AS text[]), CAST(:payload AS text[]))
        AS kept (clinic_id, patient_id, slot, type, payload)
    ON CONFLICT (clinic_id, patient_id, slot) DO UPDATE SET type = excluded.type, payload = excluded.payload
""")
_ADD = text("""
    INSERT INTO weekly (clinic_id, patient_id, plan_id, figure, week, protocol_id, unit, total, number)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:plan_id AS text[]),
        CAST(:figure AS text[]), CAST(:week AS date[]), CAST(:protocol_id AS text[]), CAST(:unit AS text[]),
        CAST(:total AS double precision[]), CAST(:number AS integer[]))
    ON CONFLICT (clinic_id, patient_id, plan_id, figure, week) DO UPDATE
    SET protocol_id = excluded.protocol_id, unit = excluded.unit, total = excluded.total, number = excluded.number
""")
_TAKE_BACK = text("""
    DELETE FROM weekly USING
        unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:plan_id AS text[]),
               CAST(:figure AS text[]), CAST(:week AS date[])) AS gone (clinic_id, patient_id, plan_id, figure, week)
    WHERE (weekly.clinic_id, weekly.patient_id, weekly.plan_id, weekly.figure, weekly.week)
        = (gone.clinic_id, gone.patient_id, gone.plan_id, gone.figure, gone.week)
""")
_NAME = text("""
    INSERT INTO resource (clinic_id, type, id, patient_id)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:type AS text[]), CAST(:id AS text[]),
                         CAST(:patient_id AS text[]))
    ON CONFLICT (clinic_id, type, id) DO NOTHING
""")
_OWNER = text("SELECT patient_id FROM resource WHERE clinic_id = :clinic_id AND type = :type AND id = :id")
_ALL_FACTS = text("SELECT type, payload::text AS payload FROM fact WHERE clinic_id = :clinic_id AND patient_id = :id")
_FIGURES = text("""
    SELECT protocol_id, figure, unit, week, sum(total ORDER BY total) / sum(number) AS value, sum(number) AS number
    FROM weekly WHERE clinic_id = :clinic_id AND week >= :since AND week <= :until
    GROUP BY protocol_id, figure, unit, week ORDER BY protocol_id, figure, unit, week
""")

_WEIGHED: Final = sorted(fact.wire_type() for fact in (*WEIGHED, PatientRegistered, PatientUpdated))
_Id = tuple[str, str]
"""Clinic id and patient id; no patient id for what is about the clinic as a whole."""


class FileStore:
    """Keeps patients' facts, and the figures up to date with them."""

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, PatientFile]:
        """The facts' patients, with what figures rest on: facts beside that are only ever added."""
        ids = {fact.key: _whose(fact) for fact in facts}
        weighed = {_whose(fact) for fact in facts if fact.wire_type() in _WEIGHED}
        found = await _facts(tx, _LOAD, weighed, {"types": _WEIGHED})
        return {key: PatientFile(*id_, found.get(id_, {})) for key, id_ in ids.items()}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
        """Add the facts that are new, and bring up to date what follows from them."""
        new = [
            (file.clinic_id, file.patient_id, slot, fact)
            for before, file in changes
            for slot, fact in file.facts.items()
            if before.facts.get(slot) is not fact
        ]
        await _keep(tx, new)
        await notify(tx, (fact for *_, fact in new))
        await _bring_up_to_date(tx, changes)


async def _keep(tx: AsyncConnection, new: Sequence[tuple[str, str, str, Fact]]) -> None:
    """The facts by clinic, patient and slot, and the names of the resources that begin with them."""
    kept = [(*place, fact.wire_type(), fact.document.decode()) for *place, fact in new]
    await _run(tx, _KEEP, ("clinic_id", "patient_id", "slot", "type", "payload"), kept)
    names = {(clinic_id, *name, patient_id) for clinic_id, patient_id, _, fact in new for name in names_in(fact)}
    await _run(tx, _NAME, ("clinic_id", "type", "id", "patient_id"), list(names))


async def _bring_up_to_date(tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
    """What the patients add to the clinic's figures."""
    gone: list[Sequence[Any]] = []
    added: list[Sequence[Any]] = []
    for before, after in changes:
        whose = (after.clinic_id, after.patient_id)
        old, new = shares_of(before.facts.values()), shares_of(after.facts.values())
        places = {share[:3] for share in new}
        gone += ((*whose, *share[:3]) for share in old if share[:3] not in places)
        added += ((*whose, *share) for share in new - old)
    await _run(tx, _TAKE_BACK, ("clinic_id", "patient_id", *Share._fields[:3]), gone)
    await _run(tx, _ADD, ("clinic_id", "patient_id", *Share._fields), added)


async def facts_of(tx: AsyncConnection, clinic_id: str, patient_id: str) -> list[Fact]:
    """All facts of a patient, in no order; none where the clinic has no such patient."""
    rows = await tx.execute(_ALL_FACTS, {"clinic_id": clinic_id, "id": patient_id})
    return [wire.read_fact(wire.known_type(row.type), row.payload.encode()) for row in rows.all()]


async def patient_with(tx: AsyncConnection, clinic_id: str, kind: ResourceType, resource_id: str) -> str | None:
    """Whose FHIR resource it is; None where the clinic has none of that id."""
    return await tx.scalar(_OWNER, {"clinic_id": clinic_id, "type": kind, "id": resource_id})


class WeekRow(NamedTuple):
    """A figure of one protocol in one week, over all courses of the clinic."""

    protocol_id: str
    figure: str
    unit: str
    week: date
    value: float
    number: int


async def weekly_figures(tx: AsyncConnection, clinic_id: str, since: date, until: date) -> list[WeekRow]:
    """The clinic's figures of the weeks `since` to `until`, by protocol, figure and week."""
    rows = await tx.execute(_FIGURES, {"clinic_id": clinic_id, "since": since, "until": until})
    return [WeekRow._make(row) for row in rows.all()]


async def _facts(
    tx: AsyncConnection, statement: TextClause, ids: Iterable[_Id], more: Mapping[str, Any]
) -> dict[_Id, dict[str, Fact]]:
    ordered = sorted(ids)
    found: dict[_Id, dict[str, Fact]] = {}
    if ordered:
        clinics, patients = map(list, zip(*ordered, strict=True))
        for row in (await tx.execute(statement, {"clinics": clinics, "patients": patients, **more})).all():
            fact = wire.read_fact(wire.known_type(row.type), row.payload.encode())
            found.setdefault((row.clinic_id, row.patient_id), {})[row.slot] = fact
    return found


async def _run(tx: AsyncConnection, statement: TextClause, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """One statement for all rows, sorted so that two processes that write some of the same can't deadlock."""
    if rows:
        columns = zip(*sorted(rows, key=lambda row: tuple(row[:3])), strict=True)
        await tx.execute(statement, dict(zip(names, map(list, columns), strict=True)))


def _whose(fact: Fact) -> _Id:
    return fact.clinic_id, fact.patient_id if isinstance(fact, PatientFact) else ""
