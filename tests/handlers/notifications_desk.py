"""The notifications service on real PostgreSQL and real SMTP, with faults to order."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import orjson
import pytest_asyncio
import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifications.gateways import Inbox, Mail, Patience
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.sender import Composer, Courier, Outlet, Pace, Route, Sender, Writer
from services.notifications.store import PatientStore, subscriptions
from services.notifications.store.ledger import Claim, Ledger
from services.notifications.store.patients import desk_of
from shared.clinics import Clinic, load_clinics
from shared.database import open_engine
from shared.events.base import Fact
from shared.ids import random_id
from shared.messages import MessagePolicy
from shared.messaging.door import Door
from shared.messaging.message import Message, Outcome
from shared.messaging.relay import Relay
from shared.settings import ROOT
from stride.embedded.mailbox.store import Store as MailStore
from stride.embedded.mailbox.web import application
from stride.embedded.ports import LOOPBACK
from tests.domain.notifications_examples import NOW

LEASE = 0.9
TABLES = (
    "patient",
    "plan",
    "appointment",
    "delivery",
    "alert",
    "consent",
    "outbox",
    "inbox",
    "parked",
    "receipt",
    "allowance",
    "subscription",
)


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


def hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


@dataclass
class Post:
    """A mail server that does as it is told: one word of `script` per message, then accepts.

    `451` and `550` refuse the content, `refuse` the recipient for good; `drop-before` hangs up before
    the final dot; `drop-taken` takes the message and hangs up instead of answering; `drop-lost` hangs up
    without taking it; `slow` takes its time.
    """

    store: MailStore
    script: list[str] = field(default_factory=list)
    port: int = 0
    http_port: int = 0
    secure: list[bool] = field(default_factory=list[bool])
    """Of each message, whether it came over TLS."""
    logins: list[str] = field(default_factory=list[str])

    def login(self, _s: SMTP, _n: Session, _e: Envelope, _mechanism: str, data: LoginPassword) -> AuthResult:
        """Lets in whoever has a name."""
        self.logins.append(data.login.decode())
        return AuthResult(success=True)

    async def handle_RCPT(self, _s: SMTP, _n: Session, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802
        if self.script[:1] == ["refuse"]:
            self.script.pop(0)
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert server.transport is not None
        self.secure.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        order = self.script.pop(0) if self.script else "accept"
        if order == "slow":
            await asyncio.sleep(2 * LEASE)
        if order in {"accept", "slow", "drop-taken"}:
            raw = envelope.original_content or b""
            self.store.add(envelope.mail_from or "", [str(r) for r in envelope.rcpt_tos], raw, 0.0)
        if order.startswith("drop"):
            hang_up(server)
        return {"451": "451 later", "550": "550 never"}.get(order, "250 OK")

    def mail(self, name: str = "smtp", *, ask: bool = True, answer: float = 2) -> Mail:
        """A connection to it, as the service has one."""
        inbox = Inbox(f"http://{LOOPBACK}:{self.http_port}") if ask else None
        return Mail(name, f"smtp://{LOOPBACK}:{self.port}", Patience(2, answer), inbox=inbox)

    def messages(self) -> list[EmailMessage]:
        """What was taken, in order."""
        found = self.store.find(message_id=None, since=0, after=0, limit=100_000)
        raw = [self.store.raw(summary.id) or b"" for summary in found]
        return [message_from_bytes(content, _class=EmailMessage, policy=modern) for content in raw]

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.messages()]

    def doubled(self) -> list[str]:
        """Message-IDs that were taken more than once."""
        ids = [str(message["Message-ID"]) for message in self.messages()]
        return sorted({one for one in ids if ids.count(one) > 1})


class _Smtp(SMTP):
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        handler: Any = self.event_handler
        if handler.script[:1] == ["drop-before"]:
            handler.script.pop(0)
            await self.push("354 go on")
            hang_up(self)
            return
        await super().smtp_DATA(arg)


@asynccontextmanager
async def post_office(
    folder: Path, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, host: str = LOOPBACK
) -> AsyncGenerator[Post]:
    """A scripted mail server with the real inbox behind it, asked over real HTTP. It asks nobody for a password."""
    loop = asyncio.get_running_loop()
    post = Post(MailStore(folder))

    def answering() -> SMTP:
        return _Smtp(
            post, loop=loop, ident="test", tls_context=starttls, authenticator=post.login, auth_require_tls=False
        )

    server = await loop.create_server(answering, host, 0, ssl=tls)
    post.port = server.sockets[0].getsockname()[1]
    web = uvicorn.Server(uvicorn.Config(application(post.store), LOOPBACK, 0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(web.serve())
    while not web.started:
        await asyncio.sleep(0.01)
    post.http_port = web.servers[0].sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        web.should_exit = True
        await serving
        server.close()


def clinic_named(clinic_id: str) -> Clinic:
    """Riverside under another id."""
    return load_clinics(ROOT / "clinics")["riverside"].model_copy(update={"clinic_id": clinic_id})


@dataclass
class Desk:
    """One service, its clock in our hands, its sender started by `sending`."""

    door: Door
    store: PatientStore
    clock: SetClock
    clinics: dict[str, Clinic]
    chats: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @property
    def engine(self) -> AsyncEngine:
        return self.door.engine

    def rule(self, clinic_id: str, messages: MessagePolicy) -> None:
        """From now on the clinic's file says so."""
        self.clinics[clinic_id] = self.clinics[clinic_id].model_copy(update={"messages": messages})
        self.store._desks[clinic_id] = desk_of(self.clinics[clinic_id])  # pyright: ignore[reportPrivateUsage]

    async def admit(self, *facts: Fact) -> list[Outcome]:
        return await self.door.admit([Message(fact.event_id, "test", fact) for fact in facts])

    async def deliveries(self, topic: str = "") -> list[Any]:
        query = "SELECT * FROM delivery WHERE :topic IN ('', topic) ORDER BY due_at, position"
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(query), {"topic": topic}))

    async def claimed(self, ledger: Ledger, limit: int = 10) -> list[Claim]:
        """What `ledger` claims of the mail that is due now."""
        async with self.door.work() as work:
            await ledger.fire(work.tx, self.clock.now())
            claims, _ = await ledger.claim(work.tx, self.clock.now(), "email", limit)
        return claims

    async def states(self, topic: str = "") -> list[tuple[str, str]]:
        return [(row.state, row.reason) for row in await self.deliveries(topic)]

    async def published(self, name: str) -> list[dict[str, Any]]:
        query = "SELECT payload FROM outbox WHERE aggregatetype = :name ORDER BY position"
        async with self.engine.connect() as connection:
            return [orjson.loads(row.payload) for row in await connection.execute(text(query), {"name": name})]

    def sender(
        self, post: Post, *, ask: bool = True, lease: float = LEASE, mail: Mail | None = None,
        routes: Sequence[Route] = (), ledger: Callable[[PatientStore, str], Ledger] = Ledger,
    ) -> tuple[Courier, Sender]:  # fmt: skip
        pace = Pace(lease_seconds=lease, poll_seconds=0.05, tick_seconds=0.005)
        email = Route("email", [Outlet(mail or post.mail(ask=ask))])
        letters = Letters(Wordings(), "https://stride.example", console_url="https://console.example")
        composer = Composer(self.clock, self.clinics, letters, self.chats, self.engine)
        own = ledger(self.store, random_id())
        writer = Writer(self.door, own, pace)
        courier = Courier(self.clock, writer, composer, {route.channel: route for route in (email, *routes)})
        return courier, Sender(self.door, own, writer, courier, pace)

    @asynccontextmanager
    async def sending(self, courier: Courier, sender: Sender) -> AsyncGenerator[asyncio.Task[None]]:
        task = asyncio.create_task(sender.run())
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.hang_up(courier)

    async def hang_up(self, courier: Courier) -> None:
        for route in courier.routes.values():
            for outlet in route.outlets:
                await outlet.provider.close()

    async def quiet(self, seconds: float = 15) -> None:
        """Until nothing is due and nothing on its way."""
        query = text(
            "SELECT count(*) FROM delivery WHERE state IN ('ready', 'claimed', 'sending')"
            " OR (state IN ('scheduled', 'deferred') AND due_at <= :now)"
        )
        async with asyncio.timeout(seconds):
            while True:
                async with self.engine.connect() as connection:
                    if not await connection.scalar(query, {"now": self.clock.now()}):
                        return
                await asyncio.sleep(0.02)

    async def settled(self, topic: str, seconds: float = 15) -> None:
        """Until the messages of `topic` are out of the sender's hands, whatever waits besides."""
        async with asyncio.timeout(seconds):
            while {state for state, _ in await self.states(topic)} & {"scheduled", "ready", "claimed", "sending"}:
                await asyncio.sleep(0.02)

    async def send_all(self, post: Post, **how: Any) -> None:
        async with self.sending(*self.sender(post, **how)):
            await self.quiet()


async def check_memory(desk: Desk) -> None:
    """What the store remembers of the patients is what is stored: nobody changed rows without saying so."""
    async with desk.engine.begin() as tx:
        found = await tx.execute(text("SELECT patient_key, clinic_id, patient_id FROM patient"))
        wanted = {key: (clinic_id, patient_id) for key, clinic_id, patient_id in found}
        afresh, heeded = PatientStore(desk.clinics, remembered_rows=0), await subscriptions.wanted(tx)
        for store in (afresh, desk.store):
            store.heed(heeded)
        stored = await afresh.load_patients(tx, wanted)
        assert await desk.store.load_patients(tx, wanted) == stored


@asynccontextmanager
async def desk_at(database_url: str, *clinic_ids: str) -> AsyncGenerator[Desk]:
    """A desk of these clinics for one test; what it remembers at the end has to be what is stored."""
    engine = open_engine(database_url, "notifications")
    try:
        opened = await open_desk(engine, "localhost:1", clinic_ids)
        yield opened
        await check_memory(opened)
    finally:
        await engine.dispose()


async def open_desk(engine: AsyncEngine, kafka: str, clinic_ids: Sequence[str]) -> Desk:
    """A desk with empty tables: senders of different tests must not send each other's messages."""
    async with engine.begin() as tx:
        await tx.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
    clinics = {clinic_id: clinic_named(clinic_id) for clinic_id in clinic_ids}
    store, clock = PatientStore(clinics), SetClock()
    door = Door("notifications", HANDLERS, store, engine, clock, Relay(engine, kafka))
    return Desk(door, store, clock, clinics)


@pytest_asyncio.fixture(loop_scope="session")
async def post(tmp_path: Path) -> AsyncGenerator[Post]:
    """A mail server for one test."""
    async with post_office(tmp_path) as office:
        yield office
