"""Events coming in while messages go out: how fast they arrive, and that shuffled repeats change nothing."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from benchmarks.notifications.office import Office, Place, office
from benchmarks.notifications.people import adverse, booked, cancelled, course, moved, registered
from benchmarks.notifications.postbox import postbox
from benchmarks.notifications.storm import quiet
from benchmarks.notifications.waiting import share
from shared.clock import SystemClock
from shared.events.base import Fact

_PAUSE = 0.1
_BATCH = 500
_REPEATS = 2
_WHOSE = text("SELECT delivery_id, recipient, patient_id, topic FROM delivery WHERE clinic_id = :clinic")
_TOLD = text("""
    SELECT d.delivery_id, d.state, a.status, a.version,
        COALESCE((SELECT max(CAST(t ->> 'version' AS int)) FROM json_array_elements(d.told) AS t), 0) AS told
    FROM delivery d JOIN appointment a ON a.patient_key = d.patient_key
    WHERE d.clinic_id = :clinic AND d.recipient = 'patient' AND d.topic <> 'reminder'
""")


async def arrival(place: Place, many: int) -> dict[str, Any]:
    """Seconds from an event to the message's having been taken, at light load."""
    async with postbox() as box:
        own = Place(place.database_url, f"{place.clinic_id}-light", box.port, box.http_port)
        start = SystemClock().now() + timedelta(days=14)
        admitted: dict[str, float] = {}
        async with office(own) as at, at.sending():
            for number in range(many):
                facts = course(own.clinic_id, number, start)
                admitted[facts[0].key.rpartition("/")[2]] = time.time()
                await at.admit(facts)
                await asyncio.sleep(_PAUSE)
            await quiet(at)
            rows = await _rows(at)
    taken = sorted(
        box.first[row.delivery_id] - admitted[row.patient_id] for row in rows if row.delivery_id in box.first
    )
    return {"accepted_p95_s": round(share(taken, 0.95), 3)}


async def alarm(place: Place, crowd: int, many: int) -> dict[str, Any]:
    """Seconds from an adverse event to the first message to staff, while `crowd` patients' messages wait."""
    async with postbox() as box:
        own = Place(place.database_url, f"{place.clinic_id}-crowd", box.port, box.http_port)
        start = SystemClock().now() + timedelta(days=14)
        admitted: dict[str, float] = {}
        async with office(own) as at, at.sending():
            for first in range(0, crowd, _BATCH):
                numbers = range(first, min(first + _BATCH, crowd))
                await at.admit([fact for n in numbers for fact in course(own.clinic_id, n, start)[:2]])
            for number in range(many):
                fact = adverse(own.clinic_id, number)
                admitted[fact.patient_id] = time.time()
                await at.admit([fact])
                await asyncio.sleep(_PAUSE)
            waiting = crowd + many - len(box.taken)
            await quiet(at, 600)
            rows = await _rows(at)
    staff = [row for row in rows if row.recipient == "staff" and row.topic == "alert"]
    first_seconds = sorted(box.first[row.delivery_id] - admitted[row.patient_id] for row in staff)
    return {"adverse_p99_s": round(share(first_seconds, 0.99), 3), "adverse_beside_waiting": waiting}


async def shuffled(place: Place, events: int, seed: int) -> dict[str, Any]:
    """Facts in any order and repeated, all applied before anything is sent: what is told is what is so."""
    chance = Random(seed)
    async with postbox() as box:
        own = Place(place.database_url, f"{place.clinic_id}-shuffled", box.port, box.http_port)
        async with office(own) as at:
            patients = await _told_in_disorder(at, events, chance)
            async with at.sending():
                await quiet(at, 900)
            async with at.engine.connect() as connection:
                rows: list[Any] = list(await connection.execute(_TOLD, {"clinic": own.clinic_id}))
    sent = [row for row in rows if box.taken[row.delivery_id]]
    expected = sum(number % 3 != 0 for number in range(patients))
    right = [row for row in sent if row.status == "booked" and row.told == row.version]
    return {
        "shuffled_events": events,
        "duplicates": sum(count > 1 for count in box.taken.values()),
        "lost": expected - len(right),
        "stale": len(sent) - len(right),
    }


async def _told_in_disorder(at: Office, events: int, chance: Random) -> int:
    """Every third appointment is cancelled, every second other one moved; gives the number of patients."""
    start = SystemClock().now() + timedelta(days=14)
    clinic, facts, number = at.place.clinic_id, list[Fact](), 0
    while len(facts) * _REPEATS < events:
        facts += [registered(clinic, number), booked(clinic, number, start)]
        if number % 3 == 0:
            facts += [moved(clinic, number, 2, start), cancelled(clinic, number, 3, start)]
        elif number % 2:
            facts.append(moved(clinic, number, 2, start))
        number += 1
    everything = facts * _REPEATS
    chance.shuffle(everything)
    for first in range(0, len(everything), _BATCH):
        await at.admit(everything[first : first + _BATCH])
    return number


async def _rows(at: Office) -> Sequence[Any]:
    async with at.engine.connect() as connection:
        return list(await connection.execute(_WHOSE, {"clinic": at.place.clinic_id}))
