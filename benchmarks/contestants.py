"""Who is measured: a service of Stride or a reference, each as processes of their own."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import asyncpg

from benchmarks.ground import Ground, ends_of
from benchmarks.records import Ends
from benchmarks.stage import stage
from benchmarks.workload import Work
from shared.flow import FLOW, consumed_topics, dead_letter_topic
from stride.embedded.errors import NotReady
from stride.embedded.ports import free_port
from stride.embedded.probes import http_ok
from stride.embedded.program import Program

_READY_WITHIN = 60.0


class Contestant(Protocol):
    """What can be given work and asked whether it is done."""

    name: str
    group: str
    reads: Sequence[str]
    publishes: Sequence[str]

    def program(self, ground: Ground, number: int) -> Program:
        """How to run it; `number` tells apart several that share the work."""
        ...

    async def has_applied(self, ground: Ground, ends: Ends, events: int) -> bool:
        """Whether all up to `ends`, `events` in number since it was started, is applied and has left."""
        ...

    async def until_ready(self) -> None:
        """Return when each of its processes has its share of the partitions."""
        ...

    async def set_aside(self, ground: Ground) -> int:
        """How many events were parked or became dead letters; none may."""
        ...


class Stride:
    """One of Stride's services, exactly as `stride up` runs it."""

    def __init__(self, service: str, work: Work, *, module: str = "") -> None:
        self.name = "stride"
        self.service = service
        self.ports: dict[int, int] = {}
        self._module = module or f"services.{service}"
        self.work = work
        self.group = service
        self.reads: Sequence[str] = consumed_topics(service)
        self.publishes: Sequence[str] = [fact.NAME for fact in FLOW[service].publishes]

    def program(self, ground: Ground, number: int) -> Program:
        """`python -m services.NAME`."""
        port = self.ports.setdefault(number, free_port(set(self.ports.values())))
        setting = stage(ground.home, self.work.clinics, self.work.now)
        environment = {**ground.environment(), **setting, "STRIDE_HTTP_PORT": str(port)}
        command = (sys.executable, "-m", self._module)
        return _program(ground, f"{self.service}-{number}", command, environment)

    async def has_applied(self, ground: Ground, ends: Ends, events: int) -> bool:
        """The applied offsets have come to `ends`, and the outbox is empty: all of it is confirmed by Kafka."""
        rows = await ground.database.fetch(f"SELECT topic, partition, next_offset FROM {self.service}.applied_offset")
        applied = {(topic, partition): offset for topic, partition, offset in rows}
        if any(applied.get((place.topic, place.partition), 0) < end for place, end in ends.items()):
            return False
        return not await ground.database.fetchval(f"SELECT EXISTS (SELECT 1 FROM {self.service}.outbox)")

    async def until_ready(self) -> None:
        """Each process has partitions when it says that it is ready."""
        for port in self.ports.values():
            await until_ready(f"http://127.0.0.1:{port}/health/ready")

    async def set_aside(self, ground: Ground) -> int:
        """Parked ones and dead letters, since the servers were started."""
        dead = await ends_of(ground.bootstrap, [dead_letter_topic(self.service, topic) for topic in self.reads])
        return sum(dead.values()) + await ground.database.fetchval(f"SELECT count(*) FROM {self.service}.parked")


class Reference:
    """A module of `benchmarks.references`; it tells on standard output what it has applied."""

    def __init__(self, name: str, reads: Sequence[str], *, batch: int = 0) -> None:
        self.name = name
        self.group = f"bench-{name}"
        self.reads = reads
        self.publishes: Sequence[str] = ()
        self._batch = batch
        self._log: Path | None = None

    def program(self, ground: Ground, number: int) -> Program:
        """`python -m benchmarks.references.NAME`."""
        command = (
            *(sys.executable, "-m", f"benchmarks.references.{self.name}"),
            *("--bootstrap", ground.bootstrap, "--database", ground.database_url),
            *("--group", self.group, "--batch", str(self._batch), *self.reads),
        )
        program = _program(ground, f"reference-{self.name}", command, ground.environment())
        program.log.unlink(missing_ok=True)
        self._log = program.log
        return program

    async def has_applied(self, ground: Ground, ends: Ends, events: int) -> bool:
        """It has told of as many events."""
        if self._log is None or not self._log.exists():
            return False
        return sum(int(line) for line in self._log.read_text().split("\n") if line.isdigit()) >= events

    async def until_ready(self) -> None:
        """It is one process, and has read its warm-up."""

    async def set_aside(self, ground: Ground) -> int:
        """It knows no such thing: it ends when it fails."""
        return 0


class Peer:
    """The same job in quixstreams, from a Python of its own; done when its table holds all readings."""

    def __init__(self, python: Path, reads: Sequence[str], *, batch: int = 0) -> None:
        self.name = "peer"
        self.group = "bench-peer"
        self.reads = reads
        self.publishes: Sequence[str] = ()
        self._python = python
        self._batch = batch

    def program(self, ground: Ground, number: int) -> Program:
        """`references/quix.py`, which imports nothing of ours."""
        command = (
            *(str(self._python), str(Path(__file__).with_name("references") / "quix.py")),
            *("--bootstrap", ground.bootstrap, "--database", ground.database_url, "--batch", str(self._batch)),
            *("--group", self.group, "--state", str(ground.home / "peer-state"), *self.reads),
        )
        return _program(ground, "reference-quix", command, ground.environment())

    async def has_applied(self, ground: Ground, ends: Ends, events: int) -> bool:
        """The readings are in its table."""
        try:
            stored: int = await ground.database.fetchval("SELECT count(*) FROM bench_peer.reading")
        except asyncpg.UndefinedTableError:
            return False
        return stored >= events

    async def until_ready(self) -> None:
        """It is one process, and has read its warm-up."""

    async def set_aside(self, ground: Ground) -> int:
        """It knows no such thing."""
        return 0


def _program(ground: Ground, name: str, command: tuple[str, ...], environment: dict[str, str]) -> Program:
    return Program(
        name=name, command=command, environment=environment, log=ground.servers.home.log(name), probe=_always
    )


async def until_ready(url: str) -> None:
    """Return when the address answers well.

    Raises:
        NotReady: it does not within a minute.
    """
    deadline = time.monotonic() + _READY_WITHIN
    while not await http_ok(url):
        if time.monotonic() > deadline:
            raise NotReady(f"{url} was not ready within {_READY_WITHIN:.0f} s.")
        await asyncio.sleep(0.1)


async def _always() -> bool:
    return True
