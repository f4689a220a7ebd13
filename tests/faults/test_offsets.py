"""Kafka forgets what was read: offsets at the beginning again, or no group at all."""

import signal

import asyncpg

from tests.faults.harness import World, fault
from tests.faults.harness.offsets import delete_group, reset_to_beginning

_EVENTS = 1500


async def _read_all_and_stop(world: World) -> None:
    async with world.replicas(1) as replicas:
        await world.write(_EVENTS)
        await world.quiet()
        last = replicas[0]
    for replica in world.started:
        replica.signal(signal.SIGTERM)
    assert await last.ended() == 0


async def _forget_inbox(world: World) -> None:
    """As if retention had removed its rows: the applied offsets alone must know what was read."""
    connection = await asyncpg.connect(world.database_url)
    await connection.execute(f"TRUNCATE {world.name}.inbox")
    await connection.close()
    world.writer.drop_repeats()


async def _read_again(world: World) -> None:
    async with world.replicas(2):
        await world.write(_EVENTS)
        await world.quiet()


@fault("offsets-reset-to-earliest", fast=True)
async def test_offsets_reset_to_earliest(world: World) -> None:
    """The group's offsets are set to the beginning, and the inbox rows are gone."""
    await _read_all_and_stop(world)
    await reset_to_beginning(world)
    await _forget_inbox(world)
    await _read_again(world)


@fault("group-wiped")
async def test_group_wiped(world: World) -> None:
    """The consumer group is deleted: its offsets are lost with it."""
    await _read_all_and_stop(world)
    await delete_group(world)
    await _read_again(world)
