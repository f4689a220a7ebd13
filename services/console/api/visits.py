"""One visit of a person to a page: its transaction, what they saw and did, and the page they get."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.api.pages import View
from services.console.api.words import Reader
from services.console.domain.audit import Event
from services.console.domain.people import Person
from services.console.store import audit
from services.console.store.sessions import Session
from shared.events.base import Fact
from shared.ids import derived_id
from shared.messaging.door import Work

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.console.api.desk import Desk

Noted = dict[tuple[str, str], set[str]]
"""By session and page, the patients whose view is put on record."""

_MOST_PAGES: Final = 10_000


class Seen:
    """Whom a session has seen on which page: a page that follows changes live tells it once."""

    def __init__(self) -> None:
        self._by_page: OrderedDict[tuple[str, str], set[str]] = OrderedDict()

    def fresh(self, session_id: str, action: str, patient_ids: Collection[str]) -> set[str]:
        """Those that were not seen there before."""
        return set(patient_ids) - self._by_page.get((session_id, action), set())

    def add(self, noted: Noted) -> None:
        """They are on record now."""
        for page, patient_ids in noted.items():
            self._by_page.setdefault(page, set()).update(patient_ids)
            self._by_page.move_to_end(page)
        while len(self._by_page) > _MOST_PAGES:
            self._by_page.popitem(last=False)


def request_id(more: Mapping[str, object], *of: str | int) -> str:
    """The id of what is asked for: pressed twice it is one request, with other details (`more`) another."""
    return derived_id(*of, "/".join(f"{name}={value}" for name, value in sorted(more.items())))


@dataclass(slots=True)
class Visit:
    """What a page's function works with. All of it commits together, or nothing does."""

    desk: "Desk"
    request: Request
    work: Work
    person: Person
    session: Session | None
    """None for a program with a token."""
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    """What was sent, where something is done."""
    noted: Noted = field(default_factory=Noted)
    awaited: list[tuple[str, object, str]] = field(default_factory=list[tuple[str, object, str]])
    """What is asked for: of what, as it stood, in words."""

    @property
    def tx(self) -> "AsyncConnection":
        """The transaction, for functions of `store`."""
        return self.work.tx

    @property
    def clinic_id(self) -> str:
        """The person's clinic: the only one that they see anything of."""
        return self.person.clinic_id

    async def saw(self, action: str, patient_ids: Collection[str], **details: str) -> None:
        """Record that the person saw something of these patients; what follows it live is not told again."""
        session_id = self.session.id if self.session else ""
        fresh = self.desk.seen.fresh(session_id, action, patient_ids) if session_id else set(patient_ids)
        if fresh:
            self.noted[session_id, action] = fresh
            await self._record(action, fresh, details)

    async def did(self, action: str, patient_id: str = "", **details: str) -> None:
        """Record that the person did something."""
        await self._record(action, [patient_id] if patient_id else [], details)

    def ask(self, fact: Fact) -> None:
        """Hand in what the person asks for. Pages show it when it has become a fact: nothing is changed here."""
        self.desk.running.door.hand_in(self.work, fact)

    def await_change(self, about: str, stood: object, words: str) -> None:
        """Once this is committed, pages show what was asked for of `about`, as long as it stands as it was seen."""
        self.awaited.append((about, stood, words))

    async def _record(self, action: str, patient_ids: Collection[str], details: Mapping[str, str]) -> None:
        who, roles = self.person.person_id, tuple(sorted(self.person.roles))
        event = Event(who, roles, action, tuple(sorted(patient_ids)), details)
        await audit.record(self.tx, self.clinic_id, [event])

    @property
    def reader(self) -> Reader:
        """In which words the person reads."""
        language = View.of(self.request).language
        return Reader(language, self.desk.pages.translator(language))

    @property
    def by_htmx(self) -> bool:
        """Whether a part of a page is asked for, not a whole one."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page, or a part of one; what `values` hold is escaped."""
        return self.desk.pages.render(self._view(), template, status, **values)

    def back_to(self, path: str) -> Response:
        """After something was done: to another page."""
        if self.by_htmx:
            return Response(status_code=204, headers={"hx-redirect": path})
        return RedirectResponse(path, 303)

    def _view(self) -> View:
        clinic = self.desk.clinics.get(self.clinic_id)
        name = self.desk.clinic_name(self.clinic_id)
        return View.of(self.request).of_person(self.person, self.session, self.desk.places, name, clinic)
