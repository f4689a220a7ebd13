"""What every page works with, and the two ways in: `visit` to look, `act` to do."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.console.api.asked import Asked
from services.console.api.forms import check_csrf, read_form
from services.console.api.live import Live
from services.console.api.pages import Pages, Place, View
from services.console.api.visits import Seen, Visit
from services.console.domain.audit import Event
from services.console.domain.people import Person
from services.console.gateways.accounts import Accounts
from services.console.gateways.oidc import Provider
from services.console.gateways.services import Services
from services.console.gateways.topics import Topics
from services.console.store import audit, sessions
from services.console.store.sessions import Session
from shared.clinics import Clinic, load_clinics
from shared.messaging.door import Work
from shared.messaging.service import Running
from shared.protocols import Protocols, load_protocols
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Role, Tokens

COOKIE: Final = "stride_console"
"""Names the session of a browser; scripts can't read it, and other sites can't post with it."""

LIVE_HEADER: Final = "x-stride-live"
"""Marks what a page fetches by itself: it does not keep a session awake."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The connected parts of the edge."""

    running: Running
    tokens: Tokens
    accounts: Accounts
    provider: Provider
    clinics: Mapping[str, Clinic]
    protocols: Protocols
    pages: Pages
    places: Sequence[Place]
    live: Live
    seen: Seen
    asked: Asked
    services: Services
    topics: Topics

    @classmethod
    def open(cls, running: Running, tokens: Tokens, places: Sequence[Place]) -> "Desk":
        """The desk over the clinics, protocols and accounts that the settings name; `places` are what it leads to."""
        settings = running.settings
        return cls(
            running,
            tokens,
            Accounts(settings.accounts_file),
            Provider(settings),
            load_clinics(settings.stride_clinics),
            load_protocols(settings.stride_protocols, settings.stride_measures),
            Pages.load(settings.stride_session_minutes),
            places,
            Live(running),
            Seen(),
            Asked(),
            Services(settings.services, tokens),
            Topics(settings.kafka_bootstrap),
        )

    def bearer(self, request: Request, *roles: Role) -> Bearer:
        """Which program asks, by its `Authorization` header.

        Raises:
            NotAuthenticated: there is none, or nobody has issued its token.
            NotAllowed: the role is none of `roles`.
        """
        return self.tokens.bearer(request.headers.get("authorization", ""), *roles)

    def clinic_name(self, clinic_id: str) -> str:
        """The clinic as people call it."""
        clinic = self.clinics.get(clinic_id)
        return clinic.name if clinic else clinic_id

    @asynccontextmanager
    async def visit(self, request: Request, *roles: Role) -> AsyncGenerator[Visit]:
        """Somebody looks: one transaction, in which their page is read and what they saw is recorded.

        A program may look too, by its token.

        Raises:
            NotAuthenticated: nobody has signed in, or the session is over.
            NotAllowed: the person has none of `roles`; the attempt is recorded.
        """
        async with self.running.door.work() as work:
            person, session = await self._who(request, work)
            visit = Visit(self, request, work, person, session)
            allowed = person.may(*roles)
            if allowed:
                yield visit
        if not allowed:
            await self._refused(request, person)
            raise NotAllowed
        self.seen.add(visit.noted)
        for about, stood, words in visit.awaited:
            self.asked.note(about, stood, words)

    @asynccontextmanager
    async def act(self, request: Request, *roles: Role) -> AsyncGenerator[Visit]:
        """Somebody does something: as `visit`, with the form they sent, which has to come from one of our pages.

        Raises:
            NotAuthenticated, NotAllowed: as for `visit`.
            Forged: the form does not come from a page of this session.
        """
        form = await read_form(request)
        async with self.visit(request, *roles) as visit:
            check_csrf(request, form, visit.session.csrf if visit.session else None)
            visit.form = form
            yield visit

    async def _who(self, request: Request, work: Work) -> tuple[Person, Session | None]:
        if request.headers.get("authorization"):
            bearer = self.bearer(request)
            return Person(bearer.clinic_id, bearer.system, bearer.system, frozenset({bearer.role})), None
        session = await self.session(request, work)
        if session is None:
            raise NotAuthenticated
        return session.person, session

    async def session(self, request: Request, work: Work, *, awake: bool = True) -> Session | None:
        """The session of the request's cookie; none once its account is gone."""
        cookie, idle = request.cookies.get(COOKIE, ""), self.running.settings.stride_session_minutes
        awake = awake and LIVE_HEADER not in request.headers
        found = await sessions.find_session(work.tx, cookie, idle, awake=awake) if cookie else None
        gone = found and found.account and self.accounts.of(found.account) is None
        return None if gone else found

    async def _refused(self, request: Request, person: Person) -> None:
        path = request.url.path[:200]
        event = Event(person.person_id, tuple(sorted(person.roles)), "page.opened", (), {"path": path}, "refused")
        async with self.running.door.work() as work:
            await audit.record(work.tx, person.clinic_id, [event])

    def stranger_page(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page for who has not signed in."""
        return self.pages.render(View.of(request), template, status, **values)
