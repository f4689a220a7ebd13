"""`/fhir`: single reads with ETags, searches by patient, and everything of a patient or of one course."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.console.api.desk import Desk
from services.console.api.fhir.bundles import Page, bundle
from services.console.api.fhir.everything import everything
from services.console.api.fhir.statement import MEDIA_TYPE, capability_statement
from services.console.api.fhir.terms import Resource
from services.console.api.problems import NotFound
from services.console.domain.fhir_names import ResourceType, fhir_id
from services.console.store import facts_of, patient_with
from shared.events.base import Fact
from shared.events.intake import PlanCreated
from shared.tokens import Bearer, Role

READERS: Final[tuple[Role, ...]] = ("clinician", "clinic-system")


class FhirAnswer(JSONResponse):
    """A resource."""

    media_type = MEDIA_TYPE


_Id = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]


class _Asked(Page):
    """The parameters of a search."""

    patient: Annotated[str, Field(max_length=140, pattern=r"^(Patient/)?[A-Za-z0-9._:-]+$")]
    id: Annotated[_Id | None, Field(alias="_id")] = None
    status: Annotated[str | None, Field(max_length=40)] = None


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The routes; the clinic is always the token's."""

    @app.get("/fhir/metadata", response_class=FhirAnswer)
    async def metadata() -> Response:
        """What may be asked, as a CapabilityStatement."""
        return _answer(capability_statement())

    @app.get("/fhir/Patient/{patient_id}/$everything", response_class=FhirAnswer)
    async def of_patient(request: Request, patient_id: _Id, page: Annotated[Page, Query()]) -> Response:
        """All resources of a patient, as one Bundle."""
        return _bundle(request, page, await _of_patient(desk, desk.bearer(request, *READERS), patient_id))

    @app.get("/fhir/EpisodeOfCare/{episode_id}/$everything", response_class=FhirAnswer)
    async def of_episode(request: Request, episode_id: _Id, page: Annotated[Page, Query()]) -> Response:
        """All resources of one course, as one Bundle."""
        patient_id, facts = await _facts(desk, desk.bearer(request, *READERS), "EpisodeOfCare", episode_id)
        plan_id = next(plan for plan in _plans(facts) if fhir_id(plan) == episode_id)
        return _bundle(request, page, everything(patient_id, facts, desk.protocols, plan_id))

    @app.get("/fhir/{kind}/{resource_id}", response_class=FhirAnswer)
    async def read(
        request: Request, kind: ResourceType, resource_id: _Id, if_none_match: Annotated[str, Header()] = ""
    ) -> Response:
        """One resource; 304 where it is still the version that `If-None-Match` names."""
        patient_id, facts = await _facts(desk, desk.bearer(request, *READERS), kind, resource_id)
        found = _chosen(everything(patient_id, facts, desk.protocols), kind, resource_id)
        return _versioned(found, if_none_match)

    @app.get("/fhir/{kind}", response_class=FhirAnswer)
    async def search(request: Request, kind: ResourceType, asked: Annotated[_Asked, Query()]) -> Response:
        """The resources of one type of a patient; `_id` and `status` narrow it down, `_count` makes pages."""
        return _bundle(request, asked, await _found(desk, desk.bearer(request, *READERS), kind, asked))


async def _of_patient(desk: Desk, bearer: Bearer, patient_id: str) -> list[Resource]:
    async with desk.running.door.work() as work:
        facts = await facts_of(work.tx, bearer.clinic_id, patient_id)
    if not facts:
        raise NotFound
    return everything(patient_id, facts, desk.protocols)


async def _found(desk: Desk, bearer: Bearer, kind: ResourceType, asked: _Asked) -> list[Resource]:
    try:
        resources = await _of_patient(desk, bearer, asked.patient.removeprefix("Patient/"))
    except NotFound:
        return []
    return [one for one in _chosen(resources, kind, asked.id) if asked.status in {None, one.get("status")}]


async def _facts(desk: Desk, bearer: Bearer, kind: ResourceType, resource_id: str) -> tuple[str, list[Fact]]:
    """The patient whose resource it is, and the patient's facts."""
    async with desk.running.door.work() as work:
        patient_id = resource_id if kind == "Patient" else None
        patient_id = patient_id or await patient_with(work.tx, bearer.clinic_id, kind, resource_id)
        facts = await facts_of(work.tx, bearer.clinic_id, patient_id) if patient_id else []
    if not patient_id or not facts:
        raise NotFound
    return patient_id, facts


def _plans(facts: Sequence[Fact]) -> list[str]:
    return [fact.plan_id for fact in facts if isinstance(fact, PlanCreated)]


def _chosen(resources: Sequence[Resource], kind: str, resource_id: str | None) -> list[Resource]:
    return [one for one in resources if one["resourceType"] == kind and resource_id in {None, one["id"]}]


def _versioned(found: Sequence[Resource], known: str) -> Response:
    if not found:
        raise NotFound
    etag = f'W/"{found[0]["meta"]["versionId"]}"'
    if etag in {tag.strip() for tag in known.split(",")}:
        return Response(status_code=304, headers={"etag": etag})
    return _answer(found[0], {"etag": etag})


def _bundle(request: Request, page: Page, resources: Sequence[Resource]) -> Response:
    return _answer(bundle(request, page, resources))


def _answer(content: Any, headers: dict[str, str] | None = None) -> Response:
    return FhirAnswer(content, headers=headers)
