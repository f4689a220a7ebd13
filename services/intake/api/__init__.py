"""The HTTP edge: `POST /events`, `POST /fhir`, and the proposals that clinicians decide on."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.intake.api import documents
from services.intake.api.decisions import Decisions
from services.intake.api.events import Events
from services.intake.api.fhir import outcomes
from services.intake.api.fhir.posts import Posts
from services.intake.api.ical.posts import Calendars
from services.intake.api.problems import Mistake, Rejected
from shared.messaging.errors import Unavailable
from shared.messaging.gathering import Gathering
from shared.messaging.service import Running
from shared.protocols import Protocols
from shared.telemetry import log
from shared.tokens import Tokens

_ISSUE_CODES = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    413: "too-costly",
    415: "not-supported",
    503: "transient",
}


def edge(running: Running, app: FastAPI, tokens: Tokens, protocols: Protocols) -> None:
    """Add intake's routes and its way to say no to `app`."""
    events = Events(Gathering(running.door), tokens)
    posts = Posts(running.door, tokens, running.clock, protocols)
    decisions = Decisions(running.door, tokens, running.clock)
    decide = "/plans/{plan_id}/proposals/{proposal_id}"
    # A plain route answers; FastAPI's own, which has nothing to add, is for the document only. A third of the work.
    app.router.routes.append(Route("/events", events, methods=["POST"]))
    app.add_api_route("/events", events.post, methods=["POST"], **documents.EVENTS)
    app.add_api_route("/fhir", posts.post, methods=["POST"], **documents.FHIR)
    app.add_api_route("/fhir/{resource_type}", posts.post, methods=["POST"], **documents.FHIR_TYPE)
    app.add_api_route("/proposals", decisions.pending, methods=["GET"], **documents.PROPOSALS)
    app.add_api_route(f"{decide}/approve", decisions.approve, methods=["POST"], **documents.APPROVE)
    app.add_api_route(f"{decide}/decline", decisions.decline, methods=["POST"], **documents.DECLINE)
    calendars = Calendars(running.door, tokens, running.clock)
    app.add_api_route("/calendars/{calendar_id}", calendars.put, methods=["PUT"], **documents.CALENDAR)
    app.add_api_route("/calendars/{calendar_id}", calendars.withdraw, methods=["DELETE"], **documents.NO_CALENDAR)
    app.add_exception_handler(Rejected, _on_rejected)
    app.add_exception_handler(Unavailable, _on_unavailable)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


async def _on_rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return _answer(request, error)


async def _on_unavailable(request: Request, error: Exception) -> Response:
    mistake = Mistake("The database can't be used now; nothing was taken.", remedy="Send the same again.")
    return _answer(request, Rejected(503, "unavailable", mistake, headers={"Retry-After": "2"}))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    rejected = Rejected(error.status_code, "not-found", Mistake("No such address or method; /openapi.json lists them."))
    rejected.headers.update(error.headers or {})
    return _answer(request, rejected)


async def _on_bug(request: Request, error: Exception) -> Response:
    log().error("request-failed", error_type=type(error).__name__, path=_route(request))
    return _answer(request, Rejected(500, "internal", Mistake("Nothing was taken; the error is in Stride's log.")))


def _route(request: Request) -> str:
    """The route's pattern: a path may hold ids."""
    return getattr(request.scope.get("route"), "path", "/events")


def _answer(request: Request, rejected: Rejected) -> Response:
    """Problem details, or an OperationOutcome where FHIR is spoken."""
    if not request.url.path.startswith("/fhir"):
        return rejected.response()
    code = _ISSUE_CODES.get(rejected.status, "exception")
    issues = [outcomes.issue("error", code, f"{m.detail} {m.remedy}".strip()) for m in rejected.mistakes]
    return JSONResponse(
        outcomes.operation_outcome(*issues),
        status_code=rejected.status,
        media_type=outcomes.MEDIA_TYPE,
        headers=rejected.headers,
    )
