"""How each part of a patient's state lies in its table: a row is whose it is, then the item's fields in order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Column, Table

from services.notifications.domain.state import (
    Alert,
    Appointment,
    Consent,
    Contact,
    Delivery,
    DeliveryState,
    Patient,
    Plan,
    Told,
)
from services.notifications.tables import ALERT, APPOINTMENT, CONSENT, DELIVERY, PATIENT, PLAN

Row = Sequence[Any]
Item = Any
"""A plan, an appointment, a delivery or an alert."""


@dataclass(frozen=True, slots=True)
class Part:
    """One mapping of the state and its table."""

    field: str
    table: Table
    whose: tuple[str, ...]
    """The columns that say whose a row is."""
    own: tuple[str, ...]
    """The columns that the item is written to; the first is its id."""
    read_from: tuple[str, ...]
    """The columns that it is read from: one for each field."""
    read: Callable[[Row], Item]
    write: Callable[[Item], Row]

    def columns(self, *names: str) -> list[Column[Any]]:
        """The columns `names`; without names all that are written, in order."""
        return [self.table.c[name] for name in names or (*self.whose, *self.own)]

    def rows(self, patient: Patient, items: Iterable[Item]) -> list[Row]:
        """The rows of the patient's `items`."""
        whose = tuple(_WHOSE[name](patient) for name in self.whose)
        return [(*whose, *self.write(item)) for item in items]


_WHOSE: Final[dict[str, Callable[[Patient], str]]] = {
    "patient_key": lambda patient: patient.key,
    "clinic_id": lambda patient: patient.clinic_id,
    "patient_id": lambda patient: patient.patient_id,
}
_WHO: Final = ("patient_key",)
_WHO_IN_FULL: Final = tuple(_WHOSE)
CONTACT: Final = tuple(
    PATIENT.c[name]
    for name in (*_WHO_IN_FULL, "contact_revision", "name", "email", "language", "zone", "phone", "confidential")
)
"""The columns of a row of `patient` that facts change."""


def contact_row(patient: Patient) -> Row:
    """The patient's row, in the order of `CONTACT`."""
    contact: Row = patient.contact or (None,) * len(Contact._fields)
    return patient.key, patient.clinic_id, patient.patient_id, *contact


def read_contact(row: Row) -> Contact | None:
    """The contact in the last columns of `CONTACT`, if it has arrived."""
    return None if row[0] is None else Contact._make(row)


def read_delivery(row: Row) -> Delivery:
    """A delivery from the values of its fields."""
    delivery = Delivery._make(row)
    told = tuple(_read_told(entry) for entry in delivery.told or ())
    return delivery._replace(state=DeliveryState(delivery.state), told=told)


def _read_told(entry: Any) -> Told:
    return Told(entry["appointment_id"], entry["version"], datetime.fromisoformat(entry["start"]), entry["on"])


def told_columns(told: Sequence[Told]) -> list[dict[str, Any]] | None:
    """What a message tells, as JSON; nothing where it tells of no appointment."""
    return [one._asdict() for one in told] or None


def _write_alert(alert: Alert) -> Row:
    return alert._replace(evidence=orjson.dumps(alert.evidence).decode())  # pyright: ignore[reportArgumentType]


def _as_is(item: Row) -> Row:
    return item


_APPOINTMENT: Final = tuple({"start": "start_at", "end": "end_at"}.get(name, name) for name in Appointment._fields)

PLANS: Final = Part("plans", PLAN, _WHO, Plan._fields, Plan._fields, Plan._make, _as_is)
APPOINTMENTS: Final = Part("appointments", APPOINTMENT, _WHO, _APPOINTMENT, _APPOINTMENT, Appointment._make, _as_is)
# What a delivery told is written by the sender alone.
DELIVERIES: Final = Part(
    "deliveries", DELIVERY, _WHO_IN_FULL, Delivery._fields[:-1], Delivery._fields, read_delivery, lambda one: one[:-1]
)
ALERTS: Final = Part("alerts", ALERT, _WHO_IN_FULL, Alert._fields, Alert._fields, Alert._make, _write_alert)
CONSENTS: Final = Part("consents", CONSENT, _WHO_IN_FULL, Consent._fields, Consent._fields, Consent._make, _as_is)
PARTS: Final = (PLANS, APPOINTMENTS, DELIVERIES, ALERTS, CONSENTS)
