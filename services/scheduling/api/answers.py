"""The way this edge says no: FHIR's below `/fhir/`, problem details (RFC 9457) everywhere else."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from services.scheduling.api.fhir.answers import Refusal
from shared.database import TRANSIENT_STATES, sqlstate, swapped_away
from shared.messaging.errors import Unavailable
from shared.telemetry import log
from shared.tokens import NotAllowed, NotAuthenticated

_TITLES = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    422: "Not valid",
    500: "Our mistake",
    503: "Not available now",
}


def answer_problems(app: FastAPI) -> None:
    """Let every failure be answered."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(NotAuthenticated, _on_nobody)
    app.add_exception_handler(NotAllowed, _on_nobody)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_failure)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _on_nobody(request: Request, error: Exception) -> Response:
    """Who may ask."""
    if isinstance(error, NotAuthenticated):
        found = _no(request, 401, "login", "Send a token of this stack as `Authorization: Bearer ...`.")
        found.headers["WWW-Authenticate"] = "Bearer"
        return found
    return _no(request, 403, "forbidden", "This token's role may not do this.")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = _no(request, error.status_code, "processing", str(error.detail))
    found.headers.update(error.headers or {})
    return found


async def _on_invalid(request: Request, error: Exception) -> Response:
    """Names the parameter, not its value."""
    assert isinstance(error, RequestValidationError)
    mistakes = [f"{'/'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in error.errors()]
    status = 400 if _in_fhir(request) else 422
    return _no(request, status, "value", "; ".join(mistakes))


async def _on_failure(request: Request, error: Exception) -> Response:
    """Nothing of the error itself goes out: it may name what somebody asked for."""
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or _transient(error))
    if lost or isinstance(error, OSError | PoolTimeoutError | Unavailable):
        return _problem(503, "The database can't be used now; ask again.", {"Retry-After": "2"})
    log().error("request-failed", error_type=type(error).__name__, path=request.scope["route"].path)
    return _problem(500, "The error is in Stride's log.")


def _in_fhir(request: Request) -> bool:
    return request.url.path.startswith("/fhir/")


def _no(request: Request, status: int, code: str, detail: str) -> Response:
    return Refusal(status, code, detail).response() if _in_fhir(request) else _problem(status, detail)


def _transient(error: DBAPIError) -> bool:
    """Whether the same question may be answered a little later."""
    return sqlstate(error).startswith(TRANSIENT_STATES) or not sqlstate(error) or swapped_away(error)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)
