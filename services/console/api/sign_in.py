"""Signing in with a token. For a browser, which can't send an `Authorization` header by itself."""

from urllib.parse import parse_qs

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api.desk import COOKIE, Desk
from shared.tokens import NotAuthenticated

_EIGHT_HOURS = 8 * 3600
_LONGEST_FORM = 2048


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The form, taking it, and signing out."""

    @app.get("/sign-in", include_in_schema=False)
    async def form() -> Response:
        return desk.page("sign_in.html", wrong=False)

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        token = await _token(request)
        try:
            desk.tokens.bearer(f"Bearer {token}")
        except NotAuthenticated:
            return desk.page("sign_in.html", 401, wrong=True)
        answer = RedirectResponse("/clinic", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, token.strip(), max_age=_EIGHT_HOURS, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return answer

    @app.post("/sign-out", include_in_schema=False)
    async def sign_out() -> Response:
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer


async def _token(request: Request) -> str:
    """The form's one field; nothing where the form is longer than a token could be."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return ""
    return parse_qs(body.decode(errors="replace")).get("token", [""])[0]
