"""aiokafka's producer, as far as the relay uses it: acks from all, idempotent, in order per partition."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from tests.simulation.kafka.broker import Broker
from tests.simulation.kafka.log import Record
from tests.simulation.loop import PROCESS
from tests.simulation.network import ConnectionLost

_RETRY_SECONDS = 0.1
_LARGEST = 3
"""Records of a batch; few, so that schedules have several batches for a partition."""
_Content = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


class Batch:
    """Records that go to one partition together."""

    def __init__(self) -> None:
        self.records: list[_Content] = []

    def append(
        self,
        *,
        timestamp: float | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> int | None:
        """Add a record; None where there is no room."""
        if len(self.records) == _LARGEST:
            return None
        self.records.append((key, value, headers))
        return len(self.records)


@dataclass(slots=True)
class _Line:
    """What waits to be sent to one partition, and the sequence number of the next."""

    waiting: "deque[tuple[int, tuple[str, Batch], asyncio.Future[Record]]]" = field(default_factory=deque)
    numbers: int = 0
    sending: "asyncio.Task[None] | None" = None
    appended: dict[int, Record] = field(default_factory=dict)


class Producer:
    """Sends records; a lost acknowledgement is asked for again, and the broker knows the repeat."""

    def __init__(self, broker: Broker, **_: Any) -> None:
        self._broker = broker
        self._lines: dict[TopicPartition, _Line] = {}
        self._closed = False

    async def start(self) -> None:
        """Connect."""

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> "asyncio.Future[Record]":
        """Queue a record; the future tells when it is in the log."""
        batch = self.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=headers or [])
        return await self.send_batch(batch, topic, partition=self._broker.log.place(topic, key).partition)

    async def partitions_for(self, _: str) -> set[int]:
        """The numbers of a topic's partitions."""
        return set(range(self._broker.log.partitions))

    def create_batch(self) -> Batch:
        """An empty batch."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Record]":
        """Queue a batch; the future tells when it is in the log."""
        await asyncio.sleep(0)
        line = self._lines.setdefault(TopicPartition(topic, partition), _Line())
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        line.waiting.append((line.numbers, (topic, batch), done))
        line.numbers += 1
        if line.sending is None or line.sending.done():
            line.sending = asyncio.ensure_future(self._drain(line))
        return done

    async def send_and_wait(self, topic: str, **record: Any) -> Record:
        """Send one record and wait until it is in the log."""
        return await (await self.send(topic, **record))

    async def stop(self) -> None:
        """Give up on what is under way."""
        self._closed = True
        for line in self._lines.values():
            if line.sending:
                line.sending.cancel()
            for _, _, done in line.waiting:
                if not done.done():
                    done.set_exception(KafkaError("closed"))

    async def _drain(self, line: _Line) -> None:
        while line.waiting and not self._closed:
            number, batch, done = line.waiting[0]
            try:
                appended = await self._broker.ask(lambda number=number, batch=batch: self._append(line, number, *batch))
            except TopicAuthorizationFailedError as refusal:
                done.set_exception(refusal)
                line.waiting.popleft()
                self._fail(line)
                return
            except ConnectionLost:
                await asyncio.sleep(_RETRY_SECONDS)
                if PROCESS.get().alive and self._broker.loop.random.random() < 0.3:
                    self._fail(line)
                    return
                continue
            line.waiting.popleft()
            if not done.done():
                done.set_result(appended)

    async def _append(self, line: _Line, number: int, topic: str, batch: Batch) -> Record:
        """The broker's side: a repeated sequence number is acknowledged and not added again. The batch's first record.

        Raises:
            TopicAuthorizationFailedError: the broker refuses the batch; what is behind it in the line is lost too.
        """
        self._broker.refuse_maybe()
        if number not in line.appended:
            appended = [self._broker.append(topic, *record) for record in batch.records]
            line.appended[number] = appended[0]
        return line.appended[number]

    def _fail(self, line: _Line) -> None:
        """Delivery timed out: whether the first of the line arrived is unknown."""
        while line.waiting:
            _, _, done = line.waiting.popleft()
            if not done.done():
                done.set_exception(KafkaTimeoutError())
