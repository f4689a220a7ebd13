"""Signing in with a password, and signing out."""

from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import COOKIE, Desk
from services.console.api.entering import begin, sign_in_page
from services.console.api.forms import check_origin, read_form
from services.console.domain.audit import Event
from services.console.domain.people import STAFF
from services.console.gateways.accounts import Account
from services.console.store import audit, sessions

_MOST_FAILED: Final = {"account": 10, "address": 100}
"""Attempts that fail within 15 minutes; a clinic's staff may share an address."""


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The form, taking it, and signing out."""

    @app.get("/sign-in", include_in_schema=False)
    async def form(request: Request) -> Response:
        return sign_in_page(desk, request)

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        check_origin(request)
        given = await read_form(request)
        name = given.get("name", "").strip().lower()[:200]
        who = {f"account:{sessions.hash_of(name)}", f"address:{request.client.host if request.client else ''}"}
        if await _too_many(desk, who):
            return sign_in_page(desk, request, 429, "often", name)
        account = await run_in_threadpool(desk.accounts.signed_in, name, given.get("password", "")[:1024])
        if account is None:
            await _failed(desk, name)
            return sign_in_page(desk, request, 401, "wrong", name)
        async with desk.running.door.work() as work:
            await sessions.forget_attempts(work.tx, who)
            return await begin(request, work, account.person, name, "password")

    @app.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        async with desk.act(request, *STAFF) as visit:
            if visit.form.get("everywhere") == "true":
                await visit.did("session.closed", where="everywhere")
                await sessions.close_all(visit.tx, visit.person)
            else:
                await visit.did("session.closed")
                await sessions.close_session(visit.tx, visit.session.id if visit.session else "")
            answer = visit.back_to("/sign-in")
        answer.delete_cookie(COOKIE, path="/")
        # Nothing of what was seen stays behind, in whatever cache.
        answer.headers["clear-site-data"] = '"cache", "storage"'
        return answer

    @app.post("/awake", include_in_schema=False)
    async def awake(request: Request) -> Response:
        """Somebody types or reads: the session stays."""
        async with desk.act(request, *STAFF):
            return Response(status_code=204)


async def _too_many(desk: Desk, who: set[str]) -> bool:
    async with desk.running.door.work() as work:
        tried = await sessions.note_attempt(work.tx, who)
    return any(number > _MOST_FAILED[one.partition(":")[0]] for one, number in tried.items())


async def _failed(desk: Desk, name: str) -> None:
    """On record where there is such an account: its clinic may want to know."""
    account: Account | None = desk.accounts.of(name)
    if account is None:
        return
    event = Event(account.person_id, tuple(sorted(account.roles)), "session.opened", (), {"way": "password"}, "refused")
    async with desk.running.door.work() as work:
        await audit.record(work.tx, account.clinic_id, [event])
