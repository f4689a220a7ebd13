"""Kafka's ahead-of-time cache: written by one short training run, it cuts every later start.

Java keeps in it what it loaded, linked and profiled. The run does once what a start in earnest
does: come up, make a topic, take records in and give them out.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from stride.embedded.cache import locked_patiently
from stride.embedded.errors import EmbeddedError
from stride.embedded.home import Home
from stride.embedded.jars import ensure_jars
from stride.embedded.kafka import Installation, bootstrap, format_storage, kafka_program
from stride.embedded.supervised import Supervised

_TOPIC, _RECORDS = "training", 200
# At its end Java writes the cache of some 65 MB, on a busy machine for many seconds.
_WRITING = 180.0

Report = Callable[[str], None]


async def install_kafka(report: Report) -> Installation:
    """Kafka's jars in the cache, verified, with the ahead-of-time cache beside them."""
    installation = Installation(tuple(await asyncio.to_thread(ensure_jars, report)))
    if installation.aot_cache.exists():
        return installation
    async with locked_patiently(installation.jars[0].parent):
        if not installation.aot_cache.exists():
            report("Preparing Kafka for fast starts (once)")
            await _train(installation, report)
    return installation


async def _train(installation: Installation, report: Report) -> None:
    folder = Path(tempfile.mkdtemp(dir=installation.jars[0].parent))
    draft = folder / "draft.aot"
    try:
        async with _broker(folder, installation, draft) as address:
            await _exercise(address)
        draft.replace(installation.aot_cache)
    except (EmbeddedError, OSError) as error:
        # Only speed is lost: without the file, Kafka starts the plain way.
        report(f"Kafka will start more slowly, its training run failed: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _broker(folder: Path, installation: Installation, draft: Path) -> AsyncGenerator[str]:
    home = Home(folder)
    chosen = home.ports(("kafka", "kafka_controller"))
    ports = (chosen["kafka"], chosen["kafka_controller"])
    await format_storage(home, installation, ports)
    recording = (f"-XX:AOTCacheOutput={draft}",)
    program = kafka_program(home, installation, ports, aot=recording)
    failures: list[EmbeddedError] = []
    kafka = Supervised(replace(program, grace=_WRITING), failures.append)
    kafka.start()
    try:
        await kafka.wait_ready()
        yield bootstrap(ports[0])
    finally:
        await kafka.stop(asyncio.Event())


async def _exercise(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(_TOPIC, num_partitions=4, replication_factor=1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True)
    consumer = AIOKafkaConsumer(_TOPIC, bootstrap_servers=address, group_id=_TOPIC, auto_offset_reset="earliest")
    async with producer, consumer:
        for number in range(_RECORDS):
            await producer.send_and_wait(_TOPIC, b"record", key=str(number).encode())
        seen = 0
        while seen < _RECORDS:
            batches = await consumer.getmany(timeout_ms=1_000)
            seen += sum(len(batch) for batch in batches.values())
        await consumer.commit()
