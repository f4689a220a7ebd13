"""Running one service: its door, consumer, relay, HTTP edge and background work in one process."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial

import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import Clock, open_clock
from shared.database import open_engine, sqlstate
from shared.events.base import Fact
from shared.events.operations import EventsStranded
from shared.flow import FLOW
from shared.messaging import health, retention
from shared.messaging.consumer import Consumer, Decoder
from shared.messaging.door import Door, Store
from shared.messaging.errors import FlowDisagrees, Unavailable, UnsafeSubscription
from shared.messaging.message import Handler
from shared.messaging.operations import Operations
from shared.messaging.relay import Relay
from shared.messaging.replay_run import Desk, decoding
from shared.messaging.stranding import StrandingWatch
from shared.messaging.topics import wait_until_answering
from shared.settings import ConfigurationInvalid, Settings, load_settings
from shared.telemetry import configure_logging, log
from shared.tokens import Tokens


@dataclass(slots=True)
class Running:
    """The connected parts of a service, for its HTTP edge and its background work."""

    settings: Settings
    engine: AsyncEngine
    clock: Clock
    relay: Relay
    door: Door
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service is told to stop: what would stay open (a stream of events) ends then."""


Background = Callable[[Running], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is made of. `background` runs until cancelled, beside consumer and relay."""

    name: str
    handlers: Mapping[type[Fact], Handler]
    store: Callable[[Settings], Store]
    edge: Callable[[Running, FastAPI], None] | None = None
    decoders: Callable[[Settings], Mapping[str, Decoder]] = field(default=lambda _: {})
    background: Sequence[Background] = ()
    prepare: Background | None = None
    """Done before anything is consumed or served."""


def check_flow(name: str, handlers: Mapping[type[Fact], Handler]) -> None:
    """Handlers and the map must say the same.

    Raises:
        FlowDisagrees: a listed fact has no handler, or a handled one is not listed.
    """
    listed = set(FLOW[name].consumes) | set(FLOW[name].accepts)
    public = {fact for fact in handlers if fact.__module__.startswith("shared.")}
    unhandled = sorted(fact.NAME for fact in listed - set(handlers))
    unlisted = sorted(fact.NAME for fact in public - listed)
    if unhandled or unlisted:
        raise FlowDisagrees(
            f"{name} does not agree with shared/flow.py: no handler for {unhandled}, not listed there: {unlisted}."
        )


def run(service: Service) -> None:
    """Run until SIGTERM or SIGINT, which may come at any moment.

    Exits 69 when Kafka or PostgreSQL is away, 78 on bad configuration.
    """
    configure_logging(service.name)
    try:
        check_flow(service.name, service.handlers)
        settings = load_settings()
        with asyncio.Runner(loop_factory=_fast_loop) as runner:
            code = runner.run(_serve(service, settings))
    except asyncio.CancelledError:
        code = 0  # told to stop before all was started
    except (ConfigurationInvalid, FlowDisagrees, Unavailable, UnsafeSubscription) as error:
        log().error("cannot-start", reason=str(error))
        code = error.exit_code
    sys.exit(code)


def _fast_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415  # not there on Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _serve(service: Service, settings: Settings) -> int:
    _on_stop_signals(_this_task().cancel)
    engine = open_engine(settings.resolved_database_url, service.name)
    clock = open_clock(settings.stride_clock)
    relay = Relay(engine, settings.kafka_bootstrap)
    door = Door(service.name, service.handlers, service.store(settings), engine, clock, relay)
    running = Running(settings, engine, clock, relay, door)
    consumer = Consumer(settings.kafka_bootstrap, door, service.decoders(settings))
    consumer.check()
    app = FastAPI(title=f"Stride {service.name}", docs_url=None, redoc_url=None)
    health.add(app, engine, relay, consumer)
    _operations(app, service, running, consumer)
    if service.edge:
        service.edge(running, app)
    async with _connected(service, running, consumer):
        _spare_the_collector()
        watches = [watch.run() for watch in _watches(running)]
        parts = [relay.run(), consumer.run(), retention.run(engine), *watches]
        parts += [task(running) for task in service.background]
        return await _until_stopped(app, running, parts)


def _spare_the_collector() -> None:
    """What start-up has made stays: never look at it again, and look at the rest less often.

    States are trees of immutable values: counting references frees them, the collector finds nothing.
    It takes a twelfth of progress' time where it looks each 50,000 objects, and next to none at 500,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)


@asynccontextmanager
async def _connected(service: Service, running: Running, consumer: Consumer) -> AsyncGenerator[None]:
    """Consumer first to stop, engine last: nothing is fetched that can't be finished."""
    try:
        await wait_until_answering(running.settings.kafka_bootstrap)
        if service.prepare:
            await service.prepare(running)
        await consumer.start()
        yield
    finally:
        await consumer.stop()
        await running.engine.dispose()


async def _until_stopped(app: FastAPI, running: Running, background: Sequence[Awaitable[None]]) -> int:
    """Serve HTTP and run the background work; the first part that ends stops the rest."""
    server = _Server(
        uvicorn.Config(
            app,
            host=running.settings.stride_http_host,
            port=running.settings.stride_http_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=10,
            server_header=False,
        )
    )
    stop = asyncio.Event()
    _on_stop_signals(stop.set)
    tasks = [asyncio.ensure_future(part) for part in background]
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([*tasks, serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in (*tasks, serving) if task.done()]
    for task in failed:
        error = task.exception() or RuntimeError("ended without an error")
        log().error("part-ended", error_type=type(error).__name__, sqlstate=sqlstate(error), exc_text=_where(task))
    running.stopping.set()
    server.should_exit = True
    await asyncio.wait([serving], timeout=15)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    return 1 if failed else 0


def _on_stop_signals(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, act)


def _this_task() -> "asyncio.Task[int]":
    task = asyncio.current_task()
    assert task is not None
    return task


class _Server(uvicorn.Server):
    """Leaves the signals to us: we have more to stop than HTTP."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _where(task: asyncio.Future[None]) -> str:
    """File and line of a failure, without values: those may be personal."""
    error = task.exception()
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""


def _watches(running: Running) -> list[StrandingWatch]:
    """What tells staff of stranded events, where the map says that this service does."""
    if EventsStranded not in FLOW[running.door.service].publishes:
        return []
    tokens = running.settings.stride_tokens
    return [StrandingWatch(running.door, running.settings.kafka_bootstrap, lambda: Tokens.load(tokens).clinics)]


def _operations(app: FastAPI, service: Service, running: Running, consumer: Consumer) -> None:
    tokens = cache(lambda: Tokens.load(running.settings.stride_tokens))
    desk = Desk(running.door, decoding(service.decoders(running.settings)))
    problems = partial(health.problems, running.engine, running.relay, consumer)
    Operations(desk, running.settings.kafka_bootstrap, tokens, problems).add_routes(app)
