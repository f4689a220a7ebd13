"""All SQL of scheduling: one clinic's schedule in, the differences out."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.store.affected import affected_patients
from services.scheduling.store.calendars import CALENDARS, Known, KnownCalendars, save_calendars, with_places
from services.scheduling.store.claims import BusyTimes
from services.scheduling.store.courses import load_patients, owned_by_others
from services.scheduling.store.freed import save_freed
from services.scheduling.store.resources import lock_resources
from services.scheduling.store.saving import save_schedules
from shared.clock import Clock
from shared.events import console, intake, scheduling
from shared.events.base import Fact, of_patients

_PLACING = (
    intake.PlanCreated,
    intake.PlanAdjusted,
    intake.AppointmentChangeRequested,
    console.DeskActionRequested,
    intake.SessionLogged,
    scheduling.SlotRequested,
    scheduling.WaitlistOffered,
    *CALENDARS,
)
"""Facts that look for free time. The others need no calendar of the future."""


class SchedulingStore:
    """Loads and saves whole clinics: the calendar, who is busy, and the courses of the patients concerned."""

    def __init__(self, clock: Clock, *, everyone: bool = False) -> None:
        """With `everyone`, a changed calendar brings all patients with appointments ahead, not just those it hits."""
        self._clock = clock
        self._everyone = everyone
        self._calendars = KnownCalendars()
        self._busy = BusyTimes()

    def key(self, fact: Fact) -> str:
        """The clinic: decisions on one calendar are taken one after another."""
        return fact.clinic_id

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, ClinicSchedule]:
        """The schedules of the facts' clinics; one without a calendar where the clinic is unknown."""
        asked = {fact.clinic_id for fact in facts}
        known = await with_places(tx, await self._calendars.current(tx, asked), facts)
        schedules = {clinic: ClinicSchedule(clinic, None) for clinic in asked - known.keys()}
        if known:
            schedules |= await self._load(tx, [fact for fact in facts if fact.clinic_id in known], known)
        return schedules

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]]) -> None:
        """Write what differs: calendars, courses, sessions, appointments, claims, requests, attendance."""
        await save_calendars(tx, changes)
        await save_schedules(tx, changes)
        await save_freed(tx, changes, self._clock.now())

    async def _load(
        self, tx: AsyncConnection, facts: Sequence[Fact], known: Mapping[str, Known]
    ) -> dict[str, ClinicSchedule]:
        named = {(fact.clinic_id, fact.patient_id) for fact in of_patients(facts)}
        hit = await affected_patients(tx, known, facts, self._clock.now(), everyone=self._everyone)
        whose = sorted(named | hit)
        resources = await lock_resources(tx, sorted(known), whose)
        patients = await load_patients(tx, whose, resources.patients, resources.new)
        foreign = await owned_by_others(tx, facts)
        placing = {fact.clinic_id for fact in facts if isinstance(fact, _PLACING)}
        calendars = {clinic: each.calendar for clinic, each in known.items() if each.calendar and clinic in placing}
        taken = {clinic: resources.of_clinic[clinic] for clinic in calendars}
        busy = await self._busy.of_clinics(tx, taken, calendars, self._clock.now())
        return {
            clinic: ClinicSchedule(
                clinic,
                each.calendar,
                busy.get(clinic, Busy()),
                patients.get(clinic, {}),
                foreign,
                each.clinic,
                each.calendars,
                each.places,
            )
            for clinic, each in known.items()
        }
