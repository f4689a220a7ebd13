"""Time that became free is offered to those who gain most from it, one after another.

A timer is the row of the freed time (`due_at`). Several processes may see the same one come due: they think of the
same offer, and the door takes it once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.freed import candidates_for, slots_in
from services.scheduling.domain.holds import HOLD_PREFIX
from services.scheduling.domain.waitlist import Offer, OfferRules, next_offer
from services.scheduling.store.freed import asked_of, drop, due_times, put_off, who_waits
from services.scheduling.store.looking import look
from shared.clinics import Clinic, WaitlistPolicy, load_clinics
from shared.events.scheduling import WaitlistOffered
from shared.ids import derived_id
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.service import Running
from shared.messaging.transactions import begin

_LOOK_SECONDS, _TICK_SECONDS = 2.0, 0.05
_MOST_TIMES, _MOST_PATIENTS = 20, 200
_SOMEBODY_ELSE: Final = timedelta(minutes=30)
"""After it, somebody may have come who wants a time that nobody did."""
_AGAIN: Final = timedelta(minutes=1)


async def offer_freed_time(running: Running) -> None:
    """Offer what is free until cancelled."""
    clinics = load_clinics(running.settings.stride_clinics)
    while True:
        with suppress(Unavailable):
            await Offers(running.door, clinics).make()
        # Driven time jumps, and whoever drives it waits for us.
        await asyncio.sleep(_TICK_SECONDS if running.settings.stride_clock else _LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Offers:
    """Makes offers, by the policy of each clinic's file."""

    door: Door
    clinics: Mapping[str, Clinic]

    async def make(self) -> None:
        """Look at all freed time that is due: afterwards each is put off, or there is no more use in it.

        Raises:
            Unavailable: PostgreSQL can't be used now.
        """
        now = self.door.clock.now()
        while due := await self._due(now):
            for time in due:
                again = await self._look_at(time, now)
                async with self.door.work() as work:
                    await (put_off(work.tx, time, again) if again else drop(work.tx, time))

    async def _due(self, now: datetime) -> Sequence[Row[Any]]:
        async with begin(self.door.engine) as tx:
            return await due_times(tx, now, _MOST_TIMES)

    async def _look_at(self, time: Row[Any], now: datetime) -> datetime | None:
        """Make an offer of it if somebody gains; tells when to look again, or that there is no more use in it."""
        policy, rules = self._policy(time)
        if policy.ask == "nobody" or time.start_at < now + rules.notice + rules.shortest:
            return None
        if quiet := self._quiet_until(time, now):
            return quiet
        async with begin(self.door.engine) as tx:
            asked = await asked_of(tx, time, now)
            waiting = await who_waits(tx, time, _MOST_PATIENTS, everyone=policy.ask == "everyone")
        if standing := next((row.expires_at for row in asked if row.open), None):
            return standing
        if len(asked) >= rules.at_most:
            return None
        ends = await self._offered(time, waiting, {row.patient_id for row in asked}, rules)
        return ends or now + _SOMEBODY_ELSE

    def _policy(self, time: Row[Any]) -> tuple[WaitlistPolicy, OfferRules]:
        clinic = self.clinics.get(time.clinic_id)
        policy = clinic.waitlist if clinic else WaitlistPolicy()
        notice, open_for = timedelta(minutes=policy.notice_minutes), timedelta(minutes=policy.open_minutes)
        return policy, OfferRules(at_most=policy.at_most, notice=notice, open_for=open_for)

    def _quiet_until(self, time: Row[Any], now: datetime) -> datetime | None:
        """Nobody is asked while nobody is written to."""
        clinic = self.clinics.get(time.clinic_id)
        return clinic.messages.quiet_hours.until(now, clinic.zone_info) if clinic else None

    async def _offered(
        self, time: Row[Any], waiting: Mapping[str, bool], asked: set[str], rules: OfferRules
    ) -> datetime | None:
        """Offer it to whom it serves best; gives the end of the offer."""
        names = [name for name in waiting if name not in time.left_by and name not in asked]
        if not names:
            return None
        schedule = await look(self.door.engine, self.door.clock, time.clinic_id, names)
        now = self.door.clock.now()
        slots = list(slots_in(schedule, time.practitioner_id, time.room_id, time.start_at))
        found = [each for name in names for each in candidates_for(schedule, name, slots, now)]
        # Those who asked to be told come first.
        groups = ([each for each in found if waiting[each.patient_id] == first] for first in (True, False))
        offers = (next_offer(group, asked, group[0].slot, rules, now) for group in groups if group)
        offer = next((offer for offer in offers if offer), None)
        if offer is None:
            return None
        (outcome,) = await self.door.admit([self.door.own(_fact(schedule, offer, len(asked) + 1, now))])
        return now + _AGAIN if outcome.state == "refused" else offer.expires_at


def _fact(schedule: ClinicSchedule, offer: Offer, nth: int, now: datetime) -> WaitlistOffered:
    chosen, calendar = offer.candidate, schedule.calendar
    assert calendar
    course = schedule.patients[chosen.patient_id].courses[chosen.plan_id]
    moving = course.appointments.get(chosen.appointment_id or "")
    practitioner_id = calendar.resources[chosen.slot.practitioner].external_id
    what = (schedule.clinic_id, chosen.patient_id, chosen.plan_id, chosen.sequence)
    return WaitlistOffered(
        clinic_id=schedule.clinic_id,
        patient_id=chosen.patient_id,
        offer_id=HOLD_PREFIX + derived_id("offer", *what, practitioner_id, chosen.slot.start.isoformat()),
        plan_id=chosen.plan_id,
        sequence=chosen.sequence,
        appointment_id=chosen.appointment_id,
        previous_start=moving.start if moving else None,
        start=chosen.slot.start,
        end=chosen.slot.end,
        practitioner_id=practitioner_id,
        room_id=calendar.resources[chosen.slot.room].external_id,
        offered_at=now,
        expires_at=offer.expires_at,
        round=nth,
        why=chosen.why,
    )
