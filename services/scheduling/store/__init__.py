"""All SQL of scheduling: one clinic's schedule in, the differences out."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.store.calendars import Calendars
from services.scheduling.store.claims import BusyTimes
from services.scheduling.store.courses import load_patients, owned_by_others
from services.scheduling.store.resources import lock_resources
from services.scheduling.store.saving import save_schedules
from shared.clinics import Clinic
from shared.clock import Clock
from shared.events import intake
from shared.events.base import Fact, of_patients

_PLACING = (intake.PlanCreated, intake.PlanAdjusted, intake.AppointmentChangeRequested)
"""Facts that look for free time. The others need no calendar of the future."""


class SchedulingStore:
    """Loads and saves whole clinics: the calendar, who is busy, and the courses of the patients concerned."""

    def __init__(self, clinics: Mapping[str, Clinic], clock: Clock) -> None:
        self._clock = clock
        self._calendars = Calendars(clinics)
        self._busy = BusyTimes()

    def key(self, fact: Fact) -> str:
        """The clinic: decisions on one calendar are taken one after another."""
        return fact.clinic_id

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, ClinicSchedule]:
        """The schedules of the facts' clinics; one without a calendar where the clinic is unknown."""
        now = self._clock.now()
        asked = {fact.clinic_id for fact in facts}
        calendars = await self._calendars.current(tx, asked, now)
        known = [fact for fact in facts if fact.clinic_id in calendars]
        schedules = {clinic: ClinicSchedule(clinic, None) for clinic in asked - calendars.keys()}
        if known:
            schedules |= await self._load(tx, known, calendars)
        return schedules

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]]) -> None:
        """Write what differs: courses, sessions, appointments, claims, requests, attendance."""
        await save_schedules(tx, changes)

    async def _load(
        self, tx: AsyncConnection, facts: Sequence[Fact], calendars: Mapping[str, ClinicCalendar]
    ) -> dict[str, ClinicSchedule]:
        whose = sorted({(fact.clinic_id, fact.patient_id) for fact in of_patients(facts)})
        resources = await lock_resources(tx, whose, {c: calendars[c].zone.key for c, _ in whose})
        patients = await load_patients(tx, whose, resources.patients)
        foreign = await owned_by_others(tx, facts)
        placing = {fact.clinic_id for fact in facts if isinstance(fact, _PLACING)}
        taken = {clinic: resources.of_clinic[clinic] for clinic in placing}
        busy = await self._busy.of_clinics(tx, taken, calendars, self._clock.now())
        return {
            clinic: ClinicSchedule(clinic, calendars[clinic], busy[clinic], patients[clinic], foreign)
            if clinic in busy
            else ClinicSchedule(clinic, calendars[clinic], patients=patients[clinic], foreign=foreign)
            for clinic in patients
        }
