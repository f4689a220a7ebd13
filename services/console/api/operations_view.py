"""For operators: what flows between the services, how each of them is, and what waits to be published."""

from typing import Any, Final

from fastapi import FastAPI
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.flow_chart import drawn
from services.console.api.numbers import age, rate
from services.console.api.pages import Place
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.flow_map import Carried, carried
from shared.tokens import Bearer

PLACE: Final = Place("/operations", N_("Operations"), ("operator",), "o")
NO_ANSWER: Final = N_("A service does not answer. Look at its health, then try again.")


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, and the part of it that is fetched again and again."""

    @app.get("/operations", include_in_schema=False)
    async def page(request: Request) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            await visit.did("operations.viewed")
        return visit.page("operations.html")

    @app.get("/operations/now", include_in_schema=False)
    async def now(request: Request) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            pass
        figures = await desk.services.figures(operator(visit))
        flow = carried(await desk.topics.moments())
        return visit.page("parts/operations.html", picture=_picture(flow, figures), flow=flow, services=figures)


def operator(visit: Visit) -> Bearer:
    """The person as other services get to know them."""
    return Bearer(clinic_id=visit.clinic_id, system=visit.person.person_id, role="operator")


def _picture(flow: list[Carried], figures: dict[str, dict[str, Any] | None]) -> Markup:
    labels = {one: _figures(one) for one in flow}
    states = {name: _state(found) for name, found in figures.items()}
    return Markup(drawn(flow, states, labels))  # noqa: S704  # built by shared.charts, which escapes


def _figures(one: Carried) -> list[str]:
    if one.waiting is None:
        return ["–"]
    first = rate(one.per_second)
    return [first] if not one.waiting else [first, f"{one.waiting:,} · {age(one.oldest_seconds)}"]


def _state(found: dict[str, Any] | None) -> str:
    if found is None:
        return "✕"
    outbox = sum(entry["waiting"] for entry in found["outbox"])
    sign = "!" if found["problems"] or found["parked"]["keys"] else "✓"
    return f"{sign} {outbox:,}" if outbox else sign
