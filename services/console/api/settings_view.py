"""How somebody wants to see the console: language and colours, kept in their browser."""

from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api.desk import Desk
from services.console.api.forms import check_origin, read_form
from services.console.api.pages import LANGUAGE_COOKIE, THEME_COOKIE, THEMES
from services.console.api.words import LANGUAGES

_A_YEAR: Final = 365 * 86_400


def add_routes(desk: Desk, app: FastAPI) -> None:
    """Taking the choice; also of somebody who has not signed in."""

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
