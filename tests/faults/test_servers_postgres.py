"""PostgreSQL restarts, ends sessions, loses its answers or can't be reached: nothing twice, nothing parked wrongly."""

import asyncio
import signal

from tests.faults.between import health, kafka_proxy, lose_replies, postgres_proxy, query, until_applied, until_status
from tests.faults.harness import World, fault
from tests.faults.proxy import COMMIT

_TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'stride-' || current_schema() AND xact_start IS NOT NULL
"""


@fault("postgres-restarted", fast=True)
async def test_postgres_restarts_under_load(world: World) -> None:
    """A fast shutdown ends all sessions, whatever they are doing."""
    async with world.replicas(2):
        writing = asyncio.create_task(world.write(600, window=20, pause=0.02))
        for _ in range(2):
            await until_applied(world, 100)
            await world.servers.restart("postgres")
        await writing
        await world.quiet()


@fault("postgres-killed")
async def test_postgres_is_killed_under_load(world: World) -> None:
    """SIGKILL of the server; it recovers from its log."""
    async with world.replicas(2):
        writing = asyncio.create_task(world.write(600, window=20, pause=0.02))
        for _ in range(2):
            await until_applied(world, 100)
            world.other_kills += 1
            await world.servers.kill("postgres", signal.SIGKILL)
            await world.servers.wait_ready("postgres")
        await writing
        await world.quiet()


@fault("backend-terminated", fast=True)
async def test_sessions_are_ended_in_mid_transaction(world: World) -> None:
    """Of consumers and relays alike, as an administrator or a failover does."""
    ended = 0
    async with world.replicas(2):
        while ended < 12:
            dawdling = [world.writer.next(do="dawdle", seconds=0.05) for _ in range(2)]
            await world.writer.send([*dawdling, *(world.writer.next() for _ in range(18))])
            await asyncio.sleep(world.random.uniform(0.0, 0.1))
            ended += len(await query(world, _TERMINATE))
        world.other_kills += ended
        await world.quiet()


@fault("commit-reply-lost", fast=True)
async def test_a_commit_is_applied_and_its_answer_lost(world: World) -> None:
    """Of consumers and relays alike: whether it was committed is unknown until the work comes again."""
    async with postgres_proxy(world) as proxy, world.replicas(2):
        await lose_replies(world, proxy, COMMIT, times=10)
        assert proxy.dropped > 0


@fault("postgres-cut", fast=True)
async def test_connections_to_postgres_are_cut_and_refused(world: World) -> None:
    """Resets in the midst of statements, and some seconds without any connection: not ready, then ready again."""
    async with postgres_proxy(world) as proxy, world.replicas(2) as replicas:
        writing = asyncio.create_task(world.write(600, window=20, pause=0.05))
        for _ in range(6):
            await asyncio.sleep(world.random.uniform(0.05, 0.3))
            proxy.cut()
        await proxy.refuse()
        await asyncio.sleep(2)
        assert "database" in str((await health(replicas[0])).problems)
        await proxy.heal()
        await until_applied(world, 50)
        await until_status(replicas[0], 200, 10)
        await writing
        await world.quiet()


async def unreachable(world: World, seconds: float) -> None:
    async with postgres_proxy(world) as proxy, world.replicas(2) as replicas:
        writing = asyncio.create_task(world.write(600, window=20, pause=0.05))
        await until_applied(world, 100)
        proxy.freeze()
        await asyncio.sleep(seconds)
        assert (await health(replicas[0])).status == 503
        await proxy.heal()
        await until_applied(world, 50)
        await writing
        await world.quiet()


@fault("postgres-unreachable-3s", fast=True)
async def test_packets_to_postgres_vanish_for_a_moment(world: World) -> None:
    """Shorter than any timeout."""
    await unreachable(world, 3)


@fault("postgres-unreachable-75s", timeout=300)
async def test_packets_to_postgres_vanish_for_long(world: World) -> None:
    """Longer than a statement may take."""
    await unreachable(world, 75)


@fault("both-cut", fast=True)
async def test_a_service_loses_kafka_and_postgres_at_once(world: World) -> None:
    """As when its machine's network goes, both ways, some times over."""
    async with kafka_proxy(world) as kafka, postgres_proxy(world) as postgres, world.replicas(2):
        writing = asyncio.create_task(world.write(600, window=20, pause=0.05))
        for _ in range(3):
            await until_applied(world, 50)
            postgres.drop_replies(after=world.random.randrange(200))
            kafka.drop_replies(after=world.random.randrange(200))
            await asyncio.sleep(world.random.uniform(0.0, 0.1))
            await asyncio.gather(postgres.refuse(), kafka.refuse())
            await asyncio.sleep(1)
            await asyncio.gather(postgres.heal(), kafka.heal())
        await writing
        await world.quiet()
