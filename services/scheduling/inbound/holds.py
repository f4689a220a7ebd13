"""The time that ends a hold."""

import asyncio
from contextlib import suppress

from services.scheduling.store.claims import clinics_with_expired, retire_expired
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.locks import lock
from shared.messaging.service import Running

_SWEEP_SECONDS, _TICK_SECONDS = 2.0, 0.05


async def free_expired_holds(running: Running) -> None:
    """Free slots that were held for somebody as soon as their time is over."""
    while True:
        await sweep_holds(running.door)
        # Driven time jumps, and whoever drives it waits for us.
        await asyncio.sleep(_TICK_SECONDS if running.settings.stride_clock else _SWEEP_SECONDS)


async def sweep_holds(door: Door) -> None:
    """Free what was held until now, in a transaction of its own: what is remembered of a calendar stays true."""
    with suppress(Unavailable):
        async with door.work() as work:
            clinics = await clinics_with_expired(work.tx, door.clock.now())
            if clinics:
                await lock(work.tx, door.service, clinics)
                await retire_expired(work.tx, clinics, door.clock.now())
