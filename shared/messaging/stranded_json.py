"""What is stranded, for programs: as `stride dlq --json` and each service's `/operations` tell it."""

from typing import Any

from shared.messaging.replay_run import Fate
from shared.messaging.stranded import Stranded
from shared.messaging.stranded_records import StrandedRecord


def as_json(one: Stranded) -> dict[str, Any]:
    """One stranded thing for programs."""
    return {
        "id": one.id,
        "kind": one.kind,
        "service": one.service,
        "topic": one.topic,
        "key": one.key,
        "type": one.event_type,
        "event_id": one.event_id,
        "reason": one.reason,
        "since": one.since.isoformat(),
        "events": one.events,
        "bytes": one.size,
    }


def record_as_json(record: StrandedRecord) -> dict[str, Any]:
    """One record for programs."""
    return {
        "topic": record.position.topic,
        "partition": record.position.partition,
        "offset": record.position.offset,
        "event_id": record.event_id,
        "type": record.event_type,
        "key": record.key,
        "reason": record.reason,
        "since": record.since.isoformat(),
        "bytes": record.size,
        "headers": [list(header) for header in record.headers],
        "value": record.value,
    }


def fate_as_json(fate: Fate) -> dict[str, Any]:
    """What became of one."""
    return {"id": fate.stranded.id, "state": fate.state, "reason": fate.reason, "events": fate.events}
