"""One run of a scenario: servers, members, traffic, faults; until everything has come to rest."""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared.flow import consumed_topics
from shared.messaging import retention
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from tests.simulation.kafka.broker import Broker
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.members import SERVICE, Member, replay_everything
from tests.simulation.network import Network
from tests.simulation.postgres.engine import Engine
from tests.simulation.postgres.server import Server
from tests.simulation.scenario import Asked, Planned, Scenario
from tests.simulation.substitution import substituted

_REST_SECONDS = 300.0
_RESTART_SECONDS = 0.5


@dataclass(slots=True)
class World:
    """Everything there is in one run."""

    scenario: Scenario
    loop: VirtualLoop
    network: Network
    broker: Broker
    server: Server
    engine: Any
    members: list[Member]
    replays: list[Process]
    accepted: set[str]
    came_to_rest: bool = True
    numbers: int = 0
    member_steps: int = 0


def run(scenario: Scenario) -> World:
    """Run `scenario` to its end, for the judge."""
    loop = VirtualLoop(scenario.seed)
    network = Network(loop)
    server = Server(loop)
    broker = Broker(loop, network, scenario.partitions)
    broker.batch = scenario.batch
    world = World(scenario, loop, network, broker, server, Engine(network, server), [], [], set())
    loop.before_step = lambda process: _count(world, process)
    with substituted(loop, broker):
        loop.run(_play(world))
    return world


def start_member(world: World) -> Member:
    """Start one more process of the service; it is started anew when it dies, as by a supervisor."""
    world.numbers += 1
    process = world.loop.process(f"member-{world.numbers}")
    member = Member(world.loop, process, world.engine, world.server)
    world.members.append(member)

    def again() -> None:
        world.members.remove(member)
        world.loop.call_later(_RESTART_SECONDS, start_member, world, context=world.loop.outside.context)

    process.at_death.append(again)
    member.running.add_done_callback(lambda _: world.loop.kill(process), context=world.loop.outside.context)
    return member


def start_replay(world: World) -> Process:
    """Take up what is parked, from a process of its own; started anew when it dies before its end."""
    world.numbers += 1
    process = world.loop.process(f"replay-{world.numbers}")
    world.replays.append(process)
    work = world.loop.spawn(process, replay_everything(world.engine, world.server))
    outside = world.loop.outside.context

    def next_one() -> None:
        start_replay(world)
        world.replays.remove(process)

    def again() -> None:
        if work.done():
            world.replays.remove(process)
        else:
            world.loop.call_later(_RESTART_SECONDS, next_one, context=outside)

    process.at_death.append(again)
    work.add_done_callback(lambda _: world.loop.kill(process), context=outside)
    return process


def _count(world: World, process: Process) -> None:
    if not process.name.startswith(("member", "replay")):
        return
    world.member_steps += 1
    if world.member_steps in world.scenario.crashes:
        world.loop.trace.append((world.loop.time(), process.name, f"KILLED at step {world.member_steps}"))
        world.loop.kill(process)


async def _play(world: World) -> None:
    from tests.simulation.faults import act

    for _ in range(world.scenario.members):
        start_member(world)
    traffic = [*map(_publish_later, [world] * len(world.scenario.records), world.scenario.records)]
    asked = [_ask(world, one) for one in world.scenario.asked]
    await asyncio.gather(*traffic, *asked, *(act(world, action) for action in world.scenario.actions))
    await _rest(world)
    if world.scenario.read_again:
        await forget_everything(world)
        await _rest(world)
    if world.scenario.replay_at_end:
        start_replay(world)
        start_replay(world)
        await _rest(world)


async def _publish_later(world: World, record: Planned) -> None:
    await asyncio.sleep(record.at)
    world.broker.append(record.topic, record.key.encode(), record.value, list(record.headers))


async def _ask(world: World, asked: Asked) -> None:
    """As a client: again, under the same id, until the answer says that it is in."""
    await asyncio.sleep(asked.at)
    message = Message(asked.fact.event_id, "clinic-system", asked.fact)
    while True:
        member = world.loop.random.choice(world.members) if world.members else None
        if member and member.door:
            answer = world.loop.spawn(member.process, member.door.admit([message]))
            await asyncio.wait([answer], timeout=3)
            if answer.done() and not answer.cancelled() and not isinstance(answer.exception(), Unavailable):
                assert answer.result()[0].state in ("applied", "repeat")
                world.accepted.add(asked.fact.natural_key)
                return
        await asyncio.sleep(0.5)


async def forget_everything(world: World) -> None:
    """Strike out all inbox rows and the group's offsets: only the applied offsets know what was read."""
    while True:
        try:
            await retention.forget_old(world.engine, retention.KEEP * 0, step=5)
        except Unavailable:
            await asyncio.sleep(0.1)
        else:
            break
    world.broker.group(SERVICE).wipe()


async def _rest(world: World) -> None:
    """Wait until all is read and published, and then a little longer."""
    deadline = world.loop.time() + _REST_SECONDS
    while not _quiet(world):
        await asyncio.sleep(0.25)
        if world.loop.time() > deadline or world.loop.surprises:
            world.came_to_rest = False
            return
    await asyncio.sleep(1.0)


def _quiet(world: World) -> bool:
    committed = world.broker.group(SERVICE).committed
    topics = set(consumed_topics(SERVICE))
    ends = {place: end for place, end in world.broker.log.ends().items() if place[0] in topics}
    read = {(place.topic, place.partition): offset for place, offset in committed.items()}
    all_read = all(read.get(place, 0) == end for place, end in ends.items())
    return all_read and not world.replays and not world.server.tables["outbox"].rows
