"""Loading and saving patients' states, many at once."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from sqlalchemy import ARRAY, Row, Table, Text, TextClause, any_, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.state import OPEN, ClinicDesk, Delivery, DeliveryState, Patient
from services.notifications.store import rows, statements
from services.notifications.store.rows import Columns
from services.notifications.tables import ALERT, APPOINTMENT, DELIVERY, PATIENT, PLAN
from shared.clinics import Clinic
from shared.events.base import Fact, of_patients

T = TypeVar("T")
_MATTERS = sorted({*OPEN, DeliveryState.SENDING})


class PatientStore:
    """The states of patients, by `<clinic_id>/<patient_id>`.

    `due` is set whenever something may have become due, so that the sender looks soon. It is set
    before the commit: a hint, never the only reason to look.
    """

    def __init__(self, clinics: Mapping[str, Clinic]) -> None:
        self._desks = {clinic_id: desk_of(clinic) for clinic_id, clinic in clinics.items()}
        self.due = asyncio.Event()

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Patient]:
        """The patients that `facts` are about."""
        return await self.load_patients(
            tx, {fact.key: (fact.clinic_id, fact.patient_id) for fact in of_patients(facts)}
        )

    async def load_patients(self, tx: AsyncConnection, wanted: Mapping[str, tuple[str, str]]) -> dict[str, Patient]:
        """The patients by key; `wanted` names clinic and patient per key.

        Locks their rows: until the commit nobody claims a delivery of theirs, and what was read holds.
        """
        keys = sorted(wanted)
        locked = await tx.execute(_of(PATIENT, keys).order_by(PATIENT.c.patient_key).with_for_update())
        known = {row.patient_key: row for row in locked}
        plans = await _by_patient(tx, PLAN, keys, rows.plan_of)
        appointments = await _by_patient(tx, APPOINTMENT, keys, rows.appointment_of)
        deliveries = await _deliveries(tx, keys)
        alerts = await _by_patient(tx, ALERT, keys, rows.alert_of)
        return {
            key: Patient(
                clinic_id=clinic_id,
                patient_id=patient_id,
                desk=self._desks.get(clinic_id, ClinicDesk()),
                revision=known[key].revision if key in known else 0,
                contact=rows.contact_of(known[key]) if key in known else None,
                plans={plan.plan_id: plan for plan in plans[key]},
                appointments={appointment.appointment_id: appointment for appointment in appointments[key]},
                deliveries={delivery.delivery_id: delivery for delivery in deliveries[key]},
                alerts={alert.alert_id: alert for alert in alerts[key]},
            )
            for key, (clinic_id, patient_id) in wanted.items()
        }

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Patient, Patient]]) -> None:
        """Write what differs."""
        await _write(tx, statements.SAVE_PATIENTS, [rows.patient_columns(after) for _, after in changes])
        await _write(tx, statements.SAVE_PLANS, _differing(changes, "plans", rows.plan_columns))
        await _write(tx, statements.SAVE_APPOINTMENTS, _differing(changes, "appointments", rows.appointment_columns))
        await _write(tx, statements.SAVE_ALERTS, _differing(changes, "alerts", rows.alert_columns))
        deliveries = _differing(changes, "deliveries", rows.delivery_columns)
        before = {delivery_id for patient, _ in changes for delivery_id in patient.deliveries}
        await _write(tx, statements.ADD_DELIVERIES, [d for d in deliveries if d["delivery_id"] not in before])
        await _write(tx, statements.CHANGE_DELIVERIES, [d for d in deliveries if d["delivery_id"] in before])
        if deliveries:
            self.due.set()


def desk_of(clinic: Clinic) -> ClinicDesk:
    """What the rules need to know of `clinic`."""
    return ClinicDesk(clinic.zone, {role: staff[0] for role, staff in clinic.roster.items() if staff})


def _of(table: Table, keys: Sequence[str]) -> Any:
    return select(table).where(table.c.patient_key == any_(cast(list(keys), ARRAY(Text))))


async def _by_patient(
    tx: AsyncConnection, table: Table, keys: Sequence[str], read: Callable[[Row[Any]], T]
) -> dict[str, list[T]]:
    return _grouped(await tx.execute(_of(table, keys)), read)


async def _deliveries(tx: AsyncConnection, keys: Sequence[str]) -> dict[str, list[Delivery]]:
    """Those that can still go, that told of appointments, or that count as messages of a booking."""
    matters = or_(
        DELIVERY.c.state.in_(_MATTERS),
        DELIVERY.c.told.is_not(None),
        DELIVERY.c.topic == "booked",
    )
    return _grouped(await tx.execute(_of(DELIVERY, keys).where(matters)), rows.delivery_of)


def _grouped(found: Iterable[Row[Any]], read: Callable[[Row[Any]], T]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for row in found:
        grouped[row.patient_key].append(read(row))
    return grouped


def _differing(
    changes: Sequence[tuple[Patient, Patient]], part: str, columns: Callable[[Patient, Any], Columns]
) -> list[Columns]:
    """The rows of `part` (a mapping of the state) that are new or changed."""
    differing: list[Columns] = []
    for before, after in changes:
        old, new = getattr(before, part), getattr(after, part)
        if new is not old:
            differing += [columns(after, value) for key, value in new.items() if old.get(key) != value]
    return differing


async def _write(tx: AsyncConnection, statement: TextClause, changed: Sequence[Columns]) -> None:
    if changed:
        await tx.execute(statement, {"rows": orjson.dumps(changed).decode()})
