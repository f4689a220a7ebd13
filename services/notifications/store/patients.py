"""Loading and saving patients' states, many at once."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.state import ClinicDesk, Patient
from services.notifications.store import rows, statements
from services.notifications.store.rows import CONTACT, PARTS, Part, Row
from shared.alerting import Roster
from shared.bulk import arrays
from shared.clinics import Clinic
from shared.database import copy_rows, fetch
from shared.events.base import Fact, of_patients
from shared.memory import Memory

REMEMBERED_ROWS: Final = 100_000
"""Of all patients together: some 100 MB."""

_NO_CHATS: Final[Mapping[str, Collection[str]]] = {}
_NO_DESK: Final = ClinicDesk()
Wanted = Mapping[str, tuple[str, str]]
"""Clinic and patient by `<clinic_id>/<patient_id>`."""


class PatientStore:
    """The states of patients, by `<clinic_id>/<patient_id>`.

    `due` is set whenever something may have become due, so that the sender looks soon. It is set
    before the commit: a hint, never the only reason to look.
    """

    def __init__(
        self,
        clinics: Mapping[str, Clinic],
        chats: Mapping[str, Collection[str]] = _NO_CHATS,
        *,
        remembered_rows: int = REMEMBERED_ROWS,
    ) -> None:
        """`chats`: per clinic, the staff who also hear of alerts in a chat (`*`: all)."""
        self._desks = {name: desk_of(clinic, chats.get(name, ())) for name, clinic in clinics.items()}
        self._memory = Memory[Patient](remembered_rows, _rows)
        self.due = asyncio.Event()

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Patient]:
        """The patients that `facts` are about."""
        return await self.load_patients(
            tx, {fact.key: (fact.clinic_id, fact.patient_id) for fact in of_patients(facts)}
        )

    async def load_patients(self, tx: AsyncConnection, wanted: Wanted) -> dict[str, Patient]:
        """The patients by key; `wanted` names clinic and patient per key.

        Locks their rows: until the commit nobody claims a delivery of theirs, and what was read holds.
        """
        locked = {row[0]: row[1:] for row in await fetch(tx, statements.LOCK, {"keys": sorted(wanted)})}
        patients = {key: self._memory.recall(key, version) for key, (_, version, *_) in locked.items()}
        unknown = [key for key, patient in patients.items() if patient is None]
        parts = await _read(tx, unknown)
        for key in unknown:
            revision, version, *contact = locked[key]
            patient = Patient(*wanted[key])._replace(
                revision=revision,
                contact=rows.read_contact(contact),
                **{part: found[key] for part, found in parts.items()},
            )
            self._memory.remember(key, version, patient)
            patients[key] = patient
        return {key: self._at_desk(patients.get(key) or Patient(*whose)) for key, whose in wanted.items()}

    def heed(self, wanted: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        """From now on, call these webhook subscriptions: per clinic and fact name."""
        self._desks = {name: replace(desk, subscribers=wanted.get(name, {})) for name, desk in self._desks.items()}

    def _at_desk(self, patient: Patient) -> Patient:
        """The patient as remembered, at the desk as it is now."""
        desk = self._desks.get(patient.clinic_id, _NO_DESK)
        return patient if patient.desk is desk else patient._replace(desk=desk)

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Patient, Patient]]) -> None:
        """Write what differs."""
        if not changes:
            return
        contacts = [rows.contact_row(after) for before, after in changes if _is_contact_new(before, after)]
        if contacts:
            await fetch(tx, statements.SAVE_CONTACTS, arrays(CONTACT, contacts))
        for part in PARTS:
            await _write(tx, part, changes)
        version = await self.touch(tx, [after.key for _, after in changes], facts=1)
        for _, after in changes:
            self._memory.remember(after.key, version, after._replace(revision=after.revision + 1))
        if any(after.deliveries is not before.deliveries for before, after in changes):
            self.due.set()

    async def touch(self, tx: AsyncConnection, keys: Collection[str], *, facts: int = 0) -> int:
        """Whoever changes rows that states are made of says so here, or the states remembered would be wrong.

        Locks the patients' rows. To be called before other rows of theirs are locked, as `load` is: whoever
        does it the other way round can deadlock with the door. Gives the patients' version.
        """
        ((version,),) = await fetch(tx, statements.TOUCH, {"keys": sorted(keys), "facts": facts})
        for key in keys:
            self._memory.forget(key)
        return version


def desk_of(clinic: Clinic, chats: Collection[str] = ()) -> ClinicDesk:
    """What the rules need to know of `clinic`."""
    return ClinicDesk(
        clinic.zone, Roster(clinic.roster, clinic.shifts), clinic.alerts, clinic.messages, frozenset(chats)
    )


def _rows(patient: Patient) -> int:
    return sum(len(getattr(patient, part.field)) for part in PARTS)


def _is_contact_new(before: Patient, after: Patient) -> bool:
    return after.contact is not before.contact or before.revision == 0


async def _read(tx: AsyncConnection, keys: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """The stored items of each part, by patient and by their ids."""
    parts: dict[str, dict[str, dict[str, Any]]] = {part.field: defaultdict(dict) for part in PARTS}
    if keys:
        for part in PARTS:
            found = parts[part.field]
            for key, *values in await fetch(tx, statements.LOAD[part.field], {"keys": keys}):
                found[key][values[0]] = part.read(values)
    return parts


async def _write(tx: AsyncConnection, part: Part, changes: Sequence[tuple[Patient, Patient]]) -> None:
    new: list[Row] = []
    changed: list[Row] = []
    for before, after in changes:
        known, kept = getattr(before, part.field), getattr(after, part.field)
        if kept is not known:
            differing = {key: item for key, item in kept.items() if (old := known.get(key)) is not item and old != item}
            new += part.rows(after, [item for key, item in differing.items() if key not in known])
            changed += part.rows(after, [item for key, item in differing.items() if key in known])
    if new:
        await copy_rows(tx, part.table.name, [column.name for column in part.columns()], new)
    if changed:
        await fetch(tx, statements.CHANGE[part.field], arrays(part.columns(), changed))
