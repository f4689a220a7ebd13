"""What faults of servers and networks need beside the harness: proxies, a door, a look at health and outbox."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx
from sqlalchemy import make_url

from shared.clock import SystemClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.message import Handler, Message
from shared.messaging.relay import Relay
from stride.embedded.ports import LOOPBACK
from tests.faults.harness import Replica, World
from tests.faults.harness.service import keeper
from tests.faults.harness.store import LedgerStore
from tests.faults.proxy import Proxy


@asynccontextmanager
async def kafka_proxy(world: World) -> AsyncGenerator[Proxy]:
    """A proxy through which replicas started within the block reach Kafka; writer and judge go straight."""
    side = world.servers.side_door
    assert side is not None
    async with Proxy(side.port, side.advertised) as proxy:
        world.links["KAFKA_BOOTSTRAP"] = f"{LOOPBACK}:{proxy.port}"
        yield proxy


@asynccontextmanager
async def postgres_proxy(world: World) -> AsyncGenerator[Proxy]:
    """A proxy through which replicas started within the block reach PostgreSQL."""
    url = make_url(world.database_url)
    assert url.port is not None
    async with Proxy(url.port) as proxy:
        world.links["DATABASE_URL"] = url.set(port=proxy.port).render_as_string(hide_password=False)
        yield proxy


async def query(world: World, statement: str, *values: object) -> list[asyncpg.Record]:
    """Rows from the world's schema, as the owner of the database."""
    connection = await asyncpg.connect(world.database_url, server_settings={"search_path": world.name}, timeout=10)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


async def applied(world: World) -> int:
    """How many events were applied so far."""
    return (await query(world, "SELECT count(*) FROM effect"))[0][0]


async def waiting(world: World) -> int:
    """How many records wait in the outbox."""
    return (await query(world, "SELECT count(*) FROM outbox"))[0][0]


async def until_applied(world: World, more: int, seconds: float = 30) -> None:
    """Return when `more` events were applied than by now.

    Raises:
        TimeoutError: they were not within `seconds`.
    """
    goal = await applied(world) + more
    async with asyncio.timeout(seconds):
        while await applied(world) < goal:
            await asyncio.sleep(0.05)


async def lose_replies(world: World, proxy: Proxy, to: re.Pattern[bytes], *, times: int) -> None:
    """Under load, and so often, what `to` asks for is done and its reply lost; returns when all is quiet."""
    stop = asyncio.Event()
    writing = asyncio.create_task(world.write(400, window=20, pause=0.02, until=stop.is_set))
    for _ in range(times):
        proxy.drop_reply_to(to)
        await world.until(lambda: proxy.replies_lost, 20)
        await asyncio.sleep(world.random.uniform(0.0, 0.1))
    stop.set()
    await writing
    await world.quiet()


@dataclass(frozen=True, slots=True)
class Health:
    """What a replica says of itself; `status` is 0 where it does not answer."""

    status: int
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


async def health(replica: Replica) -> Health:
    """Ask `/health/ready`."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"http://{LOOPBACK}:{replica.port}/health/ready")
    except httpx.HTTPError:
        return Health(0)
    body = answer.json()
    return Health(answer.status_code, body["problems"], body["warnings"])


async def until_status(replica: Replica, status: int, seconds: float) -> Health:
    """The replica's health as soon as its status is `status`.

    Raises:
        TimeoutError: it was not within `seconds`.
    """
    async with asyncio.timeout(seconds):
        while (now := await health(replica)).status != status:
            await asyncio.sleep(0.1)
    return now


@asynccontextmanager
async def door_of(world: World) -> AsyncGenerator[Door]:
    """The door of the world's service, for what comes by HTTP; the replicas' relays publish it."""
    engine = open_engine(world.database_url, world.name)
    handlers: dict[type[Fact], Handler] = {world.sent: keeper(world.kept)}
    relay = Relay(engine, world.bootstrap)
    yield Door(world.name, handlers, LedgerStore(), engine, SystemClock(), relay)
    await engine.dispose()


async def hand_in(world: World, door: Door, events: int) -> float:
    """Hand events in at the door, one by one; returns how many seconds the slowest took.

    They are of patients of their own: nothing orders what comes by HTTP and what comes by Kafka.
    """
    slowest, loop = 0.0, asyncio.get_running_loop()
    for _ in range(events):
        fact = world.writer.next(patient=f"d{world.random.randrange(5)}")
        began = loop.time()
        (outcome,) = await door.admit([Message(fact.event_id, "http", fact)])
        slowest = max(slowest, loop.time() - began)
        assert outcome.state == "applied"
    return slowest
