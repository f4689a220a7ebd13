"""One measured run: a contestant that is warm and idle is given all its work at once.

It is started, does its warm-up, and is stopped in its tracks (SIGSTOP) while the work is put into the topics;
the time counts from the moment it may go on until all is applied, and with Stride until everything that
follows from it is confirmed by Kafka. Nothing of the measuring runs inside the contestant.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contestants import Contestant
from benchmarks.ground import Ground, ends_of, skip_to_end
from benchmarks.processes import Running, running
from benchmarks.records import Ends, Record, produce
from benchmarks.workload import Work

_LOOK_EVERY = 0.015
_WITHIN = 600.0
_LONGEST_STOP = 8.0
"""A group member that is silent for ten seconds is put out of its group."""


class NotApplied(Exception):
    """A run whose work was not done as meant: its figure would say nothing."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took. CPU seconds are per event, and tell more than the clock does on a busy machine."""

    events: int
    seconds: float
    own_cpu: float
    postgres_cpu: float
    kafka_cpu: float
    published: int

    @property
    def per_second(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cpu_per_event(self) -> float:
        """CPU seconds of the process and of PostgreSQL's backends for each event."""
        return (self.own_cpu + self.postgres_cpu) / self.events


async def measure(ground: Ground, contestant: Contestant, work: Work, *, processes: int = 1) -> Measured:
    """How long `contestant` takes for `work.measured`.

    Raises:
        StartFailed: it ended, or got nowhere.
        NotApplied: some of the work was not done as meant.
    """
    await skip_to_end(ground.bootstrap, contestant.group, contestant.reads)
    before = [record for record in work.before if record.topic in contestant.reads]
    ends = await produce(ground.bootstrap, before)
    async with running(ground, contestant, processes) as on:
        await until_applied(ground, contestant, on, ends, len(before))
        await contestant.until_ready()
        return await _race(ground, contestant, on, work.measured, len(before))


async def _race(ground: Ground, contestant: Contestant, on: Running, work: Sequence[Record], done: int) -> Measured:
    published = sum((await ends_of(ground.bootstrap, contestant.publishes)).values())
    ends = await _load(ground, on, work)
    own, servers = on.cpu, ground.server_seconds()
    began = time.perf_counter()
    on.signal(signal.SIGCONT)
    await until_applied(ground, contestant, on, ends, done + len(work))
    seconds = time.perf_counter() - began
    now = ground.server_seconds()
    if aside := await contestant.set_aside(ground):
        raise NotApplied(f"{aside} events of {contestant.name} were parked or became dead letters: the bench is wrong.")
    return Measured(
        events=len(work),
        seconds=seconds,
        own_cpu=on.cpu - own,
        postgres_cpu=now.get("postgres", 0) - servers.get("postgres", 0),
        kafka_cpu=now.get("kafka", 0) - servers.get("kafka", 0),
        published=sum((await ends_of(ground.bootstrap, contestant.publishes)).values()) - published,
    )


async def _load(ground: Ground, on: Running, work: Sequence[Record]) -> Ends:
    on.signal(signal.SIGSTOP)
    began = time.perf_counter()
    ends = await produce(ground.bootstrap, work)
    stopped = time.perf_counter() - began
    if stopped > _LONGEST_STOP:
        raise NotApplied(f"Loading {len(work)} events took {stopped:.0f} s: take fewer, or a less busy machine.")
    return ends


async def until_applied(ground: Ground, contestant: Contestant, on: Running, ends: Ends, events: int) -> None:
    """Return when all up to `ends` is applied.

    Raises:
        StartFailed: a process ended, or ten minutes were not enough.
    """
    deadline = time.monotonic() + _WITHIN
    while not await contestant.has_applied(ground, ends, events):
        on.check()
        if time.monotonic() > deadline:
            on.give_up(on.programs[0], f"was not through with {events} events in {_WITHIN:.0f} s")
        await asyncio.sleep(_LOOK_EVERY)
