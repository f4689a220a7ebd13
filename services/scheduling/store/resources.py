"""Practitioners, rooms and patients as things that can be taken, locked in the order of their ids."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import fetch

_ADD_PATIENTS = text("""
    INSERT INTO resource (clinic_id, kind, external_id)
    SELECT clinic_id, 'patient', patient_id
    FROM unnest(CAST(:patient_clinics AS text[]), CAST(:patients AS text[])) AS new (clinic_id, patient_id)
    RETURNING id, clinic_id, kind, external_id, revision
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
    new: Collection[tuple[str, str]]
    """The patients among them whom nothing is known of yet."""


async def lock_resources(tx: AsyncConnection, clinics: Sequence[str], patients: Sequence[tuple[str, str]]) -> Locked:
    """Lock everything that the clinics could take for somebody, and the patients (clinic and id).

    To be done under the clinics' own locks: nobody else adds one of these patients meanwhile.
    """
    rows = list(await fetch(tx, _LOCK, {"clinics": sorted(set(clinics)), **_columns(patients)}))
    known = {(clinic, name) for _, clinic, kind, name, _ in rows if kind == "patient"}
    new = [patient for patient in patients if patient not in known]
    if new:
        rows += await fetch(tx, _ADD_PATIENTS, _columns(new))
    of_clinic: dict[str, dict[int, int]] = {clinic: {} for clinic in clinics}
    for identifier, clinic, _, _, revision in rows:
        of_clinic[clinic][identifier] = revision
    return Locked(of_clinic, {(clinic, name): i for i, clinic, kind, name, _ in rows if kind == "patient"}, new)


def _columns(patients: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"patient_clinics": [clinic for clinic, _ in patients], "patients": [name for _, name in patients]}
