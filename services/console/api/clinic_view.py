"""The clinic's figures week by week, with what stands out: `/clinic` for people, `/api/clinic` for programs."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.clinic_charts import charts_of
from services.console.api.desk import Desk
from services.console.api.figures import ClinicView, protocol_views
from services.console.api.pages import Place
from services.console.api.titles import RULES
from services.console.api.visits import Visit
from services.console.api.words import ENGLISH, N_, Reader
from services.console.domain.weekly import week_of
from services.console.store import weekly_figures
from shared.tokens import Role

READERS: Final[tuple[Role, ...]] = ("clinician", "clinic-system")
PLACE: Final = Place("/clinic", N_("Clinic"), READERS, "c")

Weeks = Annotated[int, Query(ge=1, le=260, description="How many weeks back.")]


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page and the JSON."""

    @app.get("/api/clinic")
    async def figures(request: Request, weeks: Weeks = 52) -> ClinicView:
        """Outcomes, completion, no-shows and time to milestone per protocol and week, with XmR limits."""
        async with desk.visit(request, *READERS) as visit:
            return await _view(visit, weeks)

    @app.get("/clinic", include_in_schema=False)
    async def page(request: Request, weeks: Weeks = 52) -> Response:
        async with desk.visit(request, *READERS) as visit:
            view = await _view(visit, weeks, visit.reader)
            charts = {
                (protocol.protocol_id, figure.figure): charts_of(figure, f"{at}-{nth}", visit.reader)
                for at, protocol in enumerate(view.protocols)
                for nth, figure in enumerate(protocol.figures)
            }
            return visit.page("clinic.html", figures=view, charts=charts, weeks=weeks)


async def _view(visit: Visit, weeks: int, reader: Reader = ENGLISH) -> ClinicView:
    desk = visit.desk
    until = week_of(desk.running.clock.now())
    since = until - timedelta(weeks=weeks - 1)
    rows = await weekly_figures(visit.tx, visit.clinic_id, since, until)
    return ClinicView(
        clinic_id=visit.clinic_id,
        since=since,
        until=until,
        rules={number: reader.translate(words) for number, words in RULES.items()},
        protocols=protocol_views(desk.protocols, rows, reader),
    )
