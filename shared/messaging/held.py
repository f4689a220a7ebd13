"""What Kafka does not take: its records wait in the outbox, and the others go past them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
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
_END_SECONDS = 2.0

Place = tuple[str, int]
"""A topic and a bucket: order holds within one, so what stands behind a refused record waits with it."""


class Held:
    """Which topics, and which places in them, the relay passes over for now."""

    def __init__(self) -> None:
        self._topics: dict[str, float] = {}
        self._places: dict[Place, float] = {}
        self.reasons: dict[str, str] = {}
        """For each topic of which something is held: what is wrong, and what to do."""

    def __bool__(self) -> bool:
        return bool(self.reasons)

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

    def refused(self, place: Place, error: Exception) -> None:
        """Kafka does not take the record that is first in this place."""
        self._places[place] = wall_seconds() + _REFUSED_AGAIN_SECONDS
        self._tell(place[0], type(error))

    def taken(self, places: Collection[Place]) -> None:
        """Kafka has taken records in these places: what was wrong there is mended."""
        for place in places:
            self._places.pop(place, None)
            self._topics.pop(place[0], None)
        still = self._topics.keys() | {topic for topic, _ in self._places}
        self.reasons = {topic: reason for topic, reason in self.reasons.items() if topic in still}

    def _tell(self, topic: str, error: type[Exception]) -> None:
        reason = f"{error.__name__}: {_REMEDIES.get(error, 'see the log of the Kafka server')}"
        if self.reasons.get(topic) != reason:
            self.reasons[topic] = reason
            log().error("kafka-refuses", topic=topic, reason=f"its records wait in the outbox; {reason}")


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
        # What was in flight fails in its own way; it will be sent again whatever became of it.
        with suppress(Exception):
            async with asyncio.timeout(_END_SECONDS):
                await end()
