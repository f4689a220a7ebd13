"""Loading and saving patients' records."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.progress import tables
from services.progress.domain.record import PatientRecord
from services.progress.store.rows import PARTS
from services.progress.store.statements import arrays, load_all, upsert
from shared.events.base import Fact

Patient = tuple[str, str]
"""Clinic id and patient id."""

_LOAD = {part.field: load_all(part.table) for part in PARTS}
_SAVE = {part.field: upsert(part.table) for part in PARTS}
_LOAD_VOIDED, _SAVE_VOIDED = load_all(tables.VOIDED), upsert(tables.VOIDED)
_OWNER = text("SELECT patient_id FROM plan WHERE clinic_id = :clinic_id AND plan_id = :plan_id AND terms IS NOT NULL")


class RecordStore:
    """Keeps each patient's record as rows: a batch writes only the rows that it adds or changes."""

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, PatientRecord]:
        """The records of the facts' patients, empty ones for patients not heard of yet."""
        records = await load_records(tx, {(fact.clinic_id, fact.patient_id) for fact in facts})
        return {record.key: record for record in records}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[PatientRecord, PatientRecord]]) -> None:
        """Insert or replace the rows that differ."""
        for part in PARTS:
            rows = [
                (after.clinic_id, after.patient_id, *part.write(key, item))
                for before, after in changes
                for key, item in _changed(getattr(before, part.field), getattr(after, part.field))
            ]
            if rows:
                await tx.execute(_SAVE[part.field], arrays(part.table, rows))
        voided = [row for before, after in changes for row in _voided(before, after)]
        if voided:
            await tx.execute(_SAVE_VOIDED, arrays(tables.VOIDED, voided))


async def load_records(tx: AsyncConnection, patients: Iterable[Patient]) -> list[PatientRecord]:
    """The records of `patients`, as stored."""
    wanted = sorted(set(patients))
    names = {"clinics": [clinic for clinic, _ in wanted], "patients": [patient for _, patient in wanted]}
    found: dict[Patient, dict[str, Any]] = {patient: {part.field: {} for part in PARTS} for patient in wanted}
    for part in PARTS:
        field, read = part.field, part.read
        for row in await tx.execute(_LOAD[field], names):
            key, item = read(row[2:])
            found[row[0], row[1]][field][key] = item
    voided: dict[tuple[Patient, str], set[str]] = defaultdict(set)
    for clinic_id, patient_id, kind, record_id in await tx.execute(_LOAD_VOIDED, names):
        voided[(clinic_id, patient_id), kind].add(record_id)
    return [
        PatientRecord(
            *patient,
            **found[patient],
            voided_sessions=frozenset(voided.get((patient, "session"), ())),
            voided_readings=frozenset(voided.get((patient, "reading"), ())),
        )
        for patient in wanted
    ]


async def record_with_plan(tx: AsyncConnection, clinic_id: str, plan_id: str) -> PatientRecord | None:
    """The record of the patient whose plan it is; None where the clinic has no such plan."""
    patient_id = await tx.scalar(_OWNER, {"clinic_id": clinic_id, "plan_id": plan_id})
    if patient_id is None:
        return None
    (record,) = await load_records(tx, [(clinic_id, patient_id)])
    return record


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    if before is after:
        return ()
    return ((key, item) for key, item in after.items() if before.get(key) is not item)


def _voided(before: PatientRecord, after: PatientRecord) -> Iterable[tuple[str, str, str, str]]:
    for kind, ids in (
        ("session", after.voided_sessions - before.voided_sessions),
        ("reading", after.voided_readings - before.voided_readings),
    ):
        for record_id in sorted(ids):
            yield after.clinic_id, after.patient_id, kind, record_id
