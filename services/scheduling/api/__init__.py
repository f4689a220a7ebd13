"""The HTTP edge, within the token's clinic: appointments, courses and what has no time; FHIR R4; previews."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from services.scheduling.api.feeds import Feeds, mount_feeds
from services.scheduling.api.fhir import FhirEdge, Refusal, mount_fhir
from services.scheduling.api.previews import Previews
from services.scheduling.domain.course import Status
from services.scheduling.store.reading import Wish, find_appointments, find_course, find_sessions, find_unplaced
from shared.database import TRANSIENT_STATES, sqlstate
from shared.events.base import Identifier, Moment
from shared.messaging.service import Running
from shared.telemetry import log
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Tokens

_LIMIT = 1000
_TITLES = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    422: "Not valid",
    500: "Our mistake",
    503: "Not available now",
}


def mount(running: Running, app: FastAPI) -> None:
    """Add the reading routes and the way this edge says no."""
    edge = Edge(running, Tokens.load(running.settings.stride_tokens))
    app.add_api_route("/appointments", edge.appointments, methods=["GET"])
    app.add_api_route("/courses/{plan_id}", edge.course, methods=["GET"])
    app.add_api_route("/work-queue", edge.work_queue, methods=["GET"])
    previews = Previews(running, edge.bearer)
    app.add_api_route("/courses/$preview", previews.preview, methods=["POST"])
    mount_feeds(Feeds(running, edge.bearer), app)
    mount_fhir(FhirEdge(running, Tokens.load(running.settings.stride_tokens)), app)
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(NotAuthenticated, _on_nobody)
    app.add_exception_handler(NotAllowed, _on_nobody)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_failure)


class Asked(BaseModel):
    """The query of `GET /appointments`."""

    model_config = ConfigDict(extra="forbid")

    plan_id: Identifier | None = None
    patient_id: Identifier | None = None
    status: Status | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class Edge:
    """Answers for one process."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running = running
        self._tokens = tokens

    async def appointments(self, request: Request, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        """Appointments that start from `from` up to `to`, earliest first: 1000, and whether there are `more`."""
        bearer = self.bearer(request)
        wish = Wish(asked.plan_id, asked.patient_id, asked.since, asked.until, asked.status, _LIMIT + 1)
        async with self._running.engine.connect() as tx:
            rows = await find_appointments(tx, bearer.clinic_id, wish)
        return {"appointments": [_appointment(row) for row in rows[:_LIMIT]], "more": len(rows) > _LIMIT}

    async def course(self, request: Request, plan_id: Identifier) -> dict[str, Any]:
        """One course: its state, its sessions in order, and every appointment made for it."""
        bearer = self.bearer(request)
        async with self._running.engine.connect() as tx:
            course = await find_course(tx, bearer.clinic_id, plan_id)
            if course is None:
                raise HTTPException(404, "This clinic has no course of that plan.")
            sessions = await find_sessions(tx, course)
            appointments = await find_appointments(tx, bearer.clinic_id, Wish(plan_id=plan_id))
        return {
            "plan_id": course.plan_id,
            "plan_version": course.plan_version,
            "patient_id": course.patient_id,
            "state": course.state,
            "ended_at": _iso(course.ended_at),
            "sessions": [_session(row) for row in sessions],
            "appointments": [_appointment(row) for row in appointments],
        }

    async def work_queue(self, request: Request) -> dict[str, Any]:
        """The sessions that have no time, with the reason and what to look through for another: 1000 at most."""
        bearer = self.bearer(request)
        async with self._running.engine.connect() as tx:
            rows = await find_unplaced(tx, bearer.clinic_id, _LIMIT)
        return {"sessions": [_queued(row) for row in rows]}

    def bearer(self, request: Request) -> Bearer:
        """Who asks."""
        try:
            header = request.headers.get("authorization", "")
            return self._tokens.bearer(header, "clinician", "front-desk", "clinic-system")
        except NotAuthenticated:
            remedy = "Send a token of this stack as `Authorization: Bearer ...`."
            raise HTTPException(401, remedy, headers={"WWW-Authenticate": "Bearer"}) from None
        except NotAllowed:
            raise HTTPException(403, "This token's role may not read appointments.") from None


def _appointment(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "status": row.status,
        "cancelation_reason": row.reason if row.state == "cancelled" else None,
        "plan_id": row.plan_id,
        "patient_id": row.patient_id,
        "sequence": row.sequence,
        "start": _iso(row.start_at),
        "end": _iso(row.end_at),
        "practitioner_id": row.practitioner_id,
        "room_id": row.room_id,
        "replaces": row.replaces,
        "session_id": row.session_id,
    }


def _session(row: Row[Any]) -> dict[str, Any]:
    unplaced = {
        "reason": row.unplaced_reason,
        "detail": row.unplaced_detail,
        "earliest": _iso(row.earliest),
        "latest": _iso(row.latest),
    }
    return {
        "sequence": row.sequence,
        "phase": row.phase,
        "min_gap_days": row.min_gap_days,
        "max_gap_days": row.max_gap_days,
        "minutes": row.minutes,
        "given_up": row.given_up,
        "unplaced": unplaced if row.unplaced_reason else None,
    }


def _queued(row: Row[Any]) -> dict[str, Any]:
    """A session without a time; `proposals` is where times for it are found, `$hold` or `$book` settles it."""
    query = f"patient={row.patient_id}&plan={row.plan_id}&sequence={row.sequence}"
    session = {"patient_id": row.patient_id, "plan_id": row.plan_id, **_session(row)}
    return {**session, "proposals": f"/fhir/Appointment/$find?{query}"}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _on_nobody(_: Request, error: Exception) -> Response:
    """FHIR's way of saying who may ask."""
    if isinstance(error, NotAuthenticated):
        response = Refusal(401, "login", "Send a token of this stack as `Authorization: Bearer ...`.").response()
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    return Refusal(403, "forbidden", "This token's role may not do this.").response()


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/fhir/"):
        return Refusal(error.status_code, "processing", str(error.detail)).response()
    return _problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _on_invalid(request: Request, error: Exception) -> Response:
    """Names the parameter, not its value."""
    assert isinstance(error, RequestValidationError)
    mistakes = [f"{'/'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in error.errors()]
    if request.url.path.startswith("/fhir/"):
        return Refusal(400, "value", "; ".join(mistakes)).response()
    return _problem(422, "; ".join(mistakes), {})


async def _on_failure(request: Request, error: Exception) -> Response:
    """Nothing of the error itself goes out: it may name what somebody asked for."""
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or _transient(error))
    if lost or isinstance(error, OSError | PoolTimeoutError):
        return _problem(503, "The database can't be used now; ask again.", {"Retry-After": "2"})
    log().error("request-failed", error_type=type(error).__name__, path=request.scope["route"].path)
    return _problem(500, "The error is in Stride's log.", {})


def _transient(error: DBAPIError) -> bool:
    """Whether the same question may be answered a little later."""
    return sqlstate(error).startswith(TRANSIENT_STATES) or not sqlstate(error)


def _problem(status: int, detail: str, headers: dict[str, str]) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)
