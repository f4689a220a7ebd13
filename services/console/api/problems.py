"""How the console says no: people are led to sign in, programs get problem details (RFC 9457)."""

from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.console.api.desk import Desk
from services.console.api.fhir.statement import MEDIA_TYPE, operation_outcome
from shared.messaging.errors import Unavailable
from shared.tokens import NotAllowed, NotAuthenticated


class NotFound(Exception):
    """The token's clinic has nothing of that id."""


_PROBLEMS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    NotAuthenticated: (401, "No valid token", "Sign in, or send `Authorization: Bearer` with a token of your clinic."),
    NotAllowed: (403, "Not allowed", "Your role may not see this page; a clinician's may."),
    NotFound: (404, "Not found", "Your clinic has nothing of that id."),
    RequestValidationError: (422, "The request is not right", "See /openapi.json for what may be asked."),
    Unavailable: (503, "Unavailable", "The database can't be used at the moment: try again."),
}
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def answer_on(app: FastAPI, desk: Desk) -> None:
    """Add the answers to what goes wrong, and the headers that keep a page to itself."""

    async def answer(request: Request, error: Exception) -> Response:
        status, title, detail = _PROBLEMS.get(type(error), (_status(error), "Nothing here", "See /openapi.json."))
        if _for_people(request):
            if isinstance(error, NotAuthenticated):
                return RedirectResponse("/sign-in", 303)
            return desk.page("problem.html", status, title=title, detail=detail)
        headers = {"www-authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
        if request.url.path.startswith("/fhir"):
            return JSONResponse(operation_outcome(status, detail), status, headers, media_type=MEDIA_TYPE)
        problem = {"type": "about:blank", "status": status, "title": title, "detail": detail}
        return JSONResponse(problem, status, headers, media_type="application/problem+json")

    for error_type in (*_PROBLEMS, HTTPException):
        app.add_exception_handler(error_type, answer)

    @app.middleware("http")
    async def keep_to_itself(request: Request, proceed: RequestResponseEndpoint) -> Response:
        response = await proceed(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _status(error: Exception) -> int:
    return error.status_code if isinstance(error, HTTPException) else 500


def _for_people(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
