"""Counting patients' part in the clinic's figures anew, in the background and through the door."""

import asyncio
from typing import Final

from services.console.store import figures
from shared.clock import wall_seconds
from shared.ids import random_id
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.telemetry import log

_AT_ONCE: Final = 20
"""Patients in one transaction: some thousand facts are read."""
_PAUSE_SECONDS: Final = 1.0
_SOURCE: Final = "/stride/console/figures"


async def run(running: Running) -> None:
    """Until cancelled. While much is due it works half of the time: facts and pages go first."""
    while True:
        began = wall_seconds()
        try:
            done = await recount_some(running.door)
        except Unavailable as error:
            log().warning("figures-wait", reason=str(error))
            done = 0
        await asyncio.sleep(max(0.01, wall_seconds() - began) if done == _AT_ONCE else _PAUSE_SECONDS)


async def recount_some(door: Door) -> int:
    """Count a few patients anew; returns how many."""
    async with door.work() as work:
        due = await figures.due(work.tx, _AT_ONCE)
    if due:
        await door.admit([Message(random_id(), _SOURCE, fact) for fact in due])
    return len(due)
