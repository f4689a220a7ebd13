"""Looking into the dead-letter topics, and putting records back where they came from.

What was put back is marked in the dead-letter topic itself, by a record behind the letter: the mark
lives as long as the letter, and whoever reads the topic later knows.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.flow import FLOW, INBOUND_TOPIC, consumed_topics, dead_letter_topic
from shared.messaging import wire
from shared.messaging.masking import identifier, printable
from shared.messaging.message import Position, RawRecord
from shared.messaging.topic_reader import all_records, patient, prolong, reader

PUT_BACK = "dlq-put-back"
"""Header of a mark: the offset, in the same topic, of the letter that was put back."""

_OURS = "dlq-"
_AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lies, where it came from, why nobody could read it."""

    service: str
    topic: str
    """The topic it came from."""
    offset: int
    """Its offset in the dead-letter topic, which has one partition."""
    code: str
    reason: str
    event_type: str
    event_id: str
    key: str
    """Its record key, where that has the form of an id."""
    size: int
    timestamp_ms: int
    record: ConsumerRecord[bytes, bytes]


async def dead_letters(bootstrap: str, services: Sequence[str] = (), *, values: bool = True) -> list[Letter]:
    """All dead letters of `services` (all when none is named) that were not put back, oldest first per topic.

    Without `values` their records come without the value, so that many take little memory.

    Raises:
        Unavailable: Kafka does not answer.
    """
    topics = {dead_letter_topic(s, topic): (s, topic) for s in services or sorted(FLOW) for topic in consumed_topics(s)}
    found: dict[tuple[str, int], Letter] = {}
    async with reader(bootstrap, topics) as consumer, patient() as patience:
        async for record in all_records(consumer):
            prolong(patience)
            mark = put_back_offset(record)
            if mark is None:
                kept = record if values else replace(record, value=None)
                size = len(record.value or b"")
                found[record.topic, record.offset] = replace(_letter(*topics[record.topic], kept), size=size)
            else:
                found.pop((record.topic, mark), None)
    return list(found.values())


async def read_letter(bootstrap: str, service: str, topic: str, offset: int) -> Letter | None:
    """One dead letter with its value; None where there is none (any more) at that offset.

    Raises:
        Unavailable: Kafka does not answer.
    """
    partition = TopicPartition(dead_letter_topic(service, topic), 0)
    async with reader(bootstrap, [partition.topic]) as consumer, patient():
        if partition not in consumer.assignment():
            return None
        if offset >= (await consumer.end_offsets([partition]))[partition]:
            return None
        return await _letter_at(consumer, service, topic, offset)


def put_back_offset(record: ConsumerRecord[bytes, bytes]) -> int | None:
    """Which letter a mark says was put back; None for a letter.

    A mark has this one header. A sender may put it among a record's headers, but a letter made of
    that has others too: nobody outside can make a letter disappear.
    """
    if len(record.headers) != 1 or record.headers[0][0] != PUT_BACK:
        return None
    mark = record.headers[0][1]
    return int(mark) if mark.isdigit() else None


def original(letter: Letter, authorization: str = "") -> RawRecord:
    """The record as it came, without what was added when it was laid aside.

    Its token was taken away then: for the inbound topic, `authorization` takes its place.
    """
    headers = tuple(header for header in letter.record.headers if not header[0].startswith(_OURS))
    record = RawRecord(Position(letter.topic, 0, letter.offset), letter.record.key, letter.record.value, headers)
    return authorized(record, authorization) if authorization and letter.topic == INBOUND_TOPIC else record


def authorized(record: RawRecord, authorization: str) -> RawRecord:
    """The record with a sender's token in place of its own, if it still has one."""
    token = (_AUTHORIZATION, authorization.encode())
    return record._replace(headers=(*wire.without_secrets(record.headers), token))


async def put_back(bootstrap: str, letters: Sequence[Letter]) -> int:
    """Publish the original bytes, key and headers to the original topics, in order; returns how many.

    Doing it twice has one effect: the event id is the same, and the inbox knows it. A record that
    still can't be read becomes a dead letter again.
    """
    async with returning(bootstrap, []) as desk:
        for letter in letters:
            await desk.put_back(letter, original(letter))
    return len(letters)


class Returning:
    """Reads letters one by one and puts them back, over connections that stay open."""

    def __init__(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
        self._consumer = consumer
        self._producer = producer

    async def read(self, service: str, topic: str, offset: int) -> Letter | None:
        """The letter at an offset that the topic has reached; None where there is none (any more).

        Raises:
            Unavailable: Kafka does not answer.
        """
        async with patient():
            return await _letter_at(self._consumer, service, topic, offset)

    async def put_back(self, letter: Letter, record: RawRecord) -> None:
        """Publish `record`, then the mark. Between the two a crash may come: then it is put back
        once more, under the same event id, and the inbox knows it.

        Raises:
            Unavailable: Kafka does not confirm; whether the record arrived is unknown.
        """
        mark = [(PUT_BACK, str(letter.offset).encode())]
        async with patient():
            await self._producer.send_and_wait(
                letter.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
            topic = dead_letter_topic(letter.service, letter.topic)
            await self._producer.send_and_wait(topic, value=None, key=letter.record.key, headers=mark)


@asynccontextmanager
async def returning(bootstrap: str, topics: Sequence[str]) -> AsyncGenerator[Returning]:
    """A `Returning` with its connections, that reads these dead-letter topics.

    Raises:
        Unavailable: Kafka does not answer.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=2_000_000
    )
    async with reader(bootstrap, topics) as consumer:
        try:
            async with patient():
                await producer.start()
            yield Returning(consumer, producer)
        finally:
            await producer.stop()


async def _letter_at(consumer: AIOKafkaConsumer, service: str, topic: str, offset: int) -> Letter | None:
    """The letter at an offset below the end of its topic."""
    partition = TopicPartition(dead_letter_topic(service, topic), 0)
    consumer.seek(partition, offset)
    record = await consumer.getone(partition)
    return _letter(service, topic, record) if record.offset == offset and put_back_offset(record) is None else None


def _letter(service: str, topic: str, record: ConsumerRecord[bytes, bytes]) -> Letter:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    return Letter(
        service=service,
        topic=topic,
        offset=record.offset,
        code=printable(headers.get("dlq-code", "")),
        reason=printable(headers.get("dlq-reason", "")),
        event_type=identifier(headers.get("ce_type")),
        event_id=identifier(headers.get("ce_id")),
        key=identifier(record.key),
        size=len(record.value or b""),
        timestamp_ms=record.timestamp,
        record=record,
    )
