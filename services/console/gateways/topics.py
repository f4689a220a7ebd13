"""What Kafka says of the flow: how far topics go, how far each service has read, since when the next record waits."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from services.console.domain.flow_map import Moment
from shared.clock import wall_seconds
from shared.flow import FLOW, consumed_topics
from shared.telemetry import log

_SECONDS: Final = 5.0
_FRESH_SECONDS: Final = 2.0
_SPAN_SECONDS: Final = 60.0
_MOST_LOOKED_INTO: Final = 50
_PEEK_SECONDS: Final = 2.0
_TOPICS: Final = sorted({topic for service in FLOW for topic in consumed_topics(service)})
Places = Mapping[TopicPartition, int]
Offset = tuple[TopicPartition, int]


class Topics:
    """Looks when it is asked to, at most each two seconds; remembers a minute, for rates."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._seen: deque[Moment] = deque()
        self._looking = asyncio.Lock()

    async def moments(self) -> Sequence[Moment]:
        """The last minute as far as somebody looked, the newest from now; empty where Kafka does not answer."""
        async with self._looking:
            if not self._seen or wall_seconds() - self._seen[-1].at > _FRESH_SECONDS:
                try:
                    async with asyncio.timeout(_SECONDS):
                        self._seen.append(await self._look())
                except (KafkaError, OSError, TimeoutError) as error:
                    log().warning("kafka-not-looked-at", error_type=type(error).__name__)
                    return []
            while len(self._seen) > 1 and self._seen[0].at < wall_seconds() - _SPAN_SECONDS:
                self._seen.popleft()
            return list(self._seen)

    async def _look(self) -> Moment:
        # In no group, so it has every partition of these, and keeps them: an aiokafka consumer that is
        # stopped just after its partitions changed may never end.
        consumer = AIOKafkaConsumer(
            *_TOPICS, bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await consumer.start()
            await admin.start()
            begins, ends = await _bounds(consumer)
            read = {service: begins | await _read(admin, service) for service in FLOW}
            behind = {service: _behind(service, ends, of_group) for service, of_group in read.items()}
            oldest = await _oldest(consumer, behind)
        finally:
            await consumer.stop()
            await admin.close()
        return _moment(ends, behind, oldest)


async def _bounds(consumer: AIOKafkaConsumer) -> tuple[dict[TopicPartition, int], Places]:
    """Where each place begins, and where it ends."""
    places = sorted(consumer.assignment())
    return dict(await consumer.beginning_offsets(places)), await consumer.end_offsets(places)


async def _read(admin: AIOKafkaAdminClient, service: str) -> dict[TopicPartition, int]:
    """What the service reads next, as far as it has ever read."""
    try:
        found: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(service)
    except GroupCoordinatorNotAvailableError:
        return {}  # Kafka appoints one when the first group is made
    return {place: committed.offset for place, committed in found.items() if committed.offset >= 0}


def _behind(service: str, ends: Places, read: Places) -> dict[TopicPartition, tuple[int, int]]:
    """Of each place that the service has not read to its end: the next offset, and how many records wait."""
    topics = set(consumed_topics(service))
    return {
        place: (read[place], end - read[place])
        for place, end in ends.items()
        if place.topic in topics and read[place] < end
    }


async def _oldest(
    consumer: AIOKafkaConsumer, behind: Mapping[str, Mapping[TopicPartition, tuple[int, int]]]
) -> dict[tuple[str, str], float]:
    """When the first record that waits was written, by service and topic: read from where the service stands."""
    wanted = {(place, at) for places in behind.values() for place, (at, _) in places.items()}
    written = await _written(consumer, wanted)
    found: dict[tuple[str, str], float] = {}
    for service, places in behind.items():
        for place, (at, _) in places.items():
            moment = written.get((place, at))
            if moment is not None:
                found[service, place.topic] = min(moment, found.get((service, place.topic), moment))
    return found


async def _written(consumer: AIOKafkaConsumer, wanted: Set[Offset]) -> dict[Offset, float]:
    """When the records at these offsets were written, as far as they can be read within a moment."""
    found: dict[Offset, float] = {}
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(_PEEK_SECONDS):
            while left := sorted(wanted - found.keys())[:_MOST_LOOKED_INTO]:
                at = dict(left)  # services that stand at several offsets of a place are looked after in turn
                for place, offset in at.items():
                    consumer.seek(place, offset)
                while waiting := [place for place, offset in at.items() if (place, offset) not in found]:
                    records = await consumer.getmany(*waiting, timeout_ms=200)
                    found |= {(place, at[place]): some[0].timestamp / 1000 for place, some in records.items()}
    return found


def _moment(
    ends: Places,
    behind: Mapping[str, Mapping[TopicPartition, tuple[int, int]]],
    oldest: Mapping[tuple[str, str], float],
) -> Moment:
    totals: dict[str, int] = {}
    for place, end in ends.items():
        totals[place.topic] = totals.get(place.topic, 0) + end
    lag: dict[tuple[str, str], int] = {}
    for service, places in behind.items():
        for place, (_, waiting) in places.items():
            lag[service, place.topic] = lag.get((service, place.topic), 0) + waiting
    return Moment(wall_seconds(), totals, lag, oldest)
