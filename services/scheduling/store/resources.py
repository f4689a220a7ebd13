"""Practitioners, rooms and patients as things that can be taken, locked in the order of their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD_PATIENTS = text("""
    INSERT INTO resource (clinic_id, kind, external_id)
    SELECT clinic_id, 'patient', patient_id
    FROM unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS new (clinic_id, patient_id)
    WHERE NOT EXISTS (
        SELECT FROM resource
        WHERE resource.clinic_id = new.clinic_id AND kind = 'patient' AND external_id = new.patient_id)
    ON CONFLICT DO NOTHING
""")
_LOCK = text("""
    SELECT id, clinic_id, kind, external_id, revision FROM resource
    WHERE (clinic_id = ANY(:clinics) AND kind IN ('practitioner', 'room'))
        OR (kind = 'patient' AND (clinic_id, external_id) IN (
            SELECT * FROM unnest(CAST(:patient_clinics AS text[]), CAST(:patients AS text[]))))
    ORDER BY id FOR UPDATE
""")


@dataclass(frozen=True, slots=True)
class Locked:
    """What a batch may take, by internal id."""

    of_clinic: Mapping[str, Mapping[int, int]]
    """By clinic, the revision of each resource: it rises whenever its claims change."""
    patients: Mapping[tuple[str, str], int]


async def lock_resources(tx: AsyncConnection, clinics: Sequence[str], patients: Sequence[tuple[str, str]]) -> Locked:
    """Lock everything that the clinics could take for somebody, and the patients (clinic and id)."""
    of_patients, names = [clinic for clinic, _ in patients], [patient for _, patient in patients]
    if patients:
        await tx.execute(_ADD_PATIENTS, {"clinics": of_patients, "patients": names})
    wanted = {"clinics": sorted(set(clinics)), "patient_clinics": of_patients, "patients": names}
    rows = (await tx.execute(_LOCK, wanted)).all()
    of_clinic: dict[str, dict[int, int]] = {clinic: {} for clinic in clinics}
    for row in rows:
        of_clinic[row.clinic_id][row.id] = row.revision
    return Locked(of_clinic, {(row.clinic_id, row.external_id): row.id for row in rows if row.kind == "patient"})
