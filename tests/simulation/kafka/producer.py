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


@dataclass(slots=True)
class _Line:
    """What waits to be sent to one partition, and the sequence number of the next."""

    waiting: "deque[tuple[int, tuple[Any, ...], asyncio.Future[Record]]]" = field(default_factory=deque)
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
        await asyncio.sleep(0)
        line = self._lines.setdefault(self._broker.log.place(topic, key), _Line())
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        line.waiting.append((line.numbers, (topic, key, value, headers or []), done))
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
            number, record, done = line.waiting[0]
            try:
                appended = await self._broker.ask(
                    lambda number=number, record=record: self._append(line, number, record)
                )
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

    async def _append(self, line: _Line, number: int, record: tuple[Any, ...]) -> Record:
        """The broker's side: a repeated sequence number is acknowledged and not added again.

        Raises:
            TopicAuthorizationFailedError: the broker refuses the record; what is behind it in the line is lost too.
        """
        self._broker.refuse_maybe()
        if number not in line.appended:
            line.appended[number] = self._broker.append(*record)
        return line.appended[number]

    def _fail(self, line: _Line) -> None:
        """Delivery timed out: whether the first of the line arrived is unknown."""
        while line.waiting:
            _, _, done = line.waiting.popleft()
            if not done.done():
                done.set_exception(KafkaTimeoutError())
