"""Time that became free, and whom it may be offered to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.freed import REACH, Freed, freed

_PUT = text("""
    INSERT INTO freed_time (clinic_id, practitioner_id, start_at, end_at, room_id, left_by, due_at)
    SELECT clinic_id, practitioner_id, start_at, max(end_at), min(room_id), array_remove(array_agg(left_by), NULL), :now
    FROM unnest(CAST(:clinics AS text[]), CAST(:practitioners AS text[]), CAST(:starts AS timestamptz[]),
        CAST(:ends AS timestamptz[]), CAST(:rooms AS text[]), CAST(:left_by AS text[]))
        AS new (clinic_id, practitioner_id, start_at, end_at, room_id, left_by)
    GROUP BY clinic_id, practitioner_id, start_at
    ON CONFLICT (clinic_id, practitioner_id, start_at) DO UPDATE
    SET end_at = greatest(freed_time.end_at, excluded.end_at), room_id = excluded.room_id,
        left_by = freed_time.left_by || excluded.left_by, due_at = excluded.due_at
""")
_DUE = text("SELECT * FROM freed_time WHERE due_at <= :now ORDER BY start_at, practitioner_id, clinic_id LIMIT :most")
# Nothing where it was set free anew meanwhile: an answer is faster than what is put off.
_ONE = "clinic_id = :clinic AND practitioner_id = :practitioner AND start_at = :start AND due_at = :due"
_PUT_OFF = text(f"UPDATE freed_time SET due_at = :until WHERE {_ONE}")  # noqa: S608
_DROP = text(f"DELETE FROM freed_time WHERE {_ONE}")  # noqa: S608
_ASKED = text("""
    SELECT patient_id, state = 'open' AND expires_at > :now AS open, expires_at FROM hold
    JOIN resource ON resource.id = hold.practitioner AND resource.external_id = :practitioner
    WHERE hold.clinic_id = :clinic AND offered_at IS NOT NULL AND start_at < :end AND end_at > :start
""")
_WHO_WAITS = text("""
    WITH ahead AS (
        SELECT a.patient_id, a.plan_id, min(a.start_at) FILTER (WHERE a.start_at > :start) AS next_at,
            bool_or(a.start_at <= :start) AS begun
        FROM appointment AS a JOIN course USING (clinic_id, plan_id, patient_id)
        WHERE a.clinic_id = :clinic AND a.status IN ('booked', 'fulfilled') AND course.state = 'active'
        GROUP BY a.patient_id, a.plan_id),
    waiting AS (
        SELECT patient_id, plan_id, false AS asked_for FROM ahead
        WHERE next_at < :reach AND (NOT begun OR :everyone)
        UNION ALL
        SELECT session.patient_id, session.plan_id, false
        FROM session JOIN course USING (clinic_id, plan_id, patient_id)
        WHERE clinic_id = :clinic AND unplaced_reason IS NOT NULL AND NOT given_up AND course.state = 'active'
        UNION ALL
        SELECT patient_id, plan_id, true FROM waitlist_entry WHERE clinic_id = :clinic AND wanted)
    SELECT patient_id, bool_or(asked_for) AS asked_for FROM waiting
    WHERE NOT EXISTS (
        SELECT FROM waitlist_entry AS entry
        WHERE (entry.clinic_id, entry.patient_id, entry.plan_id) = (:clinic, waiting.patient_id, waiting.plan_id)
            AND NOT entry.wanted)
    GROUP BY patient_id ORDER BY bool_or(asked_for) DESC, patient_id LIMIT :most
""")


async def save_freed(
    tx: AsyncConnection, changes: Sequence[tuple[ClinicSchedule, ClinicSchedule]], now: datetime
) -> None:
    """Note what decisions have set free, to be offered from now on."""
    rows = [(after, each) for before, after in changes for each in freed(before, after, now)]
    if rows:
        await tx.execute(_PUT, {"now": now, **_columns(rows)})


def _columns(rows: Iterable[tuple[ClinicSchedule, Freed]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [] for name in ("clinics", "practitioners", "starts", "ends", "rooms", "left_by")
    }
    for schedule, each in rows:
        assert schedule.calendar
        names = schedule.calendar.resources
        room = names[each.room].external_id if each.room else None
        values = (schedule.clinic_id, names[each.practitioner].external_id, each.start, each.end, room, each.left_by)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return columns


async def due_times(tx: AsyncConnection, now: datetime, most: int) -> Sequence[Row[Any]]:
    """Freed time that is to be looked at now, the nearest first."""
    return (await tx.execute(_DUE, {"now": now, "most": most})).all()


async def asked_of(tx: AsyncConnection, time: Row[Any], now: datetime) -> Sequence[Row[Any]]:
    """Who was offered that time, or a part of it; `open` where the offer stands."""
    about = {"clinic": time.clinic_id, "practitioner": time.practitioner_id, "now": now}
    return (await tx.execute(_ASKED, {**about, "start": time.start_at, "end": time.end_at})).all()


async def who_waits(tx: AsyncConnection, time: Row[Any], most: int, *, everyone: bool) -> dict[str, bool]:
    """Patients who may gain from that time, and whether they asked to be told.

    Those who did, those without a time and those whose course has not begun; with `everyone`, also those whose next
    appointment is near behind it. Nobody who said that they don't want offers.
    """
    wanted = {"clinic": time.clinic_id, "start": time.start_at, "reach": time.start_at + REACH}
    rows = await tx.execute(_WHO_WAITS, {**wanted, "everyone": everyone, "most": most})
    return {row.patient_id: row.asked_for for row in rows}


async def put_off(tx: AsyncConnection, time: Row[Any], until: datetime) -> None:
    """Look at that time again then."""
    await tx.execute(_PUT_OFF, {**_key(time), "until": until})


async def drop(tx: AsyncConnection, time: Row[Any]) -> None:
    """There is nothing more to offer of that time."""
    await tx.execute(_DROP, _key(time))


def _key(time: Row[Any]) -> dict[str, Any]:
    whose = {"clinic": time.clinic_id, "practitioner": time.practitioner_id}
    return {**whose, "start": time.start_at, "due": time.due_at}
