"""The simulated service's state: per key, the events it applied in their order, and their sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from shared.events.base import Fact, PatientFact
from shared.events.intake import MeasurementVoided, PlanEnded, SessionVoided
from shared.events.progress import AdverseEventReported
from shared.messaging.errors import Refused
from shared.messaging.message import Decision, Handler
from tests.simulation.postgres.server import Rejected

CREATE = text("""
    CREATE TABLE IF NOT EXISTS ledger (
        key text PRIMARY KEY, applied text[] NOT NULL, total int NOT NULL CHECK (total < 1000000))
""")
LOAD = text("SELECT key, applied, total FROM ledger WHERE key = ANY(:keys)")
SAVE = text("""
    INSERT INTO ledger (key, applied, total) VALUES (:key, :applied, :total)
    ON CONFLICT (key) DO UPDATE SET applied = excluded.applied, total = excluded.total
""")
OFFSETS = text("SELECT topic, partition, next_offset FROM applied_offset ORDER BY topic, partition")
"""What a check of the conformance suite reads, however the runtime does."""
TOO_MUCH = 1_000_000
"""What one event adds that the table's CHECK rejects."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One key's state."""

    key: str
    applied: tuple[str, ...] = ()
    total: int = 0


class LedgerStore:
    """Loads and saves ledgers as a service's store does."""

    def key(self, fact: Fact) -> str:
        return fact.key

    async def load(self, tx: Any, facts: Sequence[Fact]) -> Mapping[str, Ledger]:
        keys = sorted({fact.key for fact in facts})
        rows = await tx.execute(LOAD, {"keys": keys})
        known = {row.key: Ledger(row.key, tuple(row.applied), row.total) for row in rows}
        return {key: known.get(key, Ledger(key)) for key in keys}

    async def save(self, tx: Any, changes: Sequence[tuple[Ledger, Ledger]]) -> None:
        for _, after in sorted(changes, key=lambda change: change[1].key):
            await tx.execute(SAVE, {"key": after.key, "applied": list(after.applied), "total": after.total})


def check(row: Mapping[str, Any]) -> None:
    """The table's CHECK.

    Raises:
        Rejected: as PostgreSQL would.
    """
    if row["total"] >= TOO_MUCH:
        raise Rejected("23514")


def apply(state: Ledger, fact: PatientFact, now: datetime) -> Decision[Ledger]:
    """Note the event and report it; each report carries its place in the order."""
    report = AdverseEventReported(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        adverse_event_id=f"{len(state.applied)}:{fact.natural_key}",
        grade=1,
        term="bruise",
        occurred_at=now,
    )
    return Decision(Ledger(state.key, (*state.applied, fact.natural_key), state.total + 1), (report,))


def end(state: Ledger, fact: PlanEnded, now: datetime) -> Decision[Ledger]:
    """As a faulty release: some events raise, some are refused, some are rejected by the database."""
    if fact.reason == "transferred":
        raise ZeroDivisionError
    if fact.reason == "deceased":
        raise Refused("not this one")
    decision = apply(state, fact, now)
    if fact.reason == "withdrawn":
        too_much = Ledger(state.key, decision.state.applied, state.total + TOO_MUCH)
        return Decision(too_much, decision.facts)
    return decision


FAULTY: Mapping[type[Fact], Handler] = {PlanEnded: end, SessionVoided: apply, MeasurementVoided: apply}
MENDED: Mapping[type[Fact], Handler] = {PlanEnded: apply, SessionVoided: apply, MeasurementVoided: apply}
