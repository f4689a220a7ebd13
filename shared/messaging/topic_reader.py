"""Reading topics beside the services, in no consumer group: nobody's offsets move."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging.errors import Unavailable

_SILENT_SECONDS = 30


@asynccontextmanager
async def patient() -> AsyncGenerator[asyncio.Timeout]:
    """Gives up after a while: aiokafka itself waits for a broker for ever.

    Raises:
        Unavailable: Kafka does not answer.
    """
    try:
        async with asyncio.timeout(_SILENT_SECONDS) as patience:
            yield patience
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}.") from error


def prolong(patience: asyncio.Timeout) -> None:
    """Something came: it may take as long again until the next."""
    patience.reschedule(asyncio.get_running_loop().time() + _SILENT_SECONDS)


@asynccontextmanager
async def reader(bootstrap: str, topics: Iterable[str]) -> AsyncGenerator[AIOKafkaConsumer]:
    """A consumer of the first partition of each of `topics` that exists.

    Its partitions stay as they are: an aiokafka consumer that is stopped just after they changed
    swallows the cancellation in its fetcher and never ends.

    Raises:
        Unavailable: Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=50
    )
    try:
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {bootstrap} does not answer: {type(error).__name__}.") from error
        async with patient():
            existing = await consumer.topics()
        # Together, before anything is asked: aiokafka else learns of one topic at a time, 60 ms each.
        consumer.assign([TopicPartition(topic, 0) for topic in topics if topic in existing])
        yield consumer
    finally:
        await consumer.stop()


async def all_records(consumer: AIOKafkaConsumer) -> AsyncGenerator[ConsumerRecord[bytes, bytes]]:
    """All that the consumer's partitions have now, in order per topic."""
    partitions = list(consumer.assignment())
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    waiting = [partition for partition in partitions if starts[partition] < ends[partition]]
    for partition in waiting:
        consumer.seek(partition, starts[partition])
    while waiting:
        for batch in (await consumer.getmany(*waiting, timeout_ms=500)).values():
            for record in batch:
                yield record
        waiting = [partition for partition in waiting if await consumer.position(partition) < ends[partition]]
