"""Finding courses by their patients."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.store import patients

_COURSES = text("""
    SELECT r.id, r.patient_id, coalesce(p.name, r.patient_id) AS name
    FROM resource r LEFT JOIN patient p USING (clinic_id, patient_id)
    WHERE r.clinic_id = :clinic_id AND r.type = 'EpisodeOfCare' AND r.patient_id = ANY(:ids)
    ORDER BY name, r.id
""")


class FoundCourse(NamedTuple):
    """A course, by its EpisodeOfCare's id, and whose it is."""

    episode_id: str
    patient_id: str
    name: str


async def find(tx: AsyncConnection, clinic_id: str, words: str, most: int = 50) -> list[FoundCourse]:
    """Courses of patients whose name or id holds `words`, by name; at most so many patients are looked at."""
    ids = await patients.find(tx, clinic_id, words, most)
    rows = await tx.execute(_COURSES, {"clinic_id": clinic_id, "ids": ids})
    return [FoundCourse(*row) for row in rows.all()]
