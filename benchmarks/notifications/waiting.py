"""Timers: how many are claimed a second among many that wait, how late they are, and a backlog after downtime."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from benchmarks.notifications.office import Office, Place, office
from benchmarks.notifications.postbox import postbox
from benchmarks.notifications.rows import add_patients, add_reminders
from benchmarks.notifications.storm import quiet

_PER_PATIENT = 10
_EVERY = timedelta(milliseconds=50)
_CLAIM = 100
_DOWN = timedelta(hours=6)
_DUE = text("SELECT delivery_id, extract(epoch FROM due_at) AS due FROM delivery WHERE delivery_id LIKE 'late-%'")
_OLDER = text("SELECT state, count(*) AS many FROM delivery WHERE delivery_id LIKE 'down-%' GROUP BY state")
_ANALYZE = "ANALYZE"


async def pending(place: Place, waiting: int) -> None:
    """`waiting` reminders that are due in days."""
    async with office(place) as at:
        patients = max(1, waiting // _PER_PATIENT)
        await add_patients(at.engine, place.clinic_id, "wait-", patients)
        await add_reminders(
            at.engine, place.clinic_id, "wait-", waiting, patients=patients, after=timedelta(days=3),
            apart=timedelta(milliseconds=100),
        )  # fmt: skip
        async with at.engine.begin() as tx:
            await tx.execute(text(_ANALYZE))


async def claims(place: Place, many: int) -> dict[str, Any]:
    """Timers fired, judged and claimed a second, by one process."""
    async with office(place) as at:
        await add_patients(at.engine, place.clinic_id, "claim-", many)
        await add_reminders(at.engine, place.clinic_id, "claim-", many, patients=many, after=-timedelta(minutes=1))
        began, found = time.perf_counter(), 0
        while found < many:
            found += await _claimed(at)
        return {"claims_per_s": round(found / (time.perf_counter() - began))}


async def _claimed(at: Office) -> int:
    async with at.door.work() as work:
        await at.ledger.fire(work.tx, None)
        taken, _ = await at.ledger.claim(work.tx, None, "email", _CLAIM)
    return len(taken)


async def lateness(place: Place, many: int) -> dict[str, Any]:
    """Seconds from a timer's moment to the mail server's having its message."""
    async with postbox() as box:
        own = Place(place.database_url, place.clinic_id, box.port, box.http_port)
        async with office(own) as at, at.sending():
            await add_patients(at.engine, own.clinic_id, "late-", many)
            await add_reminders(
                at.engine, own.clinic_id, "late-", many, patients=many, after=timedelta(seconds=3), apart=_EVERY
            )
            await asyncio.sleep(3 + many * _EVERY.total_seconds())
            await quiet(at)
            async with at.engine.connect() as connection:
                late = sorted(box.first[row.delivery_id] - float(row.due) for row in await connection.execute(_DUE))
    return {"lateness_p99_s": round(share(late, 0.99), 3), "lateness_p50_s": round(share(late, 0.5), 3)}


async def backlog(place: Place, many: int) -> dict[str, Any]:
    """Seconds until all that came due in six hours of downtime is ready, or expired: a part is past its validity."""
    async with office(place) as at:
        await add_patients(at.engine, place.clinic_id, "down-", many)
        apart = _DOWN / many
        await add_reminders(
            at.engine, place.clinic_id, "down-", many, patients=many, after=-_DOWN - timedelta(seconds=1), apart=apart,
            late=2,
        )  # fmt: skip
        began = time.perf_counter()
        while await _fired(at):
            pass
        seconds = time.perf_counter() - began
        async with at.engine.connect() as connection:
            states = {row.state: row.many for row in await connection.execute(_OLDER)}
    assert states == {"ready": many - many * 2 // 5, "expired": many * 2 // 5}, states
    return {"backlog_s": round(seconds, 1)}


async def _fired(at: Office) -> int:
    async with at.door.work() as work:
        due, facts = await at.ledger.fire(work.tx, None)
        for fact in facts:
            at.door.publish(work, fact)
    return due


def share(ordered: list[float], part: float) -> float:
    """The value that `part` of the sorted values do not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")
