"""The schedule as a decision would see it, read and rolled back: for dry runs."""

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import Diary
from services.scheduling.store.looking import look
from shared.messaging.service import Running


async def looked_at(
    running: Running, clinic_id: str, patient_id: str = "nobody"
) -> tuple[ClinicSchedule, Diary | None]:
    """A clinic's schedule and a patient's diary; no diary where the clinic is unknown."""
    schedule = await look(running.engine, running.clock, clinic_id, [patient_id])
    calendar, patient = schedule.calendar, schedule.patients.get(patient_id)
    return schedule, Diary(calendar, schedule.busy, patient, running.clock.now()) if calendar and patient else None
