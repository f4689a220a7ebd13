"""Seeded kills of processes that send: is any message lost, or any patient written to twice?

Several processes work on one ledger, each killed at a drawn point and followed by the next. In the end
all facts are handed in once more, as Kafka does it with what was not acknowledged, and one calm process
sends what is left. What the mail server counted is held against the ledger.
"""

import asyncio
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from benchmarks.notifications import victim
from benchmarks.notifications.office import Office, Place, office
from benchmarks.notifications.people import course
from benchmarks.notifications.postbox import Postbox, postbox
from benchmarks.notifications.victim import Life
from shared.clock import SystemClock

_LANES = 3
_PATIENTS_A_LIFE = 2
_DATA_SHARE = 0.5
"""Of deaths: around the handing over of a message, where it matters most."""
_LIFE_SECONDS = 20.0
_AT_ONCE = 300
_LEASE = 1.5
_BUSY = text("""
    SELECT count(*) FROM delivery WHERE clinic_id = :clinic AND (state IN ('ready', 'claimed', 'sending')
        OR (state IN ('scheduled', 'deferred') AND due_at <= now()))
""")
_ENDED = text("""
    SELECT delivery_id, recipient, state FROM delivery WHERE clinic_id = :clinic AND topic <> 'reminder'
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the storm left. `lost`: intents without a message that was taken, or owned up to as unknown."""

    kills: int
    intents: int
    duplicates: int
    lost: int
    unknown: int
    staff_twice: int
    """Alerts that went out twice: allowed where nobody can be asked."""


async def storm(
    database_url: str, clinic_id: str, home: Path, *, kills: int, seed: int, ask: bool, far: Callable[[int], None]
) -> Outcome:
    """`kills` deaths; `ask`: whether the mail server's inbox can be asked. `far` hears how many have died."""
    start = SystemClock().now().replace(microsecond=0) + timedelta(days=14)
    async with postbox() as box:
        place = Place(database_url, clinic_id, box.port, box.http_port if ask else 0, _LEASE)
        scene = _Scene(place, start, home, Random(seed), kills, far)
        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(_LANES, kills)):
                lanes.create_task(scene.lane())
        async with office(place) as at, at.sending():
            patients = range(scene.lives * _PATIENTS_A_LIFE)
            for first in range(0, len(patients), _AT_ONCE):
                chunk = patients[first : first + _AT_ONCE]
                await at.admit([fact for number in chunk for fact in course(clinic_id, number, start)])
            await quiet(at)
            return await _judged(at, box, scene.dead, len(patients))


@dataclass(slots=True)
class _Scene:
    place: Place
    start: datetime
    home: Path
    chance: Random
    kills: int
    far: Callable[[int], None]
    lives: int = 0
    dead: int = 0

    async def lane(self) -> None:
        """One life after the other, until all kills are done."""
        while self.lives < self.kills:
            life, self.lives = self.lives, self.lives + 1
            process = self._born(life)
            await _ended(process)
            if process.exitcode != -9:
                raise RuntimeError(f"life {life} ended with {process.exitcode} instead of a kill; see {self.home}")
            self.dead += 1
            self.far(self.dead)

    def _born(self, life: int) -> BaseProcess:
        numbers = range(life * _PATIENTS_A_LIFE, (life + 1) * _PATIENTS_A_LIFE)
        told = Life(numbers, self.start, self._death(), self.chance.randrange(2**31))
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([victim.__name__])
        process = context.Process(target=victim.live, args=(self.place, told, self.home / "lives.log"), daemon=True)
        process.start()
        return process

    def _death(self) -> str:
        """Some are never passed: the life's work ends before; then time ends it."""
        if self.chance.random() < _DATA_SHARE:
            points = [point for point in victim.POINTS if point.endswith("data")]
            return f"{self.chance.choice(points)}:{self.chance.randint(1, 3)}"
        if self.chance.random() < _DATA_SHARE:
            points = [point for point in victim.POINTS if point.endswith("commit")]
            return f"{self.chance.choice(points)}:{self.chance.randint(1, 14)}"
        return f"outside:{self.chance.uniform(0.05, 0.8):.3f}"


async def _ended(process: BaseProcess) -> None:
    """Wait for its death, and bring it about where it does not come."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process.sentinel, gone.set)
    try:
        async with asyncio.timeout(_LIFE_SECONDS):
            await gone.wait()
    except TimeoutError:
        process.kill()
        await gone.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()


async def quiet(at: Office, seconds: float = 120) -> None:
    """Until nothing is due and nothing under way.

    Raises:
        TimeoutError: it does not come to rest.
    """
    async with asyncio.timeout(seconds):
        while True:
            async with at.engine.connect() as connection:
                if not await connection.scalar(_BUSY, {"clinic": at.place.clinic_id}):
                    return
            await asyncio.sleep(0.1)


async def _judged(at: Office, box: Postbox, kills: int, patients: int) -> Outcome:
    async with at.engine.connect() as connection:
        rows: list[Any] = list(await connection.execute(_ENDED, {"clinic": at.place.clinic_id}))
    ours = [row for row in rows if row.recipient == "patient"]
    staff = [row for row in rows if row.recipient == "staff"]
    unaccounted = [row for row in rows if box.taken[row.delivery_id] == 0 and row.state != "unknown"]
    return Outcome(
        kills=kills,
        intents=2 * patients,
        duplicates=sum(box.taken[row.delivery_id] > 1 for row in ours),
        lost=len(unaccounted) + (patients - len(ours)) + (patients - len(staff)),
        unknown=sum(row.state == "unknown" for row in rows),
        staff_twice=sum(box.taken[row.delivery_id] > 1 for row in staff),
    )
