"""Once a day, at each clinic's own time: who gets a list of what waits for them, and where the roster has gaps.

What is handed in is told apart by its day, so that several processes and restarts hand it in once.
"""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, get_args

from services.notifications.domain.daily import DigestDue
from services.notifications.store import waiting
from services.notifications.store.patients import desk_of
from shared.alerting import StaffRole
from shared.clinics import Clinic
from shared.events.notifications import THE_CLINIC, RosterGapFound
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from shared.telemetry import log

_SOURCE: Final = "/stride/notifications/daily"
_POLL_SECONDS: Final = 20.0
_DAYS_AHEAD: Final = 7


class DailyRound:
    """Goes round the clinics."""

    def __init__(self, door: Door, clinics: Mapping[str, Clinic]) -> None:
        self._door, self._clinics = door, clinics
        self._done: dict[str, date] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.go()
            except Unavailable as error:
                log().warning("daily-round-waits", reason=str(error))
            await asyncio.sleep(_POLL_SECONDS)

    async def go(self) -> None:
        """Look at every clinic whose time has come today.

        Raises:
            Unavailable: PostgreSQL can't be used now.
        """
        now = self._door.clock.now()
        for clinic_id, clinic in self._clinics.items():
            local = now.astimezone(clinic.zone_info)
            if local.time() >= clinic.alerts.digest_at and self._done.get(clinic_id) != local.date():
                await self._hand_in(clinic, local)
                self._done[clinic_id] = local.date()

    async def _hand_in(self, clinic: Clinic, local: datetime) -> None:
        async with self._door.work() as work:
            owners = await waiting.owners(work.tx, clinic.clinic_id)
        who = {"clinic_id": clinic.clinic_id, "patient_id": THE_CLINIC}
        due = [DigestDue(**who, owner=owner, day=local.date()) for owner in owners]
        gaps = [
            RosterGapFound(**who, role=role, start=start, end=end)
            for role in get_args(StaffRole)
            for start, end in desk_of(clinic).roster.gaps(role, local, _DAYS_AHEAD, clinic.zone_info)
        ]
        messages = [Message(fact.event_id, _SOURCE, fact) for fact in due] + [self._door.own(gap) for gap in gaps]
        if messages:
            await self._door.admit(messages)
