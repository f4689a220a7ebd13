"""Signing in by an OpenID Connect provider."""

import hmac
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api.desk import Desk
from services.console.api.entering import begin, sign_in_page
from services.console.api.problems import NotFound
from services.console.gateways.oidc import Errand, NotVouchedFor

_COOKIE: Final = "stride_errand"
_MINUTES: Final = 10


def add_routes(desk: Desk, app: FastAPI) -> None:
    """To the provider, and back."""

    @app.get("/sign-in/provider", include_in_schema=False)
    async def leave(request: Request) -> Response:
        if not desk.provider.name:
            raise NotFound
        errand = Errand.new()
        try:
            answer = RedirectResponse(await desk.provider.address(errand), 303)
        except NotVouchedFor:
            return sign_in_page(desk, request, 502, "provider")
        secure = request.url.scheme == "https"
        answer.set_cookie(
            _COOKIE, ".".join(errand), max_age=60 * _MINUTES, httponly=True, samesite="lax", secure=secure,
            path="/sign-in",
        )  # fmt: skip
        return answer

    @app.get("/sign-in/provider/back", include_in_schema=False)
    async def back(request: Request, code: str = "", state: str = "") -> Response:
        kept = request.cookies.get(_COOKIE, "").split(".")
        errand = Errand(*kept) if len(kept) == len(Errand._fields) else None
        if not desk.provider.name or errand is None or not hmac.compare_digest(errand.state, state):
            return sign_in_page(desk, request, 400, "provider")
        try:
            person = await desk.provider.person(code, errand)
        except NotVouchedFor:
            return sign_in_page(desk, request, 401, "provider")
        async with desk.running.door.work() as work:
            answer = await begin(request, work, person, "", "provider")
        answer.delete_cookie(_COOKIE, path="/sign-in")
        return answer
