"""Patients' names: for pages that show many patients, and for finding one."""

from collections.abc import Collection, Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.patient_file import CONTACT, PatientFile, revision_of
from services.console.store.rows import run
from shared.events.intake import PatientRegistered, PatientUpdated

_SAVE = text("""
    INSERT INTO patient AS known (clinic_id, patient_id, name, revision)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:name AS text[]),
                         CAST(:revision AS bigint[]))
    ON CONFLICT (clinic_id, patient_id) DO UPDATE SET name = excluded.name, revision = excluded.revision
    WHERE excluded.revision > known.revision
""")
_NAMES = text("SELECT patient_id, name FROM patient WHERE clinic_id = :clinic_id AND patient_id = ANY(:ids)")
_FIND = text("""
    SELECT patient_id FROM patient
    WHERE clinic_id = :clinic_id AND (name ILIKE :pattern OR patient_id ILIKE :pattern) LIMIT :most
""")


async def save(tx: AsyncConnection, files: Iterable[PatientFile]) -> None:
    """The names that facts brought, where they are newer than what is known."""
    contacts = ((file, file.added.get(CONTACT)) for file in files)
    rows = [
        (file.clinic_id, file.patient_id, fact.contact.name, revision_of(fact))
        for file, fact in contacts
        if isinstance(fact, PatientRegistered | PatientUpdated)
    ]
    await run(tx, _SAVE, ("clinic_id", "patient_id", "name", "revision"), rows)


async def names(tx: AsyncConnection, clinic_id: str, patient_ids: Collection[str]) -> dict[str, str]:
    """By patient id; without those whose name is not known."""
    rows = await tx.execute(_NAMES, {"clinic_id": clinic_id, "ids": sorted(patient_ids)})
    return {row.patient_id: row.name for row in rows.all()}


async def find(tx: AsyncConnection, clinic_id: str, words: str, most: int = 200) -> list[str]:
    """Patients whose name or id holds `words`."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await tx.execute(_FIND, {"clinic_id": clinic_id, "pattern": f"%{escaped}%", "most": most})
    return list(rows.scalars())
