"""Hands in what alerts' timers bring: the next step, a question what became of it, the end of a snooze.

A timer is the alert's own row (`wake_at`): whatever stops it, an acknowledgement for instance, stops it in the
transaction that says so. Several processes may see the same timer come due; the door takes it once.
"""

import asyncio
from datetime import datetime
from typing import Final

from sqlalchemy import text

from services.notifications.domain.escalation import AlertTimerDue
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from shared.telemetry import log

_SOURCE: Final = "/stride/notifications/timers"
_MOST: Final = 200
_POLL_SECONDS: Final = 1.0
_DUE: Final = text("""
    SELECT clinic_id, patient_id, alert_id, revision FROM alert WHERE wake_at <= :now ORDER BY wake_at LIMIT :most
""")


class Alarm:
    """Looks each second of the machine's time, or each `tick_seconds` whether a driven clock has moved."""

    def __init__(self, door: Door, tick_seconds: float | None) -> None:
        self._door, self._tick = door, tick_seconds
        self._looked_at: datetime | None = None

    async def run(self) -> None:
        """Wake alerts until cancelled."""
        while True:
            try:
                if self._is_due_to_look() and await self.wake() == _MOST:
                    self._looked_at = None
                    continue
            except Unavailable as error:
                log().warning("alarm-waits", reason=str(error))
                self._looked_at = None
                await asyncio.sleep(_POLL_SECONDS)
            await asyncio.sleep(self._tick or _POLL_SECONDS)

    def _is_due_to_look(self) -> bool:
        """While a driven clock stands still nothing comes due: every timer is set ahead."""
        return self._tick is None or self._door.clock.now() != self._looked_at

    async def wake(self) -> int:
        """Hand in what is due now; gives how many.

        Raises:
            Unavailable: PostgreSQL can't be used now.
        """
        now = self._door.clock.now()
        async with self._door.work() as work:
            due = (await work.tx.execute(_DUE, {"now": now, "most": _MOST})).mappings().all()
        facts = [AlertTimerDue.model_validate(dict(row)) for row in due]
        if facts:
            await self._door.admit([Message(fact.event_id, _SOURCE, fact) for fact in facts])
        self._looked_at = now
        return len(facts)
