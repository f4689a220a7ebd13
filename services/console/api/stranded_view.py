"""For operators: what is parked and what became a dead letter; found, looked at masked, mended, taken up again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.operations_view import NO_ANSWER, PLACE, operator
from services.console.api.problems import CantBe, NotFound
from services.console.api.words import N_
from services.console.gateways.services import Away, Nothing
from shared.clock import SystemClock

_SHOWN: Final = 200
_PICKED: Final = "pick:"
_NOTHING_PICKED: Final = N_("Nothing is picked: tick what is to be taken up.")
_NO_FIELD: Final = N_("Say which field: its path begins with /, as in /contact/language.")
_Text = Annotated[str, Field(max_length=200)]


class _Wanted(BaseModel):
    kind: Literal["", "parked", "letter"] = ""
    service: _Text = ""
    topic: _Text = ""
    key: _Text = ""
    event_type: _Text = ""
    reason: _Text = ""

    def filters(self) -> dict[str, str]:
        """As the services take them."""
        given = {name: value.strip() for name, value in self.model_dump().items() if name != "service"}
        return {name: value for name, value in given.items() if value}


def add_routes(desk: Desk, app: FastAPI) -> None:
    """Looking, and taking up."""
    _add_looking(desk, app)
    _add_taking_up(desk, app)


def _add_looking(desk: Desk, app: FastAPI) -> None:
    @app.get("/operations/stranded", include_in_schema=False)
    async def listed(request: Request, wanted: Annotated[_Wanted, Query()]) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            await visit.did("stranded.listed", **wanted.filters())
        answers = await desk.services.stranded(operator(visit), wanted.filters())
        chosen = {name: found for name, found in answers.items() if wanted.service in ("", name)}
        found = sorted((one for some in chosen.values() if some for one in some["stranded"]), key=_age)
        return visit.page(
            "stranded.html",
            wanted=wanted,
            services=list(desk.services.addresses),
            away=[name for name, some in chosen.items() if some is None],
            count=sum(some["count"] for some in chosen.values() if some),
            found=[_shown(one) for one in found[:_SHOWN]],
            now=SystemClock().now(),
        )

    @app.get("/operations/stranded/{word:path}", include_in_schema=False)
    async def one(request: Request, word: str) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            await visit.did("stranded.viewed", id=word[:300])
        try:
            found = await desk.services.one(operator(visit), word.partition(":")[0], word)
        except Nothing:
            raise NotFound from None
        except Away:
            raise CantBe(NO_ANSWER) from None
        return visit.page("stranded_one.html", one=_shown(found), records=found["records"])


def _add_taking_up(desk: Desk, app: FastAPI) -> None:
    @app.post("/operations/replay", include_in_schema=False)
    async def replay(request: Request) -> Response:
        async with desk.act(request, *PLACE.roles) as visit:
            # Recorded before it is done: nothing happens that is not on record.
            dry_run, asked = "dry_run" in visit.form, _asked(visit.form, list(desk.services.addresses))
            await visit.did("stranded.replay", dry_run=str(dry_run), asked="; ".join(map(_said, asked.items()))[:2000])
        fates: list[dict[str, Any]] = []
        for service, what in asked.items():
            try:
                fates += await desk.services.replay(operator(visit), service, {**what, "dry_run": dry_run})
            except (Away, Nothing):
                fates.append({"id": service, "state": "failed", "reason": NO_ANSWER, "events": 0})
        return visit.page("parts/replayed.html", fates=fates, dry_run=dry_run)

    @app.post("/operations/mend", include_in_schema=False)
    async def mend(request: Request) -> Response:
        async with desk.act(request, *PLACE.roles) as visit:
            dry_run, word = "dry_run" in visit.form, visit.form.get("id", "")
            changes = _changes(visit.form)
            # Where it was changed is recorded, not to what: that may be personal.
            pointers = ", ".join(str(change["pointer"]) for change in changes)
            await visit.did("stranded.mend", id=word[:300], dry_run=str(dry_run), fields=pointers[:500])
        try:
            asked = {"id": word, "changes": changes, "dry_run": dry_run}
            fates = await desk.services.mend(operator(visit), word.partition(":")[0], asked)
        except Nothing:
            raise NotFound from None
        except Away:
            raise CantBe(NO_ANSWER) from None
        return visit.page("parts/replayed.html", fates=fates, dry_run=dry_run)


def _asked(form: Mapping[str, str], services: list[str]) -> dict[str, dict[str, Any]]:
    """What each service is to take up: what was picked, or all that the filters of the page leave."""
    picked = [name.removeprefix(_PICKED) for name in form if name.startswith(_PICKED)]
    if "everything" in form:
        wanted = _Wanted.model_validate({name: form.get(name, "") for name in _Wanted.model_fields})
        return {name: dict(wanted.filters()) for name in services if wanted.service in ("", name)}
    if not picked:
        raise CantBe(_NOTHING_PICKED)
    by_service: dict[str, list[str]] = {}
    for word in picked:
        by_service.setdefault(word.partition(":")[0], []).append(word)
    return {name: {"ids": words} for name, words in by_service.items() if name in services}


def _said(asked: tuple[str, dict[str, Any]]) -> str:
    service, what = asked
    return f"{service}: {', '.join(what['ids'])}" if "ids" in what else f"{service}: {what or 'everything'}"


def _changes(form: Mapping[str, str]) -> list[dict[str, str | None]]:
    pointer = form.get("pointer", "").strip()
    if not pointer.startswith("/"):
        raise CantBe(_NO_FIELD)
    return [{"pointer": pointer, "value": None if "remove" in form else form.get("value", "")}]


def _age(one: dict[str, Any]) -> tuple[str, str]:
    return one["since"], one["id"]


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"since": datetime.fromisoformat(one["since"])}
