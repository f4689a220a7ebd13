"""The first page, and the ways to it: a session that begins, and links that begin one."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api.desk import COOKIE, Desk
from services.console.api.on_the_way import onwards
from services.console.domain.audit import Event
from services.console.domain.people import STAFF, Person
from services.console.store import audit, sessions
from shared.messaging.door import Work


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The first page that a person may see, and links that sign in once."""

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        async with desk.visit(request, *STAFF) as visit:
            mine = (place.path for place in desk.places if visit.person.may(*place.roles))
            return RedirectResponse(next(mine), 303)

    @app.get("/enter/{secret}", include_in_schema=False)
    async def enter(request: Request, secret: str) -> Response:
        async with desk.running.door.work() as work:
            name = await sessions.use_link(work.tx, secret)
            account = desk.accounts.of(name) if name else None
            if account:
                return await begin(request, work, account.person, name or "", "link")
            if await desk.session(request, work):
                return RedirectResponse("/", 303)
        return sign_in_page(desk, request, 410, "used")


async def begin(request: Request, work: Work, person: Person, account: str, way: str) -> Response:
    """Open a session and lead on. Whoever signs in gets a new session, whatever came before."""
    secret = await sessions.open_session(work.tx, person, account)
    event = Event(person.person_id, tuple(sorted(person.roles)), "session.opened", (), {"way": way})
    await audit.record(work.tx, person.clinic_id, [event])
    answer = onwards(request)
    # Lax: somebody who comes from their provider, or by a link in a message, is signed in all the same.
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


def sign_in_page(desk: Desk, request: Request, status: int = 200, problem: str = "", name: str = "") -> Response:
    """The form, with what went wrong the last time."""
    return desk.stranger_page(request, "sign_in.html", status, problem=problem, name=name, provider=desk.provider.name)
