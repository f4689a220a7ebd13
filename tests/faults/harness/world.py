"""One fault's own place: a ledger service of its own name, its replicas, its writer, its verdict."""

import asyncio
import json
import os
import random
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from shared.flow import FLOW
from stride.embedded.ports import free_port
from stride.embedded.servers import Servers
from tests.faults.harness import places
from tests.faults.harness.judge import Verdict, judge
from tests.faults.harness.replica import Nursery, Replica
from tests.faults.harness.service import declare
from tests.faults.harness.writer import Writer

SESSION_SECONDS = 1.5
GROUP: Mapping[str, int] = {"session_timeout_ms": int(SESSION_SECONDS * 1000), "rebalance_timeout_ms": 15_000}
"""How the replicas take part in their consumer group; short, so that a dead one is soon given up."""
_LOOK_SECONDS = 0.1


class World:
    """Made by the `world` fixture. `bootstrap` and `database_url` lead straight to the servers.

    `links` are what replicas started from now on get instead: set KAFKA_BOOTSTRAP or DATABASE_URL
    in it to have them go through a proxy.
    """

    def __init__(self, servers: Servers, nursery: Nursery, folder: Path, verdict: Verdict) -> None:
        self.servers = servers
        self.verdict = verdict
        self.seed = verdict.seed
        self.random = random.Random(f"{verdict.fault} {verdict.seed}")
        self.name = f"ledger_{secrets.token_hex(4)}"
        self.folder = folder
        self.bootstrap = servers.addresses.kafka_bootstrap
        self.database_url = servers.addresses.database_url
        self.links: dict[str, str] = {}
        self.facts = declare(self.name, release=2)
        self.sent, self.kept = self.facts.sent, self.facts.kept
        self.writer = Writer(self.bootstrap, self.sent, self.seed)
        self.may_park = False
        """Whether this fault parks events on purpose; otherwise one that is parked is a problem."""
        self.may_resend = True
        """Whether its relays may publish a record twice; without kills and outages none needs to."""
        self.other_kills = 0
        """Kills of servers and backends, counted by the fault itself."""
        self.started: list[Replica] = []
        self.lanes: list[World] = []
        """Worlds that `beside` made; they come to rest, are judged and end together with this one."""
        self._nursery = nursery
        self._writing: set[asyncio.Task[Any]] = set()

    @property
    def kills(self) -> int:
        """How many replicas died by SIGKILL so far, here and in the lanes."""
        here = sum(replica.gone.result() == -signal.SIGKILL for replica in self.started if not replica.alive)
        return here + sum(lane.kills for lane in self.lanes)

    async def beside(self, draws: str) -> "World":
        """Another world under the same verdict, with `draws` of its own: faults side by side take less time."""
        lane = World(self.servers, self._nursery, self.folder, Verdict(self.verdict.fault, self.seed))
        lane.random = random.Random(f"{self.verdict.fault} {self.seed} {draws}")
        await lane.open()
        self.lanes.append(lane)
        return lane

    async def open(self) -> None:
        """Make schema and topics."""
        await places.create(self.name, self.bootstrap, self.database_url)

    async def close(self) -> None:
        """End what still runs and drop the schema; the verdict is done by then."""
        for lane in self.lanes:
            await lane.close()
        for task in self._writing:
            task.cancel()
        for replica in self.started:
            replica.signal(signal.SIGKILL)
        for replica in self.started:
            await replica.ended()
        await self.writer.close()
        FLOW.pop(self.name)
        await places.remove(self.name, self.database_url)

    async def start(
        self, *, crash_at: str = "", group: Mapping[str, int] = GROUP, plugins: Iterable[str] = (), **environment: str
    ) -> Replica:
        """A new replica. `crash_at`: `point:n` of crash.POINTS; `plugins`: `module:function` it calls first."""
        port = free_port({replica.port for replica in self.started if replica.alive})
        addresses = {"KAFKA_BOOTSTRAP": self.bootstrap, "DATABASE_URL": self.database_url}
        told = {
            "LEDGER": self.name,
            "LEDGER_GROUP": json.dumps(dict(group)),
            "LEDGER_PLUGINS": " ".join(plugins),
            "STRIDE_CRASH_AT": crash_at,
        }
        log = self.folder / f"{self.name}-{len(self.started)}.log"
        replica = await self._nursery.fork(os.environ | addresses | self.links | told | environment, port, log)
        self.started.append(replica)
        return replica

    @asynccontextmanager
    async def replicas(self, count: int, crashes: Iterable[str] = (), **how: Any) -> AsyncGenerator[list[Replica]]:
        """`count` replicas, ready; one that ends is followed by another, as under any supervisor.

        Each takes the next of `crashes` with it as its crash point, until there are none left;
        `outside:S` kills it S seconds after its start, wherever it is. The list always holds those
        of now. `how` goes to `start`.
        """
        left = iter(crashes)
        specs = [next(left, "") for _ in range(count)]
        now = [await self._doomed(spec, how) for spec in specs]
        if not any(specs):
            await asyncio.gather(*(replica.ready() for replica in now[: places.PARTITIONS]))
        watching = [asyncio.create_task(self._follow(now, place, left, how)) for place in range(count)]
        try:
            yield now
        finally:
            for watch in watching:
                watch.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _follow(self, now: list[Replica], place: int, left: Iterator[str], how: Mapping[str, Any]) -> None:
        while True:
            await asyncio.shield(now[place].gone)
            now[place] = await self._doomed(next(left, ""), how)

    async def _doomed(self, spec: str, how: Mapping[str, Any]) -> Replica:
        point, _, seconds = spec.partition(":")
        if point != "outside":
            replica = await self.start(crash_at=spec, **how)
            replica.doomed = bool(spec)
            return replica
        replica = await self.start(**how)
        replica.doomed = True
        asyncio.get_running_loop().call_later(float(seconds), replica.signal, signal.SIGKILL)
        return replica

    def said(self, event: str) -> int:
        """How often the replicas logged `event`: a fault that had no effect proves nothing."""
        return sum(replica.log.read_text().count(f'"event": "{event}"') for replica in self.started)

    async def write(self, events: int, **how: Any) -> None:
        """Send `events` intended effects; see `Writer.write`. As a task it ends with the world at the latest."""
        task = asyncio.current_task()
        assert task is not None
        self._writing.add(task)
        await self.writer.write(events, **how)

    async def until(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for a condition of this process, at most `seconds`.

        Raises:
            TimeoutError: it was not reached.
        """
        async with asyncio.timeout(seconds):
            while not reached():
                await asyncio.sleep(0.02)

    async def until_ready(self, replicas: list[Replica], seconds: float = 60) -> None:
        """Wait until all of `replicas`, successors included, are ready.

        Raises:
            TimeoutError: they are not within `seconds`.
        """
        async with asyncio.timeout(seconds):
            while not all([replica.alive and await replica.is_ready() for replica in replicas]):
                await asyncio.sleep(0.05)

    async def quiet(self, seconds: float = 180, still: float = 100) -> float:
        """Wait until all that was sent is applied (or parked) and published; returns the seconds it took.

        Gives up when nothing has moved for `still` s, or after `seconds`: the judge then finds what is missing.
        """
        began = moved = time.monotonic()
        before: object = None
        while (now := time.monotonic()) - began < seconds and now - moved < still:
            counts = await self._maybe_counts()
            if counts and counts.applied + counts.parked >= self.writer.events and counts.waiting == 0:
                break
            if counts != before:
                before, moved = counts, now
            await asyncio.sleep(_LOOK_SECONDS)
        for lane in self.lanes:
            await lane.quiet(seconds, still)
        return time.monotonic() - began

    async def counts(self) -> places.Counts:
        """What stands in the service's tables now."""
        return await places.counts(self.name, self.database_url)

    async def _maybe_counts(self) -> places.Counts | None:
        """None while PostgreSQL is away."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return await self.counts()
        return None

    async def judge(self) -> Verdict:
        """Compare what was intended with what is there now, and fill in the verdict."""
        verdict = self.verdict
        judge(verdict, self.writer.intended, await places.observe(self.name, self.bootstrap, self.database_url))
        verdict.kills = self.kills + self.other_kills
        for lane in self.lanes:
            verdict.add(await lane.judge())
        if verdict.parked and not self.may_park:
            verdict.problem = f"{verdict.parked} events were parked"
        if verdict.resent and not self.may_resend:
            verdict.problem = f"{verdict.resent} records were published twice without need"
        return verdict
