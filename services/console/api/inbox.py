"""The alert inbox: live, filtered, searched; each alert opens what it rests on."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api import evidence
from services.console.api.desk import Desk
from services.console.api.inbox_rows import READERS, hidden_from, row_of, rows_of, what_rows_show
from services.console.api.pages import Place
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.alerts import STATES, AlertState
from services.console.store import alerts, facts_of, patients
from services.console.store.alerts import Wanted

PLACE: Final = Place("/inbox", N_("Alerts"), READERS, "a")
_MOST: Final = 500

FOLDERS: Final[Mapping[str, tuple[str, tuple[AlertState, ...]]]] = {
    "to-do": (N_("To do"), ("open", "acknowledged")),
    "open": (N_("Not taken"), ("open",)),
    "snoozed": (N_("Put off"), ("snoozed",)),
    "resolved": (N_("Dealt with"), ("resolved",)),
    "all": (N_("All"), STATES),
}


class Filters(BaseModel):
    """What somebody wants to see."""

    folder: Literal["to-do", "open", "snoozed", "resolved", "all"] = "to-do"
    mine: bool = False
    severity: Literal["", "critical", "warning", "info"] = ""
    q: Annotated[str, Field(max_length=100)] = ""
    most: Annotated[int, Field(ge=1, le=_MOST)] = 50


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, the list that it fetches anew when something changes, and one alert."""

    @app.get("/inbox", include_in_schema=False)
    async def page(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        async with desk.visit(request, *READERS) as visit:
            return visit.page("inbox.html", **await _listed(visit, filters))

    @app.get("/inbox/list", include_in_schema=False)
    async def part(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        async with desk.visit(request, *READERS) as visit:
            return visit.page("parts/alerts.html", **await _listed(visit, filters))

    @app.get("/inbox/{alert_id}", include_in_schema=False)
    async def one(request: Request, alert_id: str) -> Response:
        async with desk.visit(request, *READERS) as visit:
            row = await row_of(visit, alert_id)
            facts = await facts_of(visit.tx, visit.clinic_id, row.patient_id)
            await visit.saw("alert.viewed", [row.patient_id], alert_id=alert_id)
            fact = evidence.behind(alert_id, facts)
            words = evidence.in_words(fact, *visit.reader)
            chart = evidence.chart_of(fact, facts, *visit.reader)
            place = evidence.place_of(fact) if visit.person.may("operator") else ""
            return visit.page("alert.html", row=row, words=words, chart=chart, place=place, **what_rows_show(visit))


async def _listed(visit: Visit, filters: Filters) -> dict[str, Any]:
    wanted = await _wanted(visit, filters)
    found = await alerts.listed(visit.tx, wanted, FOLDERS[filters.folder][1], filters.most + 1)
    counts = await alerts.counts(visit.tx, wanted)
    rows = await rows_of(visit, found[: filters.most])
    await visit.saw("alerts.listed", {row.patient_id for row in rows})
    numbers = {name: sum(counts.get(state, 0) for state in states) for name, (_, states) in FOLDERS.items()}
    more = min(_MOST, 2 * filters.most) if len(found) > filters.most else 0
    return {
        "rows": rows, "more": more, "filters": filters, "folders": FOLDERS, "numbers": numbers, **what_rows_show(visit)
    }  # fmt: skip


async def _wanted(visit: Visit, filters: Filters) -> Wanted:
    words = filters.q.strip()
    named = await patients.find(visit.tx, visit.clinic_id, words) if words and visit.person.knows_names else ()
    return Wanted(
        visit.clinic_id,
        hidden=hidden_from(visit),
        owner=visit.person.person_id if filters.mine else None,
        severity=filters.severity or None,
        words=words or None,
        patients=named,
    )
