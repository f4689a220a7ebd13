"""A clinic's schedule with patients as a decision would see it, read and rolled back: for dry runs."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.store import SchedulingStore
from shared.clock import Clock
from shared.events.scheduling import SlotRequested
from shared.messaging.errors import Swapped
from shared.messaging.transactions import begin


async def look(engine: AsyncEngine, clock: Clock, clinic_id: str, patients: Iterable[str]) -> ClinicSchedule:
    """The schedule. A store of its own remembers nothing: what it reads is never committed.

    Raises:
        Unavailable: PostgreSQL can't be used now.
    """
    asked = [_asked(clinic_id, patient, clock) for patient in patients]
    try:
        return await _looked(engine, clock, clinic_id, asked)
    except Swapped:
        return await _looked(engine, clock, clinic_id, asked)


async def _looked(engine: AsyncEngine, clock: Clock, clinic_id: str, asked: Sequence[SlotRequested]) -> ClinicSchedule:
    async with begin(engine) as tx:
        loaded = (await SchedulingStore(clock).load(tx, asked))[clinic_id]
        await tx.rollback()
    return loaded


def _asked(clinic_id: str, patient_id: str, clock: Clock) -> SlotRequested:
    """Stands for whatever looks for free time for a patient; never admitted."""
    return SlotRequested(
        clinic_id=clinic_id,
        patient_id=patient_id,
        request_id="look",
        action="book",
        requested_at=clock.now(),
        plan_id="none",
        sequence=1,
    )
