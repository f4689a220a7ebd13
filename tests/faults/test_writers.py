"""Many at once: writers and relays on one outbox, doors and consumers on the same states."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack

from tests.faults.harness import World, fault
from tests.faults.harness.judge import SOURCE

_REPLICAS, _PATIENTS, _EVENTS, _HOLD_SECONDS = 3, 5, 40, 0.3


async def _all_write(world: World, crashes: Sequence[str] = ()) -> None:
    async with AsyncExitStack() as stack:
        for place in range(_REPLICAS):
            patients = [f"w{place}-{number}" for number in range(_PATIENTS)]
            for patient in patients:
                world.writer.others(patient, _EVENTS)
            writes = json.dumps({"patients": patients, "events": _EVENTS, "hold": _HOLD_SECONDS})
            await stack.enter_async_context(world.replicas(1, crashes, LEDGER_WRITES=writes))
        await world.write(500, window=10, pause=0.1)
        await world.quiet()


@fault("writers-and-relays")
async def test_writers_and_relays_with_long_transactions(world: World) -> None:
    """Fifteen writers and three relays, transactions open for up to 0.3 s."""
    world.may_resend = False
    await _all_write(world)


@fault("writers-and-relays-killed")
async def test_writers_and_relays_killed(world: World) -> None:
    """The same, and each of the three processes dies twice, with transactions open and records on their way."""
    await _all_write(world, ("relay-acked:40", "outside:2.5"))
    assert world.kills == 2 * _REPLICAS


@fault("doors-and-consumers")
async def test_doors_and_consumers_on_the_same_states(world: World) -> None:
    """What comes over HTTP to three replicas and what comes from Kafka is decided on the same states; two die."""
    patients = [f"p{number}" for number in range(4)]
    async with AsyncExitStack() as stack:
        for place in range(_REPLICAS):
            first = (place + 1) * SOURCE
            for patient in patients:
                world.writer.others(patient, 150, first)
            writes = json.dumps({"patients": patients, "events": 150, "first": first})
            crashes = ("before-commit:60", "inside-commit:40")[place : place + 1]
            await stack.enter_async_context(world.replicas(1, crashes, LEDGER_WRITES=writes))
        for _ in range(150):
            await world.writer.send([world.writer.next(patient=patient) for patient in patients])
        await world.quiet()
    assert world.kills == 2
