"""One scheduling process of the hot clinic: several writers at once, each booking one course after another.

`python -m benchmarks.scheduling.writer URL CLINIC WAY WRITERS FIRST COUNT` opens its connections by booking into
another clinic, waits for a line on its standard input, and prints one JSON object when it is done.
WAY is `stride` (the real door), or a reference: `retry` (plan without locks, insert, again on a conflict) or
`serializable` (the same in SERIALIZABLE transactions).
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from benchmarks.scheduling.instances import NOW, plan_of
from services.scheduling.domain.course import ClinicSchedule, Patient
from services.scheduling.domain.decide import open_course
from services.scheduling.handlers import HANDLERS
from services.scheduling.store import SchedulingStore
from services.scheduling.store.calendars import KnownCalendars
from services.scheduling.store.claims import BusyTimes
from services.scheduling.store.saving import save_schedules
from shared.database import open_engine, sqlstate
from shared.events.intake import PlanCreated
from shared.messaging.door import Door
from shared.messaging.gathering import Gathering
from shared.messaging.message import Message
from shared.messaging.relay import Relay

_CONFLICTS = {"23P01", "40P01", "40001"}
_DEADLOCK = "40P01"


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        """The moment at which all courses are booked."""
        return NOW


@dataclass(slots=True)
class Told:
    """What became of the writers' courses."""

    seconds: list[float] = field(default_factory=list[float])
    retries: int = 0
    deadlocks: int = 0


Book = Callable[[PlanCreated], Awaitable[None]]


BEFORE = "-before"
"""What the clinic's name ends with into which a process books before it is ready."""


async def write(url: str, clinic: str, way: str, writers: int, numbers: range) -> Told:
    """Book the courses of `numbers`, `writers` of them at a time, as soon as somebody says so."""
    engine, told = open_engine(url, "scheduling", pool_size=writers), Told()
    book = _through_the_door(engine) if way == "stride" else _by_retrying(engine, told, way)
    await _all(clinic + BEFORE, numbers[:writers], writers, book, Told())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    told.retries = told.deadlocks = 0
    await _all(clinic, numbers, writers, book, told)
    await engine.dispose()
    return told


async def _all(clinic: str, numbers: range, writers: int, book: Book, told: Told) -> None:
    waiting = iter(numbers)
    await asyncio.gather(*(_writer(waiting, clinic, book, told) for _ in range(writers)))


async def _writer(waiting: Iterator[int], clinic: str, book: Book, told: Told) -> None:
    for number in waiting:
        plan = plan_of(f"{clinic}-p{number}", clinic=clinic, starts_on=NOW.date() + timedelta(days=1 + number % 10))
        began = time.perf_counter()
        await book(plan)
        told.seconds.append(time.perf_counter() - began)


def _through_the_door(engine: AsyncEngine) -> Book:
    door = Door("scheduling", HANDLERS, SchedulingStore(Still()), engine, Still(), Relay(engine, "localhost:1"))
    gathering = Gathering(door)

    async def book(plan: PlanCreated) -> None:
        (outcome,) = await gathering.admit([Message(plan.event_id, "/stride/intake", plan)])
        assert outcome.state in ("applied", "repeat"), outcome

    return book


def _by_retrying(engine: AsyncEngine, told: Told, way: str) -> Book:
    level = "SERIALIZABLE" if way == "serializable" else "READ COMMITTED"

    async def book(plan: PlanCreated) -> None:
        while True:
            try:
                async with engine.connect() as tx:
                    await tx.execution_options(isolation_level=level)
                    async with tx.begin():
                        await _insert(tx, plan)
                return
            except DBAPIError as error:
                if sqlstate(error) not in _CONFLICTS:
                    raise
                told.retries += 1
                told.deadlocks += sqlstate(error) == _DEADLOCK

    return book


_PATIENT = text("""
    INSERT INTO resource (clinic_id, kind, external_id) VALUES (:clinic, 'patient', :patient) RETURNING id
""")


async def _insert(tx: AsyncConnection, plan: PlanCreated) -> None:
    """The same plan, rows and constraint, without any lock taken first."""
    clinic = plan.clinic_id
    calendar = (await KnownCalendars().current(tx, [clinic]))[clinic].calendar
    assert calendar
    resources = dict.fromkeys(calendar.resources, 0)
    busy = (await BusyTimes().of_clinics(tx, {clinic: resources}, {clinic: calendar}, NOW))[clinic]
    resource = await tx.scalar(_PATIENT, {"clinic": clinic, "patient": plan.patient_id})
    patient = Patient(plan.patient_id, int(resource or 0))
    before = ClinicSchedule(clinic, calendar, busy, {plan.patient_id: patient})
    await save_schedules(tx, [(before, open_course(before, plan, NOW).state)])


def main() -> None:
    """Write, and tell what became of it."""
    url, clinic, way, writers, first, count = sys.argv[1:]
    told = asyncio.run(write(url, clinic, way, int(writers), range(int(first), int(first) + int(count))))
    found = {"seconds": told.seconds, "retries": told.retries, "deadlocks": told.deadlocks}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
