"""Records that nobody can read: kept as they came, with headers that say why."""

from dataclasses import dataclass

from shared.flow import dead_letter_topic
from shared.messaging import wire
from shared.messaging.message import Position, RawRecord
from shared.messaging.outbox import Outgoing


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and why it can't be read. `reason` names fields, never values."""

    record: RawRecord
    code: str
    reason: str

    @property
    def position(self) -> Position:
        """Where in Kafka the record lies."""
        return self.record.position


def outgoing(letter: DeadLetter, service: str) -> Outgoing:
    """The dead letter as a record for `dlq.<service>.<topic>`: original bytes, key and headers."""
    position = letter.position
    original = wire.without_secrets(letter.record.headers)
    added = {
        "dlq-code": letter.code,
        "dlq-reason": letter.reason[:500],
        "dlq-topic": position.topic,
        "dlq-partition": str(position.partition),
        "dlq-offset": str(position.offset),
    }
    return Outgoing(
        topic=dead_letter_topic(service, position.topic),
        key=letter.record.key,
        value=letter.record.value,
        headers=wire.pack_raw_headers((*original, *((name, value.encode()) for name, value in added.items()))),
        event_id=f"{position.topic}/{position.partition}/{position.offset}",
        wire_type="dead-letter",
    )
