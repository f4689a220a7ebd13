"""Making things stranded: events parked by a failing handler, dead letters as a service writes them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.intake import PlanEnded
from shared.flow import dead_letter_topic
from shared.messaging import wire
from shared.messaging.dead_letters import DeadLetter, outgoing
from shared.messaging.door import Door
from shared.messaging.message import Decision, Message, Position, RawRecord
from shared.messaging.replay import parked_keys
from tests.messaging.counting import Count, count
from tests.messaging.test_door import ended

NAME = "Ada Lovelace"
Header = tuple[str, bytes | None]


def mended(state: Count, fact: PlanEnded, now: datetime) -> Decision[Count]:
    """The handler after its fault was mended."""
    return count(state, fact.model_copy(update={"reason": "completed"}), now)


def healed(door: Door) -> Door:
    """The same service after the fault was mended."""
    return replace(door, handlers={PlanEnded: mended})


def as_sent(message: Message) -> Message:
    """The message with the record that carries it; beside its fact, the value tells a name."""
    assert message.record
    headers = (("ce_type", message.fact.wire_type().encode()), ("ce_id", message.event_id.encode()))
    value = message.fact.document[:-1] + f',"patient_name":"{NAME}"}}'.encode()
    return message._replace(record=message.record._replace(headers=headers, value=value))


async def park(door: Door, clinic_id: str, *reasons: str, patient: str = "p") -> list[str]:
    """Take in an event per reason ("transferred" fails); returns their ids in order. The first must fail."""
    batch = [as_sent(ended(patient, clinic_id, reason)) for reason in reasons]
    assert {outcome.state for outcome in await door.admit(batch)} == {"parked"}
    return [message.event_id for message in batch]


async def still_parked(engine: AsyncEngine) -> dict[str, int]:
    return {parked.key: parked.events for parked in await parked_keys(engine)}


async def lay_aside(
    bootstrap: str, value: bytes, headers: tuple[Header, ...], *, key: str, service: str = "progress",
    topic: str = "plan.ended",
) -> str:  # fmt: skip
    """Write a dead letter as the service does; returns its id."""
    letter = DeadLetter(RawRecord(Position(topic, 0, 7), key.encode(), value, headers), "unknown-type", "not known")
    record = outgoing(letter, service)
    place = await publish(
        bootstrap, dead_letter_topic(service, topic), record.value, record.key, wire.unpack_headers(record.headers)
    )
    return f"{service}:{topic}:{place}"


async def publish(bootstrap: str, topic: str, value: bytes | None, key: bytes | None, headers: list[Header]) -> int:
    """Put one record on a topic; returns its offset."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        return (await producer.send_and_wait(topic, value=value, key=key, headers=headers)).offset
    finally:
        await producer.stop()


async def readable_letter(bootstrap: str, clinic_id: str, patient: str = "late") -> tuple[str, str]:
    """A dead letter that this release can read; returns its id and the event's."""
    fact = ended(patient, clinic_id).fact
    headers: tuple[Header, ...] = (("ce_type", fact.wire_type().encode()), ("ce_id", fact.event_id.encode()))
    return await lay_aside(bootstrap, fact.document, headers, key=fact.key), fact.event_id


async def unreadable_letter(bootstrap: str, clinic_id: str, patient: str = "never") -> str:
    """A dead letter that nobody can read, and that tells a name."""
    value = f'{{"patient_name":"{NAME}"}}'.encode()
    headers: tuple[Header, ...] = (("ce_type", b"clinic.plan.ended.v1"), ("ce_id", b"1"), ("x-note", NAME.encode()))
    return await lay_aside(bootstrap, value, headers, key=f"{clinic_id}/{patient}")


async def mendable_letter(bootstrap: str, clinic_id: str, patient: str = "mended") -> tuple[str, str, dict[str, Any]]:
    """A dead letter with one wrong field, `/reason`; returns its id, the event's, and the content."""
    fact = ended(patient, clinic_id).fact
    content: dict[str, Any] = orjson.loads(fact.document) | {"reason": "vanished", "note": NAME}
    headers: tuple[Header, ...] = (("ce_type", fact.wire_type().encode()), ("ce_id", fact.event_id.encode()))
    return await lay_aside(bootstrap, orjson.dumps(content), headers, key=fact.key), fact.event_id, content
