"""End-to-end latency at light load, against the sum of the bare steps that lie on the way.

One session at a time is handed in over HTTP, and the milestone it leads to is awaited on Kafka. Between two of
them the bare steps are timed: an HTTP request that commits one row, a Kafka hop, a commit, a Kafka hop.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.contestants import Stride, until_ready
from benchmarks.edges import edges, post
from benchmarks.ground import Ground, skip_to_end
from benchmarks.inbound import batch, single
from benchmarks.processes import running
from benchmarks.references.asgi import TOPIC
from benchmarks.workload import FIRST_DAY, Work, patient_id, plan
from shared.events.base import Fact
from shared.events.intake import ConsultationCompleted, SessionLogged
from stride.embedded.servers import Report, silent

_CLINIC = "latency"
_SESSIONS = 6
"""The sixth session is a milestone of the protocol."""
_PAUSE = 0.02
_WITHIN = 60.0
_FETCH_WAIT_MS = 10


@dataclass(slots=True)
class _Hop:
    """A topic, a producer and a reader that is always there, to time one hop through Kafka."""

    producer: Any
    consumer: Any

    async def seconds(self, body: bytes) -> float:
        began = time.perf_counter()
        await self.producer.send(TOPIC, body)
        await self.consumer.getone()
        return time.perf_counter() - began


async def latency(on: Ground, *, samples: int, report: Report = silent) -> dict[str, object]:
    """Milliseconds from the request to the milestone, and of the bare steps; ratios at p50 and p95."""
    report("latency: starting intake and progress")
    async with _stage(on) as (port, bare_port, hop, milestones):
        report("latency: bringing patients to their fifth session")
        await _prepare(on, port, samples)
        ours, steps = list[float](), list[list[float]]()
        for number in range(samples):
            report(f"latency: {number * 100 // samples}%")
            await asyncio.sleep(_PAUSE)
            ours.append(await _milestone(port, milestones, number))
            await asyncio.sleep(_PAUSE)
            steps.append(await _steps(on, bare_port, hop, single(_session(number, _SESSIONS), "/commit")))
    return _summary(ours, steps)


def _summary(ours: Sequence[float], steps: Sequence[Sequence[float]]) -> dict[str, object]:
    sums = [sum(each) for each in steps]
    medians = [_ms(median(step)) for step in zip(*steps, strict=True)]
    return {
        "samples": len(ours),
        "p50_ms": _ms(median(ours)),
        "p95_ms": _ms(_p95(ours)),
        "bare_p50_ms": _ms(median(sums)),
        "bare_p95_ms": _ms(_p95(sums)),
        "of_bare": round(median(ours) / median(sums), 3),
        "of_bare_p95": round(_p95(ours) / _p95(sums), 3),
        "bare_steps_p50_ms": dict(zip(("http_commit", "hop", "commit", "hop_again"), medians, strict=True)),
    }


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 95 // 100]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


async def _milestone(port: int, milestones: Any, number: int) -> float:
    """Seconds from the request to the milestone of the patient's sixth session."""
    began = time.perf_counter()
    await post(port, single(_session(number, _SESSIONS)))
    wanted = f"{_CLINIC}/{patient_id(number)}".encode()
    async with asyncio.timeout(_WITHIN):
        while (await milestones.getone()).key != wanted:
            pass
    return time.perf_counter() - began


async def _steps(on: Ground, port: int, hop: _Hop, request: bytes) -> list[float]:
    began = time.perf_counter()
    await post(port, request)
    http = time.perf_counter() - began
    first = await hop.seconds(request)
    began = time.perf_counter()
    await on.database.execute("INSERT INTO bench_asgi.fact (body) VALUES ($1)", request)
    commit = time.perf_counter() - began
    return [http, first, commit, await hop.seconds(request)]


@asynccontextmanager
async def _stage(on: Ground) -> AsyncGenerator[tuple[int, int, _Hop, Any]]:
    progress = Stride("progress", Work((), (), FIRST_DAY + timedelta(days=60), [_CLINIC]))
    for service in ("progress", "intake"):
        await skip_to_end(on.bootstrap, service, Stride(service, progress.work).reads)
    async with AsyncExitStack() as opened:
        up = await opened.enter_async_context(edges(on, [_CLINIC]))
        await opened.enter_async_context(running(on, progress))
        await until_ready(f"http://127.0.0.1:{progress.ports[0]}/health/ready")
        producer: Any = AIOKafkaProducer(bootstrap_servers=on.bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        opened.push_async_callback(producer.stop)
        milestones, produced = [await _reader(opened, on.bootstrap, topic) for topic in ("milestone.reached", TOPIC)]
        yield up["stride"].port, up["bare"].port, _Hop(producer, produced), milestones


async def _reader(opened: AsyncExitStack, bootstrap: str, topic: str) -> Any:
    """A consumer that stands at the end of `topic`."""
    # A fetch that left out the partition just read waits half a second otherwise: no part of a hop.
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="latest", fetch_max_wait_ms=_FETCH_WAIT_MS
    )
    await consumer.start()
    opened.push_async_callback(consumer.stop)
    for partition in consumer.assignment():
        await consumer.position(partition)
    return consumer


async def _prepare(on: Ground, port: int, samples: int) -> None:
    """Plans and five sessions of each patient, handed in over HTTP, and applied by progress."""
    facts: list[Fact] = [_consultation(number) for number in range(samples)]
    facts += [_session(number, count) for count in range(1, _SESSIONS) for number in range(samples)]
    for start in range(0, len(facts), 100):
        await post(port, batch(facts[start : start + 100]))
    wanted = (_SESSIONS - 1) * samples
    async with asyncio.timeout(_WITHIN):
        while await _held(on) < wanted or await on.database.fetchval("SELECT EXISTS (SELECT 1 FROM progress.outbox)"):
            await asyncio.sleep(0.1)


async def _held(on: Ground) -> int:
    held: int = await on.database.fetchval("SELECT count(*) FROM progress.session WHERE clinic_id = $1", _CLINIC)
    return held


def _consultation(number: int) -> ConsultationCompleted:
    made = plan(_CLINIC, number)
    return ConsultationCompleted(
        clinic_id=_CLINIC,
        patient_id=made.patient_id,
        consultation_id=made.consultation_id,
        completed_at=FIRST_DAY - timedelta(days=3),
        condition=made.condition,
        starts_on=made.starts_on,
    )


def _session(number: int, count: int) -> SessionLogged:
    return SessionLogged(
        clinic_id=_CLINIC,
        patient_id=patient_id(number),
        session_id=f"session-{number:07}-{count}",
        plan_id=plan(_CLINIC, number).plan_id,
        started_at=FIRST_DAY + timedelta(days=3 * count),
        minutes=45,
    )
