"""The schedule as a decision would see it, read and rolled back: for dry runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import Diary
from services.scheduling.store import SchedulingStore
from shared.events.base import PatientFact
from shared.messaging.service import Running


@asynccontextmanager
async def looked_at(running: Running, fact: PatientFact) -> AsyncGenerator[tuple[ClinicSchedule, Diary | None]]:
    """The schedule that `fact` would be decided on, and its patient's diary; no diary where the clinic is unknown.

    A store of its own remembers nothing: what it reads is never committed.
    """
    async with running.engine.connect() as tx:
        loaded = (await SchedulingStore(running.clock).load(tx, [fact]))[fact.clinic_id]
        await tx.rollback()
    calendar, patient = loaded.calendar, loaded.patients.get(fact.patient_id)
    yield loaded, Diary(calendar, loaded.busy, patient, running.clock.now()) if calendar and patient else None
