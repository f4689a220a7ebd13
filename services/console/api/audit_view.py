"""The audit trail: who saw which patient and did what, newest first, and whether its chain holds."""

from typing import Annotated, Final

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.pages import Place
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.audit import broken
from services.console.store import audit

PLACE: Final = Place("/audit", N_("Audit trail"), ("auditor",), "u")
_PAGE: Final = 100
_LAST: Final = 2**62


class _Wanted(BaseModel):
    patient_id: Annotated[str, Field(max_length=128)] = ""
    person_id: Annotated[str, Field(max_length=128)] = ""
    action: Annotated[str, Field(max_length=64)] = ""
    before: Annotated[int, Field(ge=1, le=_LAST)] = _LAST


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, and checking the chain."""

    @app.get("/audit", include_in_schema=False)
    async def page(request: Request, wanted: Annotated[_Wanted, Query()]) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            chosen = {name: getattr(wanted, name).strip() for name in ("patient_id", "person_id", "action")}
            entries = await audit.page(visit.tx, visit.clinic_id, chosen, before=wanted.before, most=_PAGE)
            await visit.did("audit.viewed", **{name: value for name, value in chosen.items() if value})
            more = entries[-1].number if len(entries) == _PAGE else 0
            return visit.page("audit.html", entries=entries, wanted=chosen, more=more)

    @app.post("/audit/verify", include_in_schema=False)
    async def verify(request: Request) -> Response:
        async with desk.act(request, *PLACE.roles) as visit:
            number, found = await _check(visit)
            await visit.did("audit.verified")
            return visit.page("parts/audit_verdict.html", number=number, found=found)


async def _check(visit: Visit) -> tuple[int, list[str]]:
    entries = [one async for some in audit.chain(visit.tx, visit.clinic_id) for one in some]
    return len(entries), [f"{one.number}: {one.reason}" for one in broken(entries)]
