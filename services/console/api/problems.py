"""How the console says no: people are led to sign in, programs get problem details (RFC 9457)."""

from typing import Final, NamedTuple

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.console.api.desk import Desk
from services.console.api.fhir.statement import MEDIA_TYPE, operation_outcome
from services.console.api.forms import Forged, TooLarge
from services.console.api.on_the_way import to_sign_in
from services.console.api.words import N_
from shared.messaging.errors import Unavailable
from shared.tokens import NotAllowed, NotAuthenticated


class NotFound(Exception):
    """The clinic has nothing of that id."""


class CantBe(Exception):
    """What was asked for can't be done; says why and what to do instead, in words that people may read."""


class _Problem(NamedTuple):
    status: int
    title: str
    detail: str


_PROBLEMS: Final[dict[type[Exception], _Problem]] = {
    NotAuthenticated: _Problem(
        401, N_("Not signed in"), N_("Sign in, or send `Authorization: Bearer` with a token of your clinic.")
    ),
    NotAllowed: _Problem(403, N_("Not allowed"), N_("Your role may not do this. The attempt is on record.")),
    Forged: _Problem(403, N_("Not done"), N_("This page is from an earlier visit. Reload it, then try again.")),
    NotFound: _Problem(404, N_("Not found"), N_("Your clinic has nothing of that id.")),
    TooLarge: _Problem(413, N_("Too much"), N_("A form of this size can't be taken.")),
    CantBe: _Problem(422, N_("Not done"), ""),
    RequestValidationError: _Problem(
        422, N_("The request is not right"), N_("See /openapi.json for what may be asked.")
    ),
    Unavailable: _Problem(
        503, N_("Unavailable"), N_("The database can't be used at the moment: try again in a few seconds.")
    ),
}
_NOTHING: Final = N_("Nothing here")


def answer_on(app: FastAPI, desk: Desk) -> None:
    """Add the answers to what goes wrong."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = _problem_of(error)
        if request.headers.get("hx-request") == "true":
            return _to_htmx(desk, request, error, problem)
        if "text/html" in request.headers.get("accept", ""):
            if isinstance(error, NotAuthenticated):
                return to_sign_in(request)
            return desk.stranger_page(request, "problem.html", problem.status, problem=problem)
        return _to_program(request, error, problem)

    for error_type in (*_PROBLEMS, HTTPException):
        app.add_exception_handler(error_type, answer)


def _problem_of(error: Exception) -> _Problem:
    if isinstance(error, HTTPException):
        return _Problem(error.status_code, _NOTHING, "")
    problem = _PROBLEMS[type(error)]
    return problem._replace(detail=str(error)) if isinstance(error, CantBe) else problem


def _to_htmx(desk: Desk, request: Request, error: Exception, problem: _Problem) -> Response:
    """A notice beside what is on the page already."""
    if isinstance(error, NotAuthenticated):
        return Response(status_code=401, headers={"hx-redirect": "/sign-in"})
    return desk.stranger_page(request, "parts/notice.html", problem.status, problem=problem)


def _to_program(request: Request, error: Exception, problem: _Problem) -> Response:
    headers = {"www-authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
    if request.url.path.startswith("/fhir"):
        outcome = operation_outcome(problem.status, problem.detail or problem.title)
        return JSONResponse(outcome, problem.status, headers, media_type=MEDIA_TYPE)
    body = {"type": "about:blank", **problem._asdict()}
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")
