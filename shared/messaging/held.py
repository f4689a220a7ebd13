"""What Kafka does not take: its records wait in the outbox, and the others go past them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)
from sqlalchemy import Row

from shared.clock import wall_seconds
from shared.telemetry import log

REFUSALS = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
"""Errors about a record or its topic. Any other is the producer's or the connection's: all is sent again."""

_TOO_LARGE = "raise max.message.bytes of the topic"
_REMEDIES: Mapping[type[Exception], str] = {
    MessageSizeTooLargeError: _TOO_LARGE,
    RecordListTooLargeError: _TOO_LARGE,
    TopicAuthorizationFailedError: "allow this service's Kafka login to write to the topic",
    UnknownTopicOrPartitionError: "create the topic (python -m shared.provision), or allow this service to see it",
}
_MISSING_AGAIN_SECONDS = 1.0
_REFUSED_AGAIN_SECONDS = 20.0
_OLD_SECONDS = 3.0
_END_SECONDS = 2.0

Place = tuple[str, int]
"""A topic and a bucket: order holds within one, so what stands behind a refused record waits with it."""


class Held:
    """Which topics, and which places in them, the relay passes over for now."""

    def __init__(self) -> None:
        self._topics: dict[str, float] = {}
        self._places: dict[Place, float] = {}
        self._reasons: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._topics or self._places)

    @property
    def reasons(self) -> Mapping[str, str]:
        """For each topic of which something was refused lately: what is wrong, and what to do."""
        self._forget_old()
        return dict(self._reasons)

    def topics(self) -> list[str]:
        """Topics that Kafka did not know a moment ago."""
        return _not_yet(self._topics)

    def places(self) -> list[str]:
        """`topic/bucket` of each place with a record that Kafka refused a moment ago."""
        return [f"{topic}/{bucket}" for topic, bucket in _not_yet(self._places)]

    def missing(self, topics: Iterable[str]) -> None:
        """Kafka has none of these topics, or shows them not to us."""
        for topic in topics:
            self._topics[topic] = wall_seconds() + _MISSING_AGAIN_SECONDS
            self._tell(topic, UnknownTopicOrPartitionError)

    def refused(self, row: Row[Any], error: Exception) -> None:
        """Kafka does not take this record, the first in its place."""
        self._places[_place(row)] = wall_seconds() + _REFUSED_AGAIN_SECONDS
        self._tell(row.aggregatetype, type(error))

    def holds(self, row: Row[Any]) -> bool:
        """Whether its place is passed over now."""
        return self._places.get(_place(row), 0) > wall_seconds()

    def careful(self, rows: Iterable[Row[Any]]) -> list[Row[Any]]:
        """Of a place whose time has come, the first record alone: none may be out before one that is refused again."""
        tried: set[Place] = set()
        kept: list[Row[Any]] = []
        for row in rows:
            if _place(row) not in tried:
                kept.append(row)
            if _place(row) in self._places:
                tried.add(_place(row))
        return kept

    def taken(self, rows: Iterable[Row[Any]]) -> None:
        """Kafka has taken these: what was wrong in their places is mended."""
        for row in rows:
            self._places.pop(_place(row), None)
            self._topics.pop(row.aggregatetype, None)
        self._forget_old()

    def _forget_old(self) -> None:
        """What was not refused again when its time had come was published by another relay."""
        past = wall_seconds() - _OLD_SECONDS
        self._topics = {topic: again for topic, again in self._topics.items() if again > past}
        self._places = {place: again for place, again in self._places.items() if again > past}
        still = self._topics.keys() | {topic for topic, _ in self._places}
        self._reasons = {topic: reason for topic, reason in self._reasons.items() if topic in still}

    def _tell(self, topic: str, error: type[Exception]) -> None:
        reason = f"{error.__name__}: {_REMEDIES.get(error, 'see the log of the Kafka server')}"
        if self._reasons.get(topic) != reason:
            self._reasons[topic] = reason
            log().error("kafka-refuses", topic=topic, reason=f"its records wait in the outbox; {reason}")


def _place(row: Row[Any]) -> Place:
    return row.aggregatetype, row.bucket


def _not_yet(again: Mapping[Any, float]) -> list[Any]:
    now = wall_seconds()
    return [what for what, when in again.items() if when > now]


async def unknown_topics(producer: AIOKafkaProducer, topics: Collection[str]) -> list[str]:
    """Those of `topics` that Kafka does not have, asked where the producer does not know.

    A producer that is given a record for one of them would wait for it, and all others with it.

    Raises:
        KafkaConnectionError: Kafka does not answer.
    """
    client: Any = producer.client
    if not [topic for topic in topics if client.cluster.partitions_for_topic(topic) is None]:
        return []
    for topic in topics:
        client.add_topic(topic)
    if not await client.force_metadata_update():
        raise KafkaConnectionError("no metadata")
    return [topic for topic in topics if client.cluster.partitions_for_topic(topic) is None]


async def abandon(producer: AIOKafkaProducer) -> None:
    """End a producer without publishing what it still holds.

    `stop` alone would wait until all of that is out. Given up half-way it leaves a task behind
    that does so when Kafka is back, long after a new producer has published the same records.
    """
    inside: Any = producer
    inside._message_accumulator.fail_all(KafkaConnectionError("abandoned"))
    if inside._sender.sender_task:
        inside._sender.sender_task.cancel()
    for end in (producer.client.close, producer.stop):
        # Each in a task of its own: aiokafka lets its cancelled task's error out, and may wait for ever.
        ending = asyncio.ensure_future(end())
        await asyncio.wait({ending}, timeout=_END_SECONDS)
        ending.add_done_callback(heed_no_error)
        ending.cancel()


def heed_no_error(ended: asyncio.Future[None]) -> None:
    """What was in flight has failed, in one way or another; it will be sent again."""
    if not ended.cancelled():
        ended.exception()
