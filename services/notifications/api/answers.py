"""Problem details (RFC 9457): what was wrong and how to mend it, never what was sent."""

from http import HTTPStatus

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.notifications.api.fhir_resources import outcome
from shared.messaging.errors import Unavailable

_TITLES = {
    401: ("No valid token.", "Send the header `Authorization: Bearer <token>`."),
    403: ("This token may not do that.", "Use a token with the right role."),
    404: ("There is no such thing here.", "List what there is, for instance GET /alerts."),
    409: ("That can't be done now.", "See `detail`."),
    412: ("It was changed meanwhile.", "Read it again, and send its ETag in If-Match."),
    413: ("The request is too large.", "Send less at once."),
    422: ("The request is not right.", "See `errors`."),
    503: ("The database can't be used right now.", "Nothing was changed: try again."),
}


def answer_problems(app: FastAPI) -> None:
    """Have every failure answered as a problem."""
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Unavailable, _unavailable)


def _answer(request: Request, status: int, **more: object) -> JSONResponse:
    """Problem details (RFC 9457); on the FHIR edge an OperationOutcome."""
    title, remedy = _TITLES.get(status, ("The request can't be served.", ""))
    if request.url.path.startswith("/fhir/"):
        return JSONResponse(outcome(status, f"{title} {remedy}"), status, media_type="application/fhir+json")
    content: dict[str, object] = {"type": "about:blank", "status": status, "title": title, "detail": remedy, **more}
    return JSONResponse(content, status, media_type="application/problem+json")


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = error.detail != HTTPStatus(error.status_code).phrase
    answer = _answer(request, error.status_code, **({"detail": error.detail} if said else {}))
    answer.headers.update(error.headers or {})
    return answer


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    """Says which part of the request is wrong, never what was in it."""
    assert isinstance(error, RequestValidationError)
    found = [{"pointer": "/" + "/".join(map(str, item["loc"])), "detail": item["msg"]} for item in error.errors()]
    return _answer(request, 422, errors=found)


async def _unavailable(request: Request, _: Exception) -> JSONResponse:
    return _answer(request, 503)
