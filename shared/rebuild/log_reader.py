"""The log from its beginning, several topics merged by time; no consumer group is touched."""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.messaging.errors import Unavailable

Record = ConsumerRecord[Any, Any]
Ends = Mapping[TopicPartition, int]
"""Per partition, the offset to stop before."""

_BATCH = 500
_SHELF = 2_000
"""Records that wait in memory per partition until the others have come as far."""
_SILENT_SECONDS = 30


class LogReader:
    """Reads topics partition by partition, each record once."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Sequence[str]) -> None:
        """Records of the same millisecond are put in the order of `topics`."""
        self._consumer = consumer
        self._ranks = {topic: rank for rank, topic in enumerate(topics)}
        self._next: dict[TopicPartition, int] = {}
        self._latest: dict[TopicPartition, int] = {}
        self.read = 0

    async def ends(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """Where the topics end now.

        Raises:
            Unavailable: Kafka does not answer.
        """
        wanted = set(topics)
        async with _answering():
            return await self._consumer.end_offsets([p for p in self._consumer.assignment() if p.topic in wanted])

    async def ahead(self, until: Ends) -> int:
        """How many offsets lie between what was read and `until`."""
        await self._begin(until)
        return sum(max(0, end - self._next[place]) for place, end in until.items())

    async def merged(self, until: Ends) -> AsyncGenerator[list[Record]]:
        """What lies before `until` and was not read yet: oldest first, each partition in its order.

        Raises:
            Unavailable: Kafka does not answer.
        """
        await self._begin(until)
        shelves = {place: deque[Record]() for place, end in until.items() if self._next[place] < end}
        self._consumer.pause(*self._consumer.assignment())
        for place in shelves:
            self._consumer.seek(place, self._next[place])
        heads: list[tuple[tuple[int, int, str, int], TopicPartition]] = []
        while shelves:
            await self._fill(shelves, until, heads)
            if batch := self._take(shelves, heads):
                self.read += len(batch)
                yield batch

    def _take(self, shelves: Mapping[TopicPartition, deque[Record]], heads: list[Any]) -> list[Record]:
        """In order, until a shelf is empty and nobody knows what comes next on it."""
        batch: list[Record] = []
        while heads and len(batch) < _BATCH:
            place: TopicPartition = heapq.heappop(heads)[1]
            shelf = shelves[place]
            batch.append(shelf.popleft())
            if not shelf:
                break
            heapq.heappush(heads, (self._order(place, shelf[0]), place))
        return batch

    async def _fill(self, shelves: dict[TopicPartition, deque[Record]], until: Ends, heads: list[Any]) -> None:
        """Return when every shelf has a record or is finished."""
        deadline = asyncio.get_running_loop().time() + _SILENT_SECONDS
        while any(not shelf for shelf in shelves.values()):
            finished = [place for place, shelf in shelves.items() if not shelf and self._next[place] >= until[place]]
            for place in finished:
                del shelves[place]
                self._consumer.pause(place)
            if finished:
                continue
            if await self._fetch(shelves, until, heads):
                deadline = asyncio.get_running_loop().time() + _SILENT_SECONDS
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"Kafka sent nothing for {_SILENT_SECONDS} s.")

    async def _fetch(self, shelves: Mapping[TopicPartition, deque[Record]], until: Ends, heads: list[Any]) -> bool:
        full = [place for place, shelf in shelves.items() if len(shelf) >= _SHELF]
        self._consumer.pause(*full)
        self._consumer.resume(*(place for place in shelves if place not in full))
        found = await self._consumer.getmany(timeout_ms=200, max_records=_SHELF)
        for place, records in found.items():
            if place in shelves:
                shelf = shelves[place]
                was_empty = not shelf
                shelf.extend(record for record in records if record.offset < until[place])
                if was_empty and shelf:
                    heapq.heappush(heads, (self._order(place, shelf[0]), place))
        return await self._note_positions(shelves, until) or bool(found)

    async def _note_positions(self, shelves: Iterable[TopicPartition], until: Ends) -> bool:
        """Past the last record, and past what compaction has left out; what lies behind the end is for another time."""
        moved = False
        for place in shelves:
            position = min(await self._consumer.position(place), until[place])
            moved = moved or position > self._next[place]
            self._next[place] = max(position, self._next[place])
        return moved

    def _order(self, place: TopicPartition, record: Record) -> tuple[int, int, str, int]:
        """By time, which never goes back within a partition here: its order holds."""
        latest = max(self._latest.get(place, 0), record.timestamp)
        self._latest[place] = latest
        return latest, self._ranks.get(place.topic, 0), place.topic, place.partition

    async def _begin(self, places: Iterable[TopicPartition]) -> None:
        fresh = [place for place in places if place not in self._next]
        if fresh:
            async with _answering():
                self._next |= await self._consumer.beginning_offsets(fresh)


@asynccontextmanager
async def open_log(bootstrap: str, topics: Sequence[str]) -> AsyncGenerator[LogReader]:
    """A reader of `topics` that is connected; nothing is read yet.

    Raises:
        Unavailable: Kafka does not answer, or lacks a topic.
    """
    partitions = await _partitions(bootstrap, topics)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=10_000,
        fetch_max_wait_ms=100,
    )
    try:
        async with _answering():
            await consumer.start()
        consumer.assign(partitions)
        yield LogReader(consumer, topics)
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topics: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        async with _answering():
            await admin.start()
            described = await admin.describe_topics(list(topics)) if topics else []
    finally:
        await admin.close()
    missing = sorted(str(topic["topic"]) for topic in described if topic["error_code"])
    if missing:
        raise Unavailable(f"Kafka lacks topics: {', '.join(missing)}. `python -m shared.provision` makes them.")
    return [TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]]


@asynccontextmanager
async def _answering() -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(_SILENT_SECONDS):
            yield
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error
