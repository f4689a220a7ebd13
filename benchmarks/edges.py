"""HTTP intake, single events and batches, against a bare endpoint that only produces to Kafka."""

import asyncio
import json
import pickle
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from benchmarks.contestants import Stride, until_ready
from benchmarks.ground import Ground
from benchmarks.inbound import batch, sessions, single
from benchmarks.load import send
from benchmarks.measure import NotApplied
from benchmarks.processes import Running, running
from benchmarks.references.asgi import TOPIC
from benchmarks.workload import FIRST_DAY, Work
from shared.clock import wall_seconds
from stride.embedded.ports import free_port
from stride.embedded.probes import http_ok
from stride.embedded.program import Program
from stride.embedded.servers import Report, silent

CONNECTIONS = 32
BATCH = 100


class Endpoint:
    """The bare ASGI endpoint as a process."""

    def __init__(self) -> None:
        self.port = free_port(set())

    def program(self, ground: Ground, number: int) -> Program:
        """`python -m benchmarks.references.asgi`."""
        place = ("--bootstrap", ground.bootstrap, "--database", ground.database_url, "--port", str(self.port))
        return Program(
            name="reference-asgi",
            command=(sys.executable, "-m", "benchmarks.references.asgi", *place),
            environment=ground.environment(),
            log=ground.servers.home.log("reference-asgi"),
            probe=lambda: http_ok(f"http://127.0.0.1:{self.port}/"),
        )


class Edge(NamedTuple):
    """An HTTP server that is up."""

    port: int
    processes: Running


@asynccontextmanager
async def edges(on: Ground, clinics: Sequence[str]) -> AsyncGenerator[dict[str, Edge]]:
    """Intake and the bare endpoint, both up."""
    service = Stride("intake", Work((), (), FIRST_DAY + timedelta(days=60), clinics))
    endpoint = Endpoint()
    await _produced_topic(on.bootstrap)
    async with running(on, service) as mine, running(on, endpoint) as bare:
        await until_ready(f"http://127.0.0.1:{service.ports[0]}/health/ready")
        await until_ready(f"http://127.0.0.1:{endpoint.port}/")
        yield {"stride": Edge(service.ports[0], mine), "bare": Edge(endpoint.port, bare)}


async def post(port: int, request: bytes) -> None:
    """Send one ready-made request on a connection of its own.

    Raises:
        NotApplied: the answer is not 202.
    """
    told = await send(port, [request], 1)
    if told["statuses"] != {"202": 1}:
        raise NotApplied(f"A request was not accepted: {told['statuses']}.")


async def intake(on: Ground, *, events: int, rounds: int, seed: int, report: Report = silent) -> dict[str, object]:
    """Events a second for single events and for batches, each against the bare endpoint, in turns."""
    runs = [(kind, number) for number in range(rounds) for kind in ("single", "batch")]
    clinics = [f"http-{kind}-{number}" for kind, number in runs]
    found: dict[str, list[dict[str, Any]]] = {"single": [], "batch": []}
    async with edges(on, [*clinics, "http-warm"]) as up:
        for who, path in (("stride", "/events"), ("bare", "/produce")):
            await _send(
                on, up[who].port, _requests("single", list(sessions(seed, "http-warm", min(events, 300))), path)
            )
        for kind, number in runs:
            report(f"intake: {kind}, round {number + 1} of {rounds}")
            facts = list(sessions(seed, f"http-{kind}-{number}", events if kind == "single" else events * 5))
            mine = await _timed(on, up["stride"], kind, facts, "/events", drain=True)
            bare = await _timed(on, up["bare"], kind, facts, "/produce")
            found[kind].append({"stride": mine, "bare": bare})
    return {kind: _summary(each) for kind, each in found.items()}


def _summary(rounds: list[dict[str, Any]]) -> dict[str, object]:
    return {
        "per_s": round(median(one["stride"]["per_s"] for one in rounds)),
        "bare_per_s": round(median(one["bare"]["per_s"] for one in rounds)),
        "of_bare": round(median(one["stride"]["per_s"] / one["bare"]["per_s"] for one in rounds), 3),
        "answered_of_bare": round(median(one["stride"]["answered_per_s"] / one["bare"]["per_s"] for one in rounds), 3),
        "p50_ms": round(1000 * median(one["stride"]["p50"] for one in rounds), 2),
        "p95_ms": round(1000 * median(one["stride"]["p95"] for one in rounds), 2),
        "cpu_us_per_event": {who: round(median(one[who]["cpu_us"] for one in rounds), 1) for who in ("stride", "bare")},
        "generator_busy": round(max(one[who]["busy"] for one in rounds for who in one), 2),
    }


async def _timed(
    on: Ground, edge: Edge, kind: str, facts: Sequence[Any], path: str, *, drain: bool = False
) -> dict[str, float]:
    """Sending all; with `drain` the time runs until the outbox is empty, as the bare endpoint's answer means."""
    used = edge.processes.cpu
    told = await _send(on, edge.port, _requests(kind, facts, path))
    while drain and await on.database.fetchval("SELECT EXISTS (SELECT 1 FROM intake.outbox)"):
        await asyncio.sleep(0.01)
    behind = wall_seconds() - told["ended"] if drain else 0.0
    return {
        "per_s": len(facts) / (told["seconds"] + behind),
        "answered_per_s": len(facts) / told["seconds"],
        "cpu_us": (edge.processes.cpu - used) / len(facts) * 1e6,
        **{name: told[name] for name in ("p50", "p95", "busy")},
    }


def _requests(kind: str, facts: Sequence[Any], path: str) -> list[bytes]:
    if kind == "single":
        return [single(fact, path) for fact in facts]
    return [batch(facts[start : start + BATCH], path) for start in range(0, len(facts), BATCH)]


async def _send(on: Ground, port: int, requests: list[bytes]) -> dict[str, Any]:
    """What the load generator tells."""
    file = on.home / "requests.pickle"
    file.write_bytes(pickle.dumps(requests))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load", str(port), str(file), "--connections", str(CONNECTIONS)),
        stdout=PIPE,
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    told: dict[str, Any] = json.loads(line) if line else {}
    if told.get("statuses") != {"202": len(requests)}:
        raise NotApplied(f"Not all {len(requests)} requests were accepted: {told.get('statuses')}.")
    return told


async def _produced_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, num_partitions=4, replication_factor=1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        await admin.close()
