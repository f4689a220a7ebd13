"""Many rows at once, past the door: what a large clinic has waiting."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_PATIENTS = text("""
    INSERT INTO patient (patient_key, clinic_id, patient_id, revision, contact_revision, name, email, language)
    SELECT clinic || '/' || who, clinic, who, 1, 0, 'Ann Example', who || '@patients.example', 'en'
    FROM (SELECT CAST(:clinic AS text) AS clinic, CAST(:prefix AS text) || n AS who
        FROM generate_series(1, CAST(:many AS int)) AS n)
""")
_APPOINTMENTS = text("""
    INSERT INTO appointment (patient_key, appointment_id, plan_id, sequence, version, status, start_at, end_at,
        practitioner_id, booking_id, booking_size)
    SELECT clinic || '/' || who, who, 'plan', 1, 1, 'booked', now() + interval '1 day', now() + interval '25 hours',
        'pr-ada', who, 1
    FROM (SELECT CAST(:clinic AS text) AS clinic, CAST(:prefix AS text) || n AS who
        FROM generate_series(1, CAST(:many AS int)) AS n)
""")
_REMINDERS = text("""
    INSERT INTO delivery (delivery_id, patient_key, clinic_id, patient_id, recipient, recipient_id, channel, topic,
        subject_id, subject_version, slot, state, reason, due_at, valid_until)
    SELECT who || '-' || n, clinic || '/' || who, clinic, who, 'patient', who, 'email', 'reminder', who, 1,
        CAST(n AS text), 'scheduled', '', now() + CAST(:after AS interval) + n * CAST(:apart AS interval),
        now() + CASE WHEN n % 5 < CAST(:late AS int) THEN interval '-1 hour' ELSE interval '1 day' END
    FROM (SELECT CAST(:clinic AS text) AS clinic, CAST(:prefix AS text) || (n % CAST(:patients AS int) + 1) AS who, n
        FROM generate_series(1, CAST(:many AS int)) AS n)
""")
_SOON: Final = timedelta(0)


async def add_patients(engine: AsyncEngine, clinic: str, prefix: str, many: int) -> None:
    """Patients `<prefix>1` and so on, each with an appointment in a day."""
    async with engine.begin() as tx:
        for statement in (_PATIENTS, _APPOINTMENTS):
            await tx.execute(statement, {"clinic": clinic, "prefix": prefix, "many": many})


async def add_reminders(
    engine: AsyncEngine, clinic: str, prefix: str, many: int, *, patients: int, after: timedelta,
    apart: timedelta = _SOON, late: int = 0,
) -> None:  # fmt: skip
    """Reminders of those patients, the first due `after` now, then `apart`; `late` of five are past their validity."""
    given = {"clinic": clinic, "prefix": prefix, "many": many, "patients": patients, "after": after, "apart": apart}
    async with engine.begin() as tx:
        await tx.execute(_REMINDERS, {**given, "late": late})
