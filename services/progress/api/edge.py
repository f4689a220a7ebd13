"""Routes and problem answers (RFC 9457)."""

from typing import Annotated, Final

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response

from services.progress.api.charts import pictures
from services.progress.api.views import CourseView, course_view
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import Verdicts, judge
from services.progress.store import record_with_plan
from shared.charts import document
from shared.events.base import Code
from shared.messaging.errors import Unavailable
from shared.messaging.service import Running
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Tokens

READERS: Final = ("clinician", "clinic-system")


SVG: Final = "image/svg+xml"
_SVG_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""A picture has its own style sheet within it, and nothing else."""


class NoSuchCourse(Exception):
    """The token's clinic has no course of that id."""


class NoSuchChart(Exception):
    """The course has no reading to draw."""


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes of progress to `app`."""
    tokens = Tokens.load(running.settings.stride_tokens)
    _answer_problems(app)

    @app.get("/courses/{plan_id}", response_model_exclude_none=True)
    async def course(plan_id: str, authorization: Annotated[str, Header()] = "") -> CourseView:
        """How a course of the token's clinic stands, judged from the records of this moment, and why."""
        return course_view(*await _judged(running, tokens.bearer(authorization, *READERS), plan_id))

    @app.get("/courses/{plan_id}/chart.svg", response_class=Response, responses={200: {"content": {SVG: {}}}})
    async def chart(
        plan_id: str, measure: Code | None = None, authorization: Annotated[str, Header()] = ""
    ) -> Response:
        """The course's measures, or one of them, as a picture: readings, baseline, targets, verdicts."""
        record, verdicts = await _judged(running, tokens.bearer(authorization, *READERS), plan_id)
        found = pictures(record, verdicts, measure)
        if not found:
            raise NoSuchChart
        return Response(document(*found), media_type=SVG, headers={"content-security-policy": _SVG_POLICY})


async def _judged(running: Running, bearer: Bearer, plan_id: str) -> tuple[PatientRecord, Verdicts]:
    async with running.door.work() as work:
        record = await record_with_plan(work.tx, bearer.clinic_id, plan_id)
    if record is None:
        raise NoSuchCourse
    (verdicts,) = (verdicts for verdicts in judge(record) if verdicts.course.plan_id == plan_id)
    return record, verdicts


_PROBLEMS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    NotAuthenticated: (401, "No valid token", "Send `Authorization: Bearer` with a token of your clinic."),
    NotAllowed: (403, "Not allowed", "Courses are read with a clinician's or a clinic system's token."),
    NoSuchCourse: (404, "No such course", "Your clinic has no course with this plan id."),
    NoSuchChart: (404, "No such chart", "The course has no reading yet, or none of this measure."),
    Unavailable: (503, "Unavailable", "The database can't be used at the moment: try again."),
}


def _answer_problems(app: FastAPI) -> None:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        status, title, detail = _PROBLEMS[type(error)]
        problem = {"type": "about:blank", "status": status, "title": title, "detail": detail}
        headers = {"www-authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
        return JSONResponse(problem, status, headers, media_type="application/problem+json")

    for error_type in _PROBLEMS:
        app.add_exception_handler(error_type, answer)
