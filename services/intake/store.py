"""All of intake's SQL: patients' files by key, and the lists that its edge shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.chart import Chart, PatientFile, Record, RecordKey, proposal_state
from services.intake.domain.inputs import ConditionRead, EncounterRead, PatientRead
from shared.database import copy_rows, fetch
from shared.events.base import Fact, PatientFact
from shared.events.intake import ConsultationCompleted, PatientRegistered, PatientUpdated
from shared.events.progress import PlanAdjustmentProposed
from shared.protocols import Protocols

_LOCK_CLASS = 5419
_LOCK_STRIPES = 1024
_CHART = TypeAdapter(Chart)

_LOAD_FILES = text("""
    SELECT clinic_id, patient_id, document::text FROM patient_file
    WHERE (clinic_id, patient_id) IN (SELECT * FROM unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])))
""")
_LOCK_RECORDS = text("SELECT pg_advisory_xact_lock(:lock_class, stripe) FROM unnest(CAST(:stripes AS int[])) AS stripe")
_LOAD_RECORDS = text("""
    SELECT clinic_id, name, natural_key, patient_id, digest FROM record
    WHERE (clinic_id, name, natural_key) IN (
        SELECT * FROM unnest(CAST(:clinics AS text[]), CAST(:names AS text[]), CAST(:keys AS text[])))
""")
_SAVE_FILES = text("""
    INSERT INTO patient_file (clinic_id, patient_id, document)
    SELECT clinic_id, patient_id, CAST(document AS jsonb)
    FROM unnest(CAST(:clinics AS text[]), CAST(:patients AS text[]), CAST(:documents AS text[]))
         AS file (clinic_id, patient_id, document)
    ON CONFLICT (clinic_id, patient_id) DO UPDATE SET document = excluded.document
""")
_SAVE_PROPOSALS = text("""
    INSERT INTO proposal (clinic_id, proposal_id, patient_id, plan_id, pending)
    SELECT * FROM unnest(CAST(:clinics AS text[]), CAST(:proposals AS text[]), CAST(:patients AS text[]),
                         CAST(:plans AS text[]), CAST(:pending AS boolean[]))
    ON CONFLICT (clinic_id, proposal_id) DO UPDATE SET pending = excluded.pending
""")
_PENDING = text("""
    SELECT p.proposal_id, f.document #> ARRAY['proposals', p.proposal_id] AS content
    FROM proposal p JOIN patient_file f USING (clinic_id, patient_id)
    WHERE p.clinic_id = :clinic AND p.pending ORDER BY p.proposal_id LIMIT :limit
""")
_PATIENT_OF = text("""
    SELECT patient_id FROM proposal WHERE clinic_id = :clinic AND proposal_id = :proposal AND plan_id = :plan
""")

_JOINING = frozenset({PatientRead, EncounterRead, ConditionRead, PatientRegistered, PatientUpdated})
"""What may complete a consultation."""

_Scoped = tuple[str, str, str]
"""Clinic, name and natural key of a record."""


@dataclass(frozen=True, slots=True)
class PatientFiles:
    """Loads and saves patients' files for the door."""

    protocols: Protocols

    def key(self, fact: Fact) -> str:
        """One file per patient."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, PatientFile]:
        """The files of the patients that `facts` are about, with the records they could collide with.

        Record ids are one of a kind in a clinic, so they are locked beyond the door's lock on
        patients: two patients must not get the same id at the same moment.
        """
        whose = {fact.key: _whose(fact) for fact in facts}
        charts = await _load_charts(
            tx, {(clinic_id, patient_id) for clinic_id, patient_id in whose.values() if patient_id}
        )
        wanted = {key for fact in facts for key in _records_of(charts.get(whose[fact.key]), fact)}
        records = await _load_records(tx, wanted)
        return {
            key: PatientFile(*who, self.protocols, charts.get(who, Chart()), records.get(who[0], {}))
            for key, who in whose.items()
        }

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
        """Write the charts that changed, the new records, and how proposals stand."""
        await _save_charts(tx, [after for before, after in changes if after.chart is not before.chart])
        await _save_records(tx, changes)
        await _save_proposals(tx, changes)


def _whose(fact: Fact) -> tuple[str, str]:
    """Clinic and patient; of a fact of the clinic as a whole nobody is the patient, and there is no chart."""
    return fact.clinic_id, fact.patient_id if isinstance(fact, PatientFact) else ""


async def _load_charts(tx: AsyncConnection, patients: set[tuple[str, str]]) -> dict[tuple[str, str], Chart]:
    if not patients:
        return {}
    clinics, ids = zip(*sorted(patients), strict=True)
    rows = await fetch(tx, _LOAD_FILES, {"clinics": list(clinics), "patients": list(ids)})
    return {(clinic_id, patient_id): _CHART.validate_json(document) for clinic_id, patient_id, document in rows}


def _records_of(chart: Chart | None, fact: Fact) -> Iterable[_Scoped]:
    """The records that deciding on `fact` looks at or makes."""
    if type(fact) is PlanAdjustmentProposed:
        return
    yield fact.clinic_id, fact.NAME, fact.natural_key
    if type(fact) not in _JOINING:
        return
    if isinstance(fact, PatientRead):
        yield fact.clinic_id, PatientRegistered.NAME, fact.patient_id
        for revision in {fact.revision, chart.revision + 1 if chart else None} - {None}:
            yield fact.clinic_id, PatientUpdated.NAME, f"{fact.patient_id}/{revision}"
    found = fact.encounter_id if isinstance(fact, EncounterRead | ConditionRead) else None
    for encounter_id in {found, *(chart.encounters if chart else ())} - {None}:
        yield fact.clinic_id, ConsultationCompleted.NAME, str(encounter_id)


async def _load_records(tx: AsyncConnection, wanted: set[_Scoped]) -> dict[str, dict[RecordKey, Record]]:
    if not wanted:
        return {}
    stripes = sorted({crc32("\x1f".join(key).encode()) % _LOCK_STRIPES for key in wanted})
    await fetch(tx, _LOCK_RECORDS, {"lock_class": _LOCK_CLASS, "stripes": stripes})
    clinics, names, keys = zip(*sorted(wanted), strict=True)
    rows = await fetch(tx, _LOAD_RECORDS, {"clinics": list(clinics), "names": list(names), "keys": list(keys)})
    records: dict[str, dict[RecordKey, Record]] = {}
    for clinic_id, name, natural_key, patient_id, digest in rows:
        records.setdefault(clinic_id, {})[name, natural_key] = Record(patient_id, digest)
    return records


async def _save_charts(tx: AsyncConnection, files: Sequence[PatientFile]) -> None:
    if files:
        await fetch(
            tx,
            _SAVE_FILES,
            {
                "clinics": [file.clinic_id for file in files],
                "patients": [file.patient_id for file in files],
                "documents": [_CHART.dump_json(file.chart, exclude_none=True).decode() for file in files],
            },
        )


async def _save_records(tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
    rows = [
        (after.clinic_id, *key, record.patient_id, record.digest)
        for before, after in changes
        for key, record in after.records.items()
        if key not in before.records
    ]
    if rows:
        await copy_rows(tx, "record", ("clinic_id", "name", "natural_key", "patient_id", "digest"), rows)


async def _save_proposals(tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
    rows = [
        (after.clinic_id, proposal.proposal_id, after.patient_id, proposal.plan_id, pending)
        for before, after in changes
        for proposal in after.chart.proposals.values()
        if (pending := proposal_state(after.chart, proposal) == "pending") != _was_pending(before, proposal)
    ]
    if rows:
        names = ("clinics", "proposals", "patients", "plans", "pending")
        await tx.execute(_SAVE_PROPOSALS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _was_pending(before: PatientFile, proposal: PlanAdjustmentProposed) -> bool | None:
    known = proposal.proposal_id in before.chart.proposals
    return proposal_state(before.chart, proposal) == "pending" if known else None


async def pending_proposals(tx: AsyncConnection, clinic_id: str, limit: int) -> list[PlanAdjustmentProposed]:
    """What clinicians of the clinic have to decide, up to `limit`."""
    rows = await tx.execute(_PENDING, {"clinic": clinic_id, "limit": limit})
    return [PlanAdjustmentProposed.model_validate(row.content) for row in rows]


async def patient_of(tx: AsyncConnection, clinic_id: str, plan_id: str, proposal_id: str) -> str | None:
    """Whose plan a proposal of the clinic is about; None where the clinic has no such proposal."""
    return await tx.scalar(_PATIENT_OF, {"clinic": clinic_id, "plan": plan_id, "proposal": proposal_id})
