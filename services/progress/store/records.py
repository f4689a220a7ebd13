"""Loading and saving patients' records."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.progress import tables
from services.progress.domain.patient import Patient
from services.progress.domain.record import PatientRecord
from services.progress.store.rows import PARTS, Part, Row
from services.progress.store.statements import load_all
from shared.bulk import arrays, upsert
from shared.database import copy_rows, fetch
from shared.events.base import Fact, of_patients
from shared.ids import patient_key
from shared.memory import Memory

_REMEMBERED_ROWS = 100_000
"""Of all patients together: some 150 MB, 1,000 patients at the end of a course with two measures. A row takes
1,500 bytes with its verdicts."""

_Id = tuple[str, str]
"""Clinic id and patient id."""

_LOAD = {part.field: load_all(part.table) for part in PARTS}
_SAVE = {part.field: upsert(part.table) for part in PARTS}
_LOAD_VOIDED, _SAVE_VOIDED = load_all(tables.VOIDED), upsert(tables.VOIDED)
_VERSIONS = load_all(tables.PATIENT)
_SET_VERSION = text("""
    WITH this (version) AS (SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)),
         written AS (
            INSERT INTO patient (clinic_id, patient_id, version)
            SELECT clinic_id, patient_id, version
            FROM unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS changed (clinic_id, patient_id), this
            ON CONFLICT (clinic_id, patient_id) DO UPDATE SET version = excluded.version)
    SELECT version FROM this
""")
"""Gives the version that the patients have now."""
_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
_OWNER = text("SELECT patient_id FROM plan WHERE clinic_id = :clinic_id AND plan_id = :plan_id AND terms IS NOT NULL")


class RecordStore:
    """Keeps each patient's record as rows: a batch writes only the rows that it adds or changes."""

    def __init__(self) -> None:
        self._memory = Memory(_REMEMBERED_ROWS, _rows)

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Patient]:
        """The facts' patients; empty records for those not heard of yet.

        The caller must hold the patients' locks: what is remembered counts as long as nobody else
        writes.
        """
        ids = {fact.key: (fact.clinic_id, fact.patient_id) for fact in of_patients(facts)}
        rows = await fetch(tx, _VERSIONS, _names(ids.values()))
        versions = {patient_key(clinic, patient): version for clinic, patient, version in rows}
        known = {key: self._memory.recall(key, version) for key, version in versions.items()}
        for record in (await _read(tx, [ids[key] for key, patient in known.items() if patient is None])).values():
            known[record.key] = patient = Patient(record)
            self._memory.remember(record.key, versions[record.key], patient)
        return {key: known.get(key) or Patient(PatientRecord(*id_)) for key, id_ in ids.items()}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Patient, Patient]]) -> None:
        """Add the rows that are new, replace those that differ."""
        records = [(before.record, after.record) for before, after in changes]
        for part in PARTS:
            new, changed = _to_write(part, records)
            if new:
                await copy_rows(tx, part.table.name, part.columns, new)
            if changed:
                await fetch(tx, _SAVE[part.field], arrays(part.table.columns, changed))
        voided = [row for before, after in records for row in _voided(before, after)]
        if voided:
            await fetch(tx, _SAVE_VOIDED, arrays(tables.VOIDED.columns, voided))
        await self._remember(tx, {(after.record.clinic_id, after.record.patient_id): after for _, after in changes})

    async def _remember(self, tx: AsyncConnection, patients: Mapping[_Id, Patient]) -> None:
        if patients:
            ((version,),) = await fetch(tx, _SET_VERSION, _names(patients))
            for patient in patients.values():
                self._memory.remember(patient.key, version, patient)


def _rows(patient: Patient) -> int:
    record = patient.record
    return len(record.sessions) + len(record.readings) + len(record.published)


async def record_with_plan(tx: AsyncConnection, clinic_id: str, plan_id: str) -> PatientRecord | None:
    """The record of the patient whose plan it is, as of one moment; None where the clinic has no such plan.

    Must be the transaction's first statements.
    """
    await tx.execute(_ONE_MOMENT)
    patient_id = await tx.scalar(_OWNER, {"clinic_id": clinic_id, "plan_id": plan_id})
    if patient_id is None:
        return None
    return (await _read(tx, [(clinic_id, patient_id)]))[clinic_id, patient_id]


async def _read(tx: AsyncConnection, ids: Sequence[_Id]) -> Mapping[_Id, PatientRecord]:
    """The stored records of `ids`."""
    if not ids:
        return {}
    names = _names(ids)
    found: dict[_Id, dict[str, Any]] = {id_: {part.field: {} for part in PARTS} for id_ in ids}
    for part in PARTS:
        field, read = part.field, part.read
        for clinic_id, patient_id, *row in await fetch(tx, _LOAD[field], names):
            key, item = read(row)
            found[clinic_id, patient_id][field][key] = item
    voided: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for *whose, record_id in await fetch(tx, _LOAD_VOIDED, names):
        voided[tuple(whose)].add(record_id)
    return {
        id_: PatientRecord(
            *id_,
            **found[id_],
            voided_sessions=frozenset(voided.get((*id_, "session"), ())),
            voided_readings=frozenset(voided.get((*id_, "reading"), ())),
        )
        for id_ in ids
    }


def _names(ids: Iterable[_Id]) -> dict[str, list[str]]:
    """Sorted, so that two processes that write some of the same rows can't deadlock."""
    ordered = sorted(ids)
    return {"clinics": [clinic for clinic, _ in ordered], "patients": [patient for _, patient in ordered]}


def _to_write(part: Part, records: Sequence[tuple[PatientRecord, PatientRecord]]) -> tuple[list[Row], list[Row]]:
    """The rows of one table that are new, and those that replace a known one."""
    new: list[Row] = []
    changed: list[Row] = []
    field, write = part.field, part.write
    for before, after in records:
        known, kept = getattr(before, field), getattr(after, field)
        if kept is not known:
            for key in _differing(known, kept):
                rows = changed if key in known else new
                rows.append((after.clinic_id, after.patient_id, *write(key, kept[key])))
    return new, changed


def _differing(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterable[Any]:
    """Keys whose item is new or another; nothing is ever taken out of a record, and what is new stands last."""
    known = len(before)
    if list(islice(after.values(), known)) == list(before.values()):
        return islice(after, known, None)
    return [key for key, item in after.items() if before.get(key) is not item]


def _voided(before: PatientRecord, after: PatientRecord) -> Iterable[tuple[str, str, str, str]]:
    for kind, ids in (
        ("session", after.voided_sessions - before.voided_sessions),
        ("reading", after.voided_readings - before.voided_readings),
    ):
        for record_id in sorted(ids):
            yield after.clinic_id, after.patient_id, kind, record_id
