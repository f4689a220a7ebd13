"""Patients' facts by key, and in the same transaction all rows that pages read."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.fhir_names import ResourceType, names_in
from services.console.domain.patient_file import CONTACT, PatientFile
from services.console.store import alerts, calendar, figures, patients, waiting_rows
from services.console.store.changes import notify
from services.console.store.rows import run
from shared.events.base import Fact, PatientFact
from shared.messaging import wire

_KEEP = text(f"""
    INSERT INTO fact AS known (clinic_id, patient_id, slot, type, payload)
    SELECT clinic_id, patient_id, slot, type, CAST(payload AS jsonb)
    FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:slot AS text[]),
                CAST(:type AS text[]), CAST(:payload AS text[]))
        AS kept (clinic_id, patient_id, slot, type, payload)
    ON CONFLICT (clinic_id, patient_id, slot) DO UPDATE SET type = excluded.type, payload = excluded.payload
    WHERE known.slot = '{CONTACT}' AND COALESCE(CAST(excluded.payload ->> 'revision' AS bigint), 0)
        > COALESCE(CAST(known.payload ->> 'revision' AS bigint), 0)
""")  # noqa: S608
_NAME = text("""
    INSERT INTO resource (clinic_id, type, id, patient_id)
    SELECT * FROM unnest(CAST(:clinic_id AS text[]), CAST(:type AS text[]), CAST(:id AS text[]),
                         CAST(:patient_id AS text[]))
    ON CONFLICT (clinic_id, type, id) DO NOTHING
""")
_OWNER = text("SELECT patient_id FROM resource WHERE clinic_id = :clinic_id AND type = :type AND id = :id")
_KEPT = text("""
    SELECT slot FROM fact WHERE clinic_id = :clinic_id AND patient_id = ANY(:patients) AND slot = ANY(:slots)
""")
_ALL_FACTS = text("SELECT type, payload::text AS payload FROM fact WHERE clinic_id = :clinic_id AND patient_id = :id")


class FileStore:
    """Keeps patients' facts, and what pages read up to date with them.

    Nothing is read to add a fact, but the alerts that it is about: so the console keeps up with all
    services together.
    """

    def key(self, fact: Fact) -> str:
        """The patient's key."""
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, PatientFile]:
        """An empty file for each patient, with the alerts that `facts` are about."""
        ids = {fact.key: (fact.clinic_id, _patient(fact)) for fact in facts}
        known = await alerts.load(tx, facts)
        return {key: PatientFile(*id_, alerts=known.get(id_, {})) for key, id_ in ids.items()}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[PatientFile, PatientFile]]) -> None:
        """Add the facts that are new, and bring up to date what follows from them."""
        files = [after for _, after in changes]
        added = [(file.clinic_id, file.patient_id, slot, fact) for file in files for slot, fact in file.added.items()]
        await _keep(tx, added)
        await patients.save(tx, files)
        await alerts.save(tx, files)
        await waiting_rows.save(tx, files)
        await calendar.save(tx, added)
        await figures.mark(tx, files)
        await figures.recount(tx, [(file.clinic_id, file.patient_id) for file in files if file.recounted])
        await notify(tx, (fact for *_, fact in added))


async def _keep(tx: AsyncConnection, added: Sequence[tuple[str, str, str, Fact]]) -> None:
    """The facts by clinic, patient and slot, and the names of the resources that begin with them."""
    kept = [(*place, fact.wire_type(), fact.document.decode()) for *place, fact in added]
    await run(tx, _KEEP, ("clinic_id", "patient_id", "slot", "type", "payload"), kept)
    names = {(clinic_id, *name, patient_id) for clinic_id, patient_id, _, fact in added for name in names_in(fact)}
    await run(tx, _NAME, ("clinic_id", "type", "id", "patient_id"), list(names))


async def facts_of(tx: AsyncConnection, clinic_id: str, patient_id: str) -> list[Fact]:
    """All facts of a patient, in no order; none where the clinic has no such patient."""
    rows = await tx.execute(_ALL_FACTS, {"clinic_id": clinic_id, "id": patient_id})
    return [wire.read_fact(wire.known_type(row.type), row.payload.encode()) for row in rows.all()]


async def kept(tx: AsyncConnection, clinic_id: str, patients: Collection[str], slots: Collection[str]) -> set[str]:
    """Which of these slots of the patients hold a fact."""
    asked = {"clinic_id": clinic_id, "patients": sorted(patients), "slots": sorted(slots)}
    return set((await tx.execute(_KEPT, asked)).scalars())


async def patient_with(tx: AsyncConnection, clinic_id: str, kind: ResourceType, resource_id: str) -> str | None:
    """Whose FHIR resource it is; None where the clinic has none of that id."""
    return await tx.scalar(_OWNER, {"clinic_id": clinic_id, "type": kind, "id": resource_id})


def _patient(fact: Fact) -> str:
    """No patient id for what is about the clinic as a whole."""
    return fact.patient_id if isinstance(fact, PatientFact) else ""
