"""FHIR R4 reads: messages as Communication, alerts as Task. The clinic is always the token's; no text, no address."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import FastAPI, HTTPException, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.notifications.api.bearers import Authorization, bearer_of
from services.notifications.api.fhir_resources import Resource, communication, searchset, task
from services.notifications.api.paging import Page, next_page
from services.notifications.store import alert_lists, lists
from services.notifications.store.lists import Wanted
from shared.events.base import Identifier
from shared.messaging.service import Running
from shared.tokens import Role, Tokens

READERS: Final[tuple[Role, ...]] = ("clinician", "clinic-system")
MEDIA_TYPE: Final = "application/fhir+json"


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    reads = FhirReads(running, tokens)
    app.add_api_route("/fhir/Communication", reads.communications)
    app.add_api_route("/fhir/Communication/{name}", reads.one_communication)
    app.add_api_route("/fhir/Task", reads.tasks)
    app.add_api_route("/fhir/Task/{name}", reads.one_task)


class _Search(Page):
    """The parameters of a search; `_after` is in the link to the next page."""

    patient: Annotated[str, Field(max_length=140, pattern=r"^(Patient/)?[A-Za-z0-9._:-]+$")]
    limit: Annotated[int, Field(alias="_count", ge=1, le=200)] = 50
    after: Annotated[int, Field(alias="_after", ge=0, le=2**62)] = 0

    def of(self, clinic_id: str, **more: str) -> Wanted:
        """What is asked for."""
        return Wanted(clinic_id, {"patient_id": self.patient.removeprefix("Patient/"), **more}, self.after, self.limit)


@dataclass(frozen=True, slots=True)
class FhirReads:
    """The routes."""

    running: Running
    tokens: Tokens

    async def communications(
        self, request: Request, asked: Annotated[_Search, Query()], authorization: Authorization = ""
    ) -> JSONResponse:
        """Messages to a patient, newest first; those to staff are their own affair."""
        bearer = bearer_of(self.tokens, authorization, *READERS)
        async with self.running.door.work() as work:
            found = await lists.deliveries(work.tx, asked.of(bearer.clinic_id, recipient="patient"))
        return _bundle(request, asked, found, [communication(entry) for entry in found])

    async def one_communication(self, name: Identifier, authorization: Authorization = "") -> JSONResponse:
        """One message to a patient."""
        bearer = bearer_of(self.tokens, authorization, *READERS)
        wanted = Wanted(bearer.clinic_id, {"delivery_id": name, "recipient": "patient"}, 0, 1)
        async with self.running.door.work() as work:
            found = await lists.deliveries(work.tx, wanted)
        return _resource(communication(found[0]) if found else None)

    async def tasks(
        self, request: Request, asked: Annotated[_Search, Query()], authorization: Authorization = ""
    ) -> JSONResponse:
        """Alerts about a patient, newest first."""
        bearer = bearer_of(self.tokens, authorization, *READERS)
        async with self.running.door.work() as work:
            found = await alert_lists.alerts(work.tx, asked.of(bearer.clinic_id), state=None, words=None)
        return _bundle(request, asked, found, [task(entry) for entry in found])

    async def one_task(self, name: Identifier, authorization: Authorization = "") -> JSONResponse:
        """One alert; its ETag is the one that changes over `/alerts` ask for."""
        bearer = bearer_of(self.tokens, authorization, *READERS)
        async with self.running.door.work() as work:
            found = await alert_lists.alert(work.tx, bearer.clinic_id, name)
        return _resource(task(found) if found else None)


def _resource(found: Resource | None) -> JSONResponse:
    if found is None:
        raise HTTPException(404)
    version = found.get("meta", {}).get("versionId")
    return JSONResponse(found, headers={"ETag": f'W/"{version}"'} if version else None, media_type=MEDIA_TYPE)


def _bundle(request: Request, asked: _Search, found: list[dict[str, Any]], resources: list[Resource]) -> JSONResponse:
    after = next_page(found, asked)
    following = str(request.url.include_query_params(_after=after)) if after else None
    return JSONResponse(searchset(str(request.url), resources, following), media_type=MEDIA_TYPE)
