"""The rows that the calendar page reads: kept as facts come, whatever their order."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.store.rows import run
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ClinicDescribed
from shared.events.intake import AppointmentChangeRequested, SessionLogged, SessionVoided
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFact,
    AppointmentMissed,
    AppointmentMoved,
    CourseUnschedulable,
)

Added = tuple[str, str, str, Fact]
"""Clinic, patient, slot and the fact."""
_STATES: Final[dict[type[Fact], str]] = {
    AppointmentBooked: "booked",
    AppointmentMoved: "booked",
    AppointmentCancelled: "cancelled",
    AppointmentMissed: "missed",
}
_TYPES: Final = {
    "sequence": "integer", "version": "integer", "placed_version": "integer", "seen_version": "integer",
    "start_at": "timestamptz", "end_at": "timestamptz", "requested_at": "timestamptz", "started_at": "timestamptz",
    "revision": "bigint", "voided": "boolean",
}  # fmt: skip


def _arrays(names: Iterable[str]) -> str:
    return ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in names)


def _upsert(table: str, keys: int, names: Sequence[str], when: str = "") -> TextClause:
    """Insert, or where there is a row already, set the columns after the first `keys` if `when` holds."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in names[keys:])
    return text(f"""
        INSERT INTO {table} AS known ({", ".join(names)}) SELECT * FROM unnest({_arrays(names)})
        ON CONFLICT ({", ".join(names[:keys])}) DO UPDATE SET {changed} {when}
    """)  # noqa: S608


_APPOINTMENT: Final = (
    "clinic_id", "patient_id", "appointment_id", "version", "plan_id", "sequence", "state", "reason", "start_at",
    "end_at",
)  # fmt: skip
_STAND = text(f"""
    INSERT INTO appointment AS known ({", ".join(_APPOINTMENT)}, placed_version, practitioner_id, room_id)
    SELECT *, 0, '', '' FROM unnest({_arrays(_APPOINTMENT)})
    ON CONFLICT (clinic_id, patient_id, appointment_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _APPOINTMENT[3:])}
    WHERE excluded.version > known.version
""")  # noqa: S608
_PLACE_NAMES: Final = ("clinic_id", "patient_id", "appointment_id", "placed_version", "practitioner_id", "room_id")
_PLACE = text(f"""
    UPDATE appointment AS known
    SET placed_version = told.placed_version, practitioner_id = told.practitioner_id, room_id = told.room_id
    FROM unnest({_arrays(_PLACE_NAMES)}) AS told ({", ".join(_PLACE_NAMES)})
    WHERE (known.clinic_id, known.patient_id, known.appointment_id)
        = (told.clinic_id, told.patient_id, told.appointment_id) AND told.placed_version > known.placed_version
""")  # noqa: S608
_ASKED_NAMES: Final = (
    "clinic_id", "patient_id", "request_id", "appointment_id", "change", "seen_version", "requested_at", "start_at",
    "practitioner_id", "room_id",
)  # fmt: skip
_ASKED = _upsert("appointment_request", 3, _ASKED_NAMES)
_REFUSED_NAMES: Final = ("clinic_id", "patient_id", "request_id", "refused")
_REFUSED = _upsert("appointment_request", 3, _REFUSED_NAMES)
_HELD_NAMES: Final = ("clinic_id", "patient_id", "session_id", "started_at", "plan_id", "appointment_id")
_HELD = text(f"""
    INSERT INTO attendance ({", ".join(_HELD_NAMES)}, voided) SELECT *, false FROM unnest({_arrays(_HELD_NAMES)})
    ON CONFLICT (clinic_id, patient_id, session_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _HELD_NAMES[3:])}
""")  # noqa: S608
_VOIDED_NAMES: Final = ("clinic_id", "patient_id", "session_id", "voided")
_VOIDED = _upsert("attendance", 3, _VOIDED_NAMES)
_CALENDAR_NAMES: Final = ("clinic_id", "calendar_id", "revision", "slot")
_CALENDAR = _upsert("calendar", 2, _CALENDAR_NAMES, "WHERE excluded.revision > known.revision")


async def save(tx: AsyncConnection, added: Sequence[Added]) -> None:
    """What these facts say of appointments, of requests to change them, of sessions held and of calendars."""
    await run(tx, _STAND, _APPOINTMENT, _newest(added, AppointmentFact, _standing))
    await run(tx, _PLACE, _PLACE_NAMES, _newest(added, (AppointmentBooked, AppointmentMoved), _placing))
    await run(tx, _ASKED, _ASKED_NAMES, _newest(added, AppointmentChangeRequested, _asking))
    await run(tx, _REFUSED, _REFUSED_NAMES, _newest(added, CourseUnschedulable, _refusing))
    await run(tx, _HELD, _HELD_NAMES, _newest(added, SessionLogged, _holding))
    await run(tx, _VOIDED, _VOIDED_NAMES, _newest(added, SessionVoided, _voiding))
    await run(tx, _CALENDAR, _CALENDAR_NAMES, _calendars(added))


def _newest(added: Iterable[Added], kind: Any, row_of: Callable[[Any], tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A row for each id that `row_of` names first; of several, the one whose next value (a version) is highest."""
    rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for clinic_id, patient_id, _, fact in added:
        if isinstance(fact, kind) and (row := row_of(fact)):
            key = (clinic_id, patient_id, row[0])
            if key not in rows or row[1] > rows[key][0]:
                rows[key] = row[1:]
    return [(*key, *row) for key, row in rows.items()]


def _standing(fact: AppointmentFact) -> tuple[Any, ...]:
    about = (fact.appointment_id, fact.appointment_version, fact.plan_id, fact.sequence)
    return (*about, _STATES[type(fact)], getattr(fact, "reason", ""), fact.start, fact.end)


def _placing(fact: AppointmentBooked | AppointmentMoved) -> tuple[Any, ...]:
    return fact.appointment_id, fact.appointment_version, fact.practitioner_id, fact.room_id


def _asking(fact: AppointmentChangeRequested) -> tuple[Any, ...]:
    wanted = (fact.start or fact.not_before, fact.practitioner_id, fact.room_id)
    return (fact.request_id, fact.appointment_id, fact.change, fact.appointment_version, fact.requested_at, *wanted)


def _refusing(fact: CourseUnschedulable) -> tuple[Any, ...]:
    return (fact.request_id, fact.unplaced[0].reason) if fact.request_id else ()


def _holding(fact: SessionLogged) -> tuple[Any, ...]:
    return fact.session_id, fact.started_at, fact.plan_id, fact.appointment_id


def _voiding(fact: SessionVoided) -> tuple[Any, ...]:
    return fact.session_id, True


def _calendars(added: Iterable[Added]) -> list[tuple[Any, ...]]:
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for clinic_id, _, slot, fact in added:
        if isinstance(fact, ClinicDescribed | CalendarChanged):
            key = (clinic_id, getattr(fact, "calendar_id", ""))
            newest[key] = max(newest.get(key, (0, "")), (fact.revision, slot))
    return [(*key, *row) for key, row in newest.items()]
