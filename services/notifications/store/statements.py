"""The statements that read and save many patients at once; arrays go in, one per column."""

from typing import Final

from sqlalchemy import TextClause, text

from services.notifications.domain.state import OPEN
from services.notifications.store.rows import ALERTS, APPOINTMENTS, CONSENTS, CONTACT, DELIVERIES, PARTS, PLANS, Part
from shared.bulk import unnest

# Every name in these statements comes from tables.py and the domain's fields.
# ruff: noqa: S608

_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN))
_PLANNED = ("state", "reason", "channel", "due_at", "local_time", "tzid")
_CHANGING: Final = ("owner", *ALERTS.own[ALERTS.own.index("acknowledged_by") :])
"""What people and timers change of an alert; `role` comes along."""
_CONTACT = [column.name for column in CONTACT]


def _load(part: Part) -> TextClause:
    columns = ", ".join(("patient_key", *part.read_from))
    return text(f"SELECT {columns} FROM {part.table.name} WHERE patient_key = ANY(:keys)")


def _change(part: Part, keys: tuple[str, ...], *columns: str, only: str = "TRUE") -> TextClause:
    table, names = part.table.name, (*keys, *columns)
    return text(f"""
        UPDATE {table} AS known SET {", ".join(f"{name} = changed.{name}" for name in columns)}
        FROM {unnest(part.columns(*names))} AS changed ({", ".join(names)})
        WHERE {" AND ".join(f"known.{name} = changed.{name}" for name in keys)} AND {only}
    """)


LOCK: Final = text(f"""
    SELECT patient_key, revision, version, {", ".join(_CONTACT[3:])}
    FROM patient WHERE patient_key = ANY(:keys) ORDER BY patient_key FOR UPDATE
""")
"""Until the commit nobody claims a delivery of these patients, and what was read holds."""
TOUCH: Final = text("""
    WITH held AS (SELECT patient_key FROM patient WHERE patient_key = ANY(:keys) ORDER BY patient_key FOR UPDATE),
        version AS (SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS current),
        touched AS (UPDATE patient SET revision = revision + :facts, version = version.current FROM held, version
            WHERE patient.patient_key = held.patient_key)
    SELECT current FROM version
""")
"""Gives the version that the patients have now."""
SAVE_CONTACTS: Final = text(f"""
    INSERT INTO patient ({", ".join(_CONTACT)}, revision)
    SELECT *, 0 FROM {unnest(CONTACT)} AS given
    ON CONFLICT (patient_key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CONTACT[3:])}
""")

LOAD: Final = {part.field: _load(part) for part in PARTS}
CHANGE: Final = {
    "plans": _change(PLANS, ("patient_key", "plan_id"), *PLANS.own[1:]),
    "appointments": _change(APPOINTMENTS, ("patient_key", "appointment_id"), *APPOINTMENTS.own[1:]),
    # Guarded: what the sender has claimed, or what is settled, is never taken back.
    "deliveries": _change(DELIVERIES, ("delivery_id",), *_PLANNED, only=f"known.state IN ({_OPEN})"),
    "alerts": _change(ALERTS, ("alert_id",), *_CHANGING, only="known.revision < changed.revision"),
    # An entry of this ledger never changes; the database would refuse it too.
    "consents": _change(CONSENTS, ("consent_id",), "value", only="FALSE"),
}
