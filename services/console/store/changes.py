"""Telling open pages what a transaction changed, when it commits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.base import Fact, PatientFact

CHANNEL: Final = "console_changed"
_NOTIFY = text("""
    SELECT pg_notify(current_schema() || '_changed', payload) FROM unnest(CAST(:payloads AS text[])) AS payload
""")
_MOST_PATIENTS: Final = 40
"""A notification holds 8,000 bytes; past so many patients of a clinic at once, pages of any patient look again."""
_PARTS: Final[Mapping[str, str]] = {
    "alert": "alerts",
    "appointment": "appointments",
    "slot": "appointments",
    "waitlist": "waiting",
    "work_queue": "waiting",
    "desk": "waiting",
    "rebooking": "appointments",
    "course": "appointments",
    "calendar": "appointments",
    "clinic": "appointments",
    "session": "appointments",
    "notification": "messages",
    "patient": "patients",
}
"""Which part of pages a fact changes, by the first word of its name; `courses` for all others."""


async def notify(tx: AsyncConnection, facts: Iterable[Fact]) -> None:
    """Name the parts and the patients that `facts` change: `alerts`, `patient-p1`."""
    names: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    for fact in facts:
        names[fact.clinic_id].add(_PARTS.get(fact.NAME.partition(".")[0], "courses"))
        if isinstance(fact, PatientFact):
            patients[fact.clinic_id].add(f"patient-{fact.patient_id}")
    payloads = [" ".join([clinic, *sorted(parts), *_named(patients[clinic])]) for clinic, parts in names.items()]
    if payloads:
        await tx.execute(_NOTIFY, {"payloads": payloads})


async def tell(tx: AsyncConnection, clinic_id: str, *names: str) -> None:
    """Name parts of pages that something else than a fact has changed."""
    await tx.execute(_NOTIFY, {"payloads": [" ".join((clinic_id, *names))]})


def _named(patients: set[str]) -> list[str]:
    return sorted(patients) if len(patients) <= _MOST_PATIENTS else ["all"]
