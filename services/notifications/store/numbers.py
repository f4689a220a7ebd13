"""Whose number it is."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_MOST: Final = 50
_OF_NUMBER = text("""
    SELECT clinic_id, patient_id FROM patient WHERE phone = :number
    ORDER BY (SELECT max(accepted_at) FROM delivery WHERE delivery.patient_key = patient.patient_key
        AND channel = 'sms') DESC NULLS LAST, patient_key
    LIMIT :most
""")


async def patients_of(tx: AsyncConnection, number: str) -> list[tuple[str, str]]:
    """Clinic and patient of everybody with this number (E.164), whoever was texted last first."""
    found = await tx.execute(_OF_NUMBER, {"number": number, "most": _MOST})
    return [(clinic_id, patient_id) for clinic_id, patient_id in found]
