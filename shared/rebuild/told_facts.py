"""What the service has published, by what led to it: kept in the rebuild's schema, so that any log fits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.base import Fact
from shared.messaging import wire

_CREATE = text("""
    CREATE UNLOGGED TABLE told_fact (
        position bigint GENERATED ALWAYS AS IDENTITY,
        event_id text PRIMARY KEY,
        causation_id text NOT NULL,
        record_key text NOT NULL,
        type text NOT NULL,
        told_at timestamptz NOT NULL,
        payload bytea NOT NULL)
""")
_INDEXES = (
    text("CREATE INDEX told_by_cause ON told_fact (causation_id)"),
    text("CREATE INDEX told_by_key ON told_fact (record_key)"),
)
_KEEP = text("""
    INSERT INTO told_fact (event_id, causation_id, record_key, type, told_at, payload)
    SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:causes AS text[]), CAST(:keys AS text[]),
        CAST(:types AS text[]), CAST(:times AS timestamptz[]), CAST(:payloads AS bytea[]))
    ON CONFLICT DO NOTHING
""")
_CAUSED = text("""
    SELECT causation_id, type, told_at, payload FROM told_fact
    WHERE causation_id = ANY(:causes) ORDER BY position
""")
_KNOWN = text("SELECT event_id FROM told_fact WHERE record_key = ANY(:keys)")


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """A published fact as it lies in the log, or still in the outbox. `told_at` is the decision's time."""

    event_id: str
    causation_id: str
    key: str
    wire_type: str
    told_at: datetime
    payload: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What was published because of one message, and when that was decided."""

    facts: tuple[Fact, ...]
    decided_at: datetime


def told_record(event_id: str, wire_type: str, headers: Mapping[str, str], payload: bytes) -> ToldRecord:
    """A published fact from its parts."""
    return ToldRecord(
        event_id=event_id,
        causation_id=headers.get("ce_causationid", ""),
        key=headers.get("ce_partitionkey", ""),
        wire_type=wire_type,
        told_at=datetime.fromisoformat(headers["ce_time"]),
        payload=payload,
    )


async def create(tx: AsyncConnection) -> None:
    """Make the table."""
    for statement in (_CREATE, *_INDEXES):
        await tx.execute(statement)


async def keep(tx: AsyncConnection, records: Sequence[ToldRecord]) -> None:
    """Add published facts; what is there already (published twice) stays."""
    if records:
        columns = {
            "ids": [r.event_id for r in records],
            "causes": [r.causation_id for r in records],
            "keys": [r.key for r in records],
            "types": [r.wire_type for r in records],
            "times": [r.told_at for r in records],
            "payloads": [r.payload for r in records],
        }
        await tx.execute(_KEEP, columns)


async def caused_by(tx: AsyncConnection, causes: Iterable[str]) -> Mapping[str, Told]:
    """The published facts by the event ids that led to them."""
    found: dict[str, list[tuple[Fact, datetime]]] = defaultdict(list)
    for row in await tx.execute(_CAUSED, {"causes": sorted(set(causes))}):
        fact = wire.read_fact(wire.known_type(row.type), row.payload)
        found[row.causation_id].append((fact, row.told_at))
    return {cause: Told(tuple(fact for fact, _ in told), told[0][1]) for cause, told in found.items()}


async def known_ids(tx: AsyncConnection, keys: Iterable[str]) -> set[str]:
    """The event ids of all that was published for these patients."""
    return set(await tx.scalars(_KNOWN, {"keys": sorted(set(keys))}))
