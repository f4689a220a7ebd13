"""Alerts as the inbox reads them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.alerts import ALERT_FACTS, Alert, AlertState
from services.console.domain.patient_file import PatientFile
from services.console.store.rows import run
from shared.events.base import Fact, PatientFact

_TYPES: Final = {
    "raised_at": "timestamptz", "taken_at": "timestamptz", "snoozed_until": "timestamptz",
    "resolved_at": "timestamptz", "revision": "integer", "owner_revision": "integer", "taken_revision": "integer",
    "snoozed_revision": "integer", "asked_again_revision": "integer",
}  # fmt: skip
_KEY: Final = ("clinic_id", "patient_id", "alert_id")
_NAMES: Final = (*_KEY, *Alert._fields[1:], "state")
_ARRAYS: Final = ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in _NAMES)
_CHANGED: Final = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[3:])
_SAVE = text(f"""
    INSERT INTO alert ({", ".join(_NAMES)}) SELECT * FROM unnest({_ARRAYS})
    ON CONFLICT (clinic_id, patient_id, alert_id) DO UPDATE SET {_CHANGED}
""")  # noqa: S608
_COLUMNS: Final = ", ".join(f"alert.{name}" for name in Alert._fields)
_LOAD = text(f"""
    SELECT clinic_id, patient_id, {_COLUMNS} FROM alert
    JOIN unnest(CAST(:clinics AS text[]), CAST(:patients AS text[]), CAST(:alerts AS text[]))
        AS wanted (clinic_id, patient_id, alert_id) USING (clinic_id, patient_id, alert_id)
""")  # noqa: S608
_FIND = text(f"""
    SELECT patient_id, {_COLUMNS} FROM alert
    WHERE clinic_id = :clinic_id AND alert_id = :alert_id AND raised_at IS NOT NULL
""")  # noqa: S608
_WHERE: Final = """
    FROM alert WHERE clinic_id = :clinic_id AND raised_at IS NOT NULL AND NOT kind = ANY(:hidden)
        AND (CAST(:owner AS text) IS NULL OR owner = :owner)
        AND (CAST(:severity AS text) IS NULL OR severity = :severity)
        AND (CAST(:words AS text) IS NULL OR title ILIKE :words OR kind ILIKE :words OR patient_id = ANY(:patients))
"""
_LIST = text(f"""
    SELECT patient_id, {_COLUMNS} {_WHERE} AND state = ANY(:states)
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), raised_at DESC, alert_id LIMIT :most
""")
_COUNT = text(f"SELECT state, count(*) AS number {_WHERE} AND state <> 'resolved' GROUP BY state")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a clinic's alerts: of an owner, of a severity, with words in the title or of these patients."""

    clinic_id: str
    hidden: Sequence[str] = ()
    """Kinds that whoever asks may not see."""
    owner: str | None = None
    severity: str | None = None
    words: str | None = None
    patients: Sequence[str] = ()

    def parameters(self) -> dict[str, Any]:
        """For the statements."""
        words = self.words and self.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {
            "clinic_id": self.clinic_id,
            "hidden": list(self.hidden),
            "owner": self.owner,
            "severity": self.severity,
            "words": f"%{words}%" if words else None,
            "patients": list(self.patients),
        }


async def load(tx: AsyncConnection, facts: Sequence[Fact]) -> dict[tuple[str, str], dict[str, Alert]]:
    """The alerts that `facts` are about, by clinic and patient."""
    keys = {
        (fact.clinic_id, fact.patient_id, str(getattr(fact, "alert_id", "")))
        for fact in facts
        if isinstance(fact, PatientFact) and isinstance(fact, ALERT_FACTS)
    }
    found: dict[tuple[str, str], dict[str, Alert]] = {}
    if keys:
        clinics, patients, ids = map(list, zip(*sorted(keys), strict=True))
        rows = await tx.execute(_LOAD, {"clinics": clinics, "patients": patients, "alerts": ids})
        for clinic_id, patient_id, *values in rows.all():
            alert = Alert._make(values)
            found.setdefault((clinic_id, patient_id), {})[alert.alert_id] = alert
    return found


async def save(tx: AsyncConnection, files: Iterable[PatientFile]) -> None:
    """How the alerts stand that facts were about."""
    rows = [(file.clinic_id, file.patient_id, *alert, alert.state) for file in files for alert in file.alerts.values()]
    await run(tx, _SAVE, _NAMES, rows)


async def find(tx: AsyncConnection, clinic_id: str, alert_id: str) -> tuple[str, Alert] | None:
    """One alert of the clinic, and its patient."""
    row = (await tx.execute(_FIND, {"clinic_id": clinic_id, "alert_id": alert_id})).one_or_none()
    return (row[0], Alert._make(row[1:])) if row else None


async def listed(
    tx: AsyncConnection, wanted: Wanted, states: Sequence[AlertState], most: int
) -> list[tuple[str, Alert]]:
    """The most serious first, then the newest, each with its patient."""
    rows = await tx.execute(_LIST, {**wanted.parameters(), "states": list(states), "most": most})
    return [(row[0], Alert._make(row[1:])) for row in rows.all()]


async def counts(tx: AsyncConnection, wanted: Wanted) -> Mapping[str, int]:
    """How many there are of each state; without those that are resolved."""
    rows = await tx.execute(_COUNT, wanted.parameters())
    return {row.state: row.number for row in rows.all()}
