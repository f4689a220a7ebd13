"""Settings: how somebody wants to see the console, where they are signed in, and which keys there are."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api.desk import Desk
from services.console.api.forms import check_origin, read_form
from services.console.api.pages import LANGUAGE_COOKIE, THEME_COOKIE, THEMES
from services.console.api.problems import NotFound
from services.console.api.words import LANGUAGES, N_
from services.console.domain.people import STAFF
from services.console.store import sessions

_A_YEAR: Final = 365 * 86_400
KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "/inbox": {N_("Alerts"): "inbox"},
    "/calendar": {N_("Calendar"): "calendar"},
    "/waiting": {
        N_("Sessions without a time"): "waiting",
        N_("Times that are free now"): "waiting_case",
        N_("Waitlist and offers"): "waitlist",
    },
}
"""By the place that leads there, the templates of `parts/keys` that tell the keys of its pages."""


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, and taking the choice of language and colours; that also of somebody who has not signed in."""

    @app.get("/settings", include_in_schema=False)
    async def page(request: Request) -> Response:
        async with desk.visit(request, *STAFF) as visit:
            if visit.session is None:
                raise NotFound
            idle = desk.running.settings.stride_session_minutes
            browsers = await sessions.of_person(visit.tx, visit.person, idle)
            return visit.page("settings.html", browsers=browsers, keys=KEYS)

    @app.post("/settings", include_in_schema=False)
    async def choose(request: Request) -> Response:
        check_origin(request)
        form = await read_form(request)
        answer = RedirectResponse(_own_path(form.get("back", "/")), 303)
        for cookie, field, known in ((LANGUAGE_COOKIE, "language", LANGUAGES), (THEME_COOKIE, "theme", THEMES)):
            if form.get(field) in known:
                answer.set_cookie(cookie, form[field], max_age=_A_YEAR, httponly=True, samesite="lax", path="/")
        return answer


def _own_path(path: str) -> str:
    """A path of ours, never another host."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
