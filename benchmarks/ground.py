"""The servers that everything is measured on, and what they cost.

They are the embedded ones with the settings that `stride up` gives them: PostgreSQL waits for the disk at
each commit, Kafka for none. The same servers serve Stride and the references, one after the other.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from sqlalchemy import make_url

from benchmarks.records import Ends
from shared.provision import prepare
from stride.embedded.addresses import External
from stride.embedded.servers import Report, Servers, silent

_GROUP_EMPTY_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers that are up, with schemas and topics."""

    servers: Servers
    database: Any
    """A connection of our own to look with, as the owner of everything."""
    database_url: str
    """PostgreSQL's address, as the owner."""

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.servers.addresses.kafka_bootstrap

    @property
    def home(self) -> Path:
        """The folder with data and logs."""
        return self.servers.home.path

    def environment(self) -> dict[str, str]:
        """What a service of Stride needs to find the servers."""
        given = self.servers.addresses.environment() | {"DATABASE_URL": self.database_url}
        return {**os.environ, **given, "PYTHONUNBUFFERED": "1"}

    def server_seconds(self) -> "dict[str, float]":
        """CPU seconds that each server has used since it started."""
        roster = self.servers.roster
        return {name: cpu_seconds(roster[name].pid) for name in ("postgres", "kafka") if name in roster.names()}


@asynccontextmanager
async def ground(home: Path, report: Report = silent) -> AsyncGenerator[Ground]:
    """Servers in `home` for as long as the block lasts."""
    # Never on servers of the user's own: the bench fills and empties tables of the services.
    servers = Servers(home, durable=True, external=External(), report=report)
    async with _up(servers):
        report("Preparing the database and topics")
        async with _prepared(servers, servers.addresses.database_url) as first:
            yield first


@asynccontextmanager
async def _up(servers: Servers) -> AsyncGenerator[None]:
    """Servers that come up even when they are not wanted any more.

    A start broken off by Ctrl-C would leave initdb or Kafka's formatting at work in a folder that is being removed.
    """
    starting = asyncio.ensure_future(servers.__aenter__())
    try:
        await asyncio.shield(starting)
        yield
    finally:
        await asyncio.wait([starting])
        await servers.__aexit__(None, None, None)


@asynccontextmanager
async def beside(on: Ground, name: str) -> AsyncGenerator[Ground]:
    """A second database on the same servers, so that two of different sizes can be measured in turns."""
    await on.database.execute(f'CREATE DATABASE "{name}"')
    url = make_url(on.database_url).set(database=name).render_as_string(hide_password=False)
    async with _prepared(on.servers, url) as other:
        yield other


@asynccontextmanager
async def _prepared(servers: Servers, url: str) -> AsyncGenerator[Ground]:
    await prepare(url, servers.addresses.kafka_bootstrap)
    database = await asyncpg.connect(url)
    try:
        yield Ground(servers, database, url)
    finally:
        await database.close()


def cpu_seconds(pid: int | None) -> float:
    """CPU seconds of a process and its living children, its ended children included once they were waited for."""
    if pid is None:
        return 0.0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_own_seconds(process) for process in family) + _ended_seconds(parent)


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _ended_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.children_user + times.children_system


async def ends_of(bootstrap: str, topics: Iterable[str]) -> Ends:
    """The present ends of all partitions of `topics`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return await _ends(consumer, topics)
    finally:
        await consumer.stop()


async def skip_to_end(bootstrap: str, group: str, topics: Iterable[str]) -> None:
    """Let an empty group go on from the ends of `topics`: what lies there was for somebody else."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await _ends(consumer, topics)
        consumer.assign(list(ends))
        async with asyncio.timeout(_GROUP_EMPTY_WITHIN):
            while not await _committed(consumer, ends):
                await asyncio.sleep(0.2)
    finally:
        await consumer.stop()


async def _committed(consumer: Any, ends: Ends) -> bool:
    """False as long as the group still counts members that ended: Kafka then takes no offsets from outside."""
    try:
        await consumer.commit(ends)
    except KafkaError:
        return False
    return True


async def _ends(consumer: Any, topics: Iterable[str]) -> Ends:
    await consumer._client.set_topics(sorted(topics))
    found = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()]
    return dict(await consumer.end_offsets(found))
