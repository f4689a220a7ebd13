"""aiokafka's group consumer, as far as FastStream and the runtime use it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.simulation.kafka.broker import Broker
from tests.simulation.kafka.log import Record
from tests.simulation.network import ConnectionLost

_OUT = (UnknownMemberIdError, IllegalGenerationError)


class Consumer:
    """A member of a group. A rebalance asks the listener, gives all partitions back and takes new ones."""

    def __init__(self, broker: Broker, topics: Sequence[str], options: dict[str, Any]) -> None:
        self._broker = broker
        self._topics = topics
        self._group = broker.group(options["group_id"])
        self._listener = options.get("listener")
        self._session = options.get("session_timeout_ms", 10_000) / 1000
        self._rebalance = options.get("rebalance_timeout_ms", 60_000) / 1000
        self._beat = options.get("heartbeat_interval_ms", 2_000) / 1000
        self._name = ""
        self._generation = -1
        self._positions: dict[TopicPartition, int] = {}
        self._stable = asyncio.Event()
        self._closed = False
        self._coordinating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group, and wait for the first share of its partitions."""
        self._coordinating = asyncio.ensure_future(self._coordinate())
        await self._stable.wait()

    async def stop(self) -> None:
        """Leave the group."""
        self._closed = True
        if self._coordinating:
            self._coordinating.cancel()
            with suppress(asyncio.CancelledError):
                await self._coordinating

        async def work() -> None:
            self._group.leave(self._name)

        with suppress(ConnectionLost):
            await self._broker.ask(work)

    def assignment(self) -> set[TopicPartition]:
        """The partitions of this member."""
        return set(self._positions)

    async def position(self, place: TopicPartition) -> int:
        """The offset that is read next."""
        return self._positions[self._assigned(place)]

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the log ends.

        Raises:
            KafkaTimeoutError: no answer came.
        """

        async def work() -> dict[TopicPartition, int]:
            return {place: self._broker.log.end(place) for place in places}

        try:
            return await self._broker.ask(work)
        except ConnectionLost as lost:
            raise KafkaTimeoutError from lost

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read `offset` next.

        Raises:
            IllegalStateError: the partition was given away.
        """
        self._positions[self._assigned(partition)] = offset

    async def commit(self) -> None:
        """Commit what was read last, of all partitions.

        Raises:
            CommitFailedError: the group went on without this member.
            IllegalStateError: there are no partitions.
        """
        if not self._positions:
            raise IllegalStateError("No partitions assigned")
        offsets = dict(self._positions)
        name, generation = self._name, self._generation

        async def work() -> None:
            self._group.commit(name, generation, offsets)

        while True:
            try:
                return await self._broker.ask(work)
            except ConnectionLost:
                await asyncio.sleep(0.1)
            except _OUT as error:
                raise CommitFailedError("the group has already rebalanced") from error

    async def getmany(
        self, *places: TopicPartition, timeout_ms: float = 0, max_records: int = 500
    ) -> dict[TopicPartition, list[Record]]:
        """Records from where each partition (of `places`, where given) was read to; empty after `timeout_ms`."""
        if self._closed:
            raise ConsumerStoppedError
        await self._stable.wait()
        found = await self._fetch(max_records, places)
        if not found and timeout_ms:
            await self._broker.more(timeout_ms / 1000)
            found = await self._fetch(max_records, places) if self._stable.is_set() else {}
        return found

    async def _fetch(self, most: int, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, list[Record]]:
        async def work() -> None:
            return None

        with suppress(ConnectionLost):
            await self._broker.ask(work)
            log = self._broker.log
            asked = [place for place in self._positions if not wanted or place in wanted]
            places = [place for place in asked if self._positions[place] < log.end(place)]
            self._broker.loop.random.shuffle(places)
            found: dict[TopicPartition, list[Record]] = {}
            for place in places if self._stable.is_set() else ():
                records = log.read(place, self._positions[place], most)
                most -= len(records)
                if records:
                    found[place] = records
                    self._positions[place] = records[-1].offset + 1
            return found
        return {}

    def _assigned(self, place: TopicPartition) -> TopicPartition:
        if place not in self._positions:
            raise IllegalStateError(f"No current assignment for partition {place}")
        return place

    async def _coordinate(self) -> None:
        while not self._closed:
            self._stable.clear()
            if self._listener:
                await self._listener.on_partitions_revoked(set(self._positions))
            with suppress(ConnectionLost):
                await self._join()
                self._stable.set()
                self._broker.wake()
                if self._listener:
                    await self._listener.on_partitions_assigned(set(self._positions))
                await self._stay()

    async def _join(self) -> None:
        name = self._name

        async def work() -> tuple[str, int, dict[TopicPartition, int]]:
            found, generation, assigned = await self._group.join(name, self._topics, self._session, self._rebalance)
            return found, generation, {place: self._group.committed.get(place, 0) for place in sorted(assigned)}

        self._name, self._generation, self._positions = await self._broker.ask(work)

    async def _stay(self) -> None:
        """Heartbeats, until the group wants everybody back."""
        while True:
            await asyncio.sleep(self._beat)

            async def work() -> None:
                self._group.heartbeat(self._name, self._generation)

            try:
                await self._broker.ask(work)
            except RebalanceInProgressError:
                return
            except _OUT:
                self._name = ""
                return
            except ConnectionLost:
                continue
