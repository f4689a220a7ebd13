"""Reading Kafka through FastStream: whole batches, raw bytes, acknowledged after the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage

from shared.clock import wall_seconds
from shared.flow import URGENT, consumed_topics
from shared.messaging import any_record, subscriber_rules, wire
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.door import Door, Incoming
from shared.messaging.errors import Stuck, Unavailable, Unreadable
from shared.messaging.message import Message, Position, RawRecord
from shared.telemetry import log

Decoder = Callable[[RawRecord], Message]

_BATCH = 1000
_LANES = 2
_POLL_MS = 15
_FETCH_WAIT_MS = 50
"""A fetch that waits holds up the partitions that are not in it: with the default, for half a second."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_START_SECONDS = 30.0
_WATCH_SECONDS = 5.0
_STUCK_AFTER_SECONDS = 60.0


class _Drain(ConsumerRebalanceListener):
    """Gives partitions away only when the batch in hand is applied and acknowledged."""

    def __init__(self, busy: asyncio.Lock) -> None:
        self._busy = busy

    # aiokafka awaits a coroutine function; its annotation knows plain functions only.
    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        async with self._busy:
            pass

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


class Consumer:
    """Subscribes one service to its topics and hands whole batches to its door."""

    def __init__(
        self,
        bootstrap: str,
        door: Door,
        decoders: Mapping[str, Decoder] | None = None,
        *,
        session_timeout_ms: int = 10_000,
        rebalance_timeout_ms: int = 60_000,
        max_poll_interval_ms: int = 300_000,
    ) -> None:
        any_record.install()
        self._door = door
        self._decoders = decoders or {}
        self._broker = KafkaBroker(bootstrap, logger=None, graceful_timeout=20, allow_auto_create_topics=False)
        self._wait = _FIRST_WAIT
        self._busy = asyncio.Lock()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last_progress = wall_seconds()
        self._subscriber = self._broker.subscriber(
            *consumed_topics(door.service),
            group_id=door.service,
            batch=True,
            max_records=_BATCH,
            batch_timeout_ms=_POLL_MS,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            max_poll_interval_ms=max_poll_interval_ms,
            session_timeout_ms=session_timeout_ms,
            rebalance_timeout_ms=rebalance_timeout_ms,
            listener=_Drain(self._busy),
            heartbeat_interval_ms=session_timeout_ms // 5,
            no_reply=True,
        )
        self._subscriber(self._take, parser=self._parse, decoder=_raw)

    def check(self) -> None:
        """Hold the subscription against the rules.

        Raises:
            UnsafeSubscription: under its options events would be lost.
        """
        subscriber_rules.check(self._broker)

    async def start(self) -> None:
        """Connect and begin to read.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._broker.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"Kafka: {type(error).__name__}") from error
        consumer: Any = self._subscriber.consumer
        consumer.getmany = _until_some(consumer.getmany)

    async def stop(self) -> None:
        """Finish the batch at hand, leave the group."""
        await self._broker.stop()

    @property
    def assigned(self) -> bool:
        """Whether the group has given this member partitions (or there are none left to give)."""
        consumer = self._subscriber.consumer
        return consumer is not None and bool(consumer.assignment())

    async def _parse(self, records: Any) -> KafkaMessage:
        """Never fails, whatever the bytes are: FastStream would drop the batch silently."""
        return KafkaAckableMessage(
            body=b"",
            headers={},
            raw_message=(*await self._urgent(), *records) if len(records) >= _BATCH else records,
            message_id="batch",
            correlation_id="batch",
            consumer=self._subscriber.consumer,
        )

    async def _urgent(self) -> Sequence[ConsumerRecord[bytes, bytes]]:
        """What is urgent and has been fetched. aiokafka empties one partition after another: behind a full batch
        it would wait for all that was fetched of the others.
        """
        consumer: Any = self._subscriber.consumer
        with suppress(KafkaError):
            places = [place for place in consumer.assignment() if place.topic in URGENT]
            found = await consumer.getmany(*places, timeout_ms=0) if places else {}
            return tuple(chain.from_iterable(found.values()))
        return ()

    async def run(self) -> None:
        """Watch over the reading until cancelled.

        Raises:
            TooManyFailures, Stuck: reading can't go on in this process.
            Exception: whatever else the door could not deal with.
        """
        while True:
            await asyncio.wait([self._failed], timeout=_WATCH_SECONDS)
            if self._failed.done():
                self._failed.result()
            if not await self._records_wait():
                # What comes after a quiet hour has not waited for an hour.
                self._last_progress = wall_seconds()
            idle = wall_seconds() - self._last_progress
            if idle > _STUCK_AFTER_SECONDS:
                raise Stuck(f"Records wait, and none was read for {idle:.0f} s.")

    async def _records_wait(self) -> bool:
        """Whether Kafka has records for us that were not read. No answer is no: Kafka is away then."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return False
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_WATCH_SECONDS):
                ends = await consumer.end_offsets(list(consumer.assignment()))
                return any([await consumer.position(partition) < end for partition, end in ends.items()])
        return False

    async def _take(self, records: Any, message: KafkaMessage) -> None:
        """The one place that acknowledges: after the commit, or not at all."""
        async with self._busy:
            try:
                await self._admit(records)
            except Unavailable as error:
                log().warning("database-unavailable", reason=str(error))
                await self._again(message)
            except Exception as error:  # noqa: BLE001  # going on would skip the batch: the process ends
                if not self._failed.done():
                    self._failed.set_exception(error)
                await self._again(message)
            else:
                await self._acknowledge(message)

    async def _admit(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """Two lanes of partitions: one is decided on while PostgreSQL works for the other.

        A patient's records are all of one partition number, so their order is kept. What one lane
        has applied is known when the batch comes again for the other's sake.
        """
        lanes = [[record for record in records if record.partition % _LANES == lane] for lane in range(_LANES)]
        done = await asyncio.gather(*(self._lane(lane) for lane in lanes if lane), return_exceptions=True)
        failures = [failure for failure in done if failure]
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Unavailable)):
            raise failure

    async def _lane(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        await self._door.admit(self._read(records))

    async def _again(self, message: KafkaMessage) -> None:
        """Have the batch delivered once more, after a pause."""
        self._last_progress = wall_seconds()
        await message.nack()
        await asyncio.sleep(self._wait)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)

    async def _acknowledge(self, message: KafkaMessage) -> None:
        self._wait = _FIRST_WAIT
        self._last_progress = wall_seconds()
        try:
            await message.ack()
        except (KafkaError, OSError) as error:
            # The applied offsets are in PostgreSQL: what comes again is known.
            log().warning("offset-commit-failed", error_type=type(error).__name__)

    def _read(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> list[Incoming]:
        return [self._read_one(record) for record in records]

    def _read_one(self, consumed: ConsumerRecord[bytes, bytes]) -> Incoming:
        position = Position(consumed.topic, consumed.partition, consumed.offset)
        record = RawRecord(position, consumed.key, consumed.value, tuple(consumed.headers))
        try:
            return self._decoders.get(consumed.topic, wire.decode)(record)
        except Unreadable as error:
            return DeadLetter(record, error.code, error.reason)
        except Exception as error:  # noqa: BLE001  # a decoder's own fault: the record must hold up no other
            return DeadLetter(record, "decoder-failed", f"{type(error).__name__} in the decoder")


def _until_some(getmany: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`getmany` that comes back with records only, but where it is asked for certain partitions: that does not wait.

    After it came back without any, FastStream would sleep for as long again: a lone event would find
    its reader asleep half of the time.
    """

    async def getting(*places: TopicPartition, **options: Any) -> Any:
        while not (found := await getmany(*places, **options)) and not places:
            pass
        return found

    return getting


async def _raw(message: KafkaMessage) -> Any:
    return message.raw_message
