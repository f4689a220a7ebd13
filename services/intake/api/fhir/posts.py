"""`POST /fhir`: a resource, or a Bundle of which Stride takes what it uses, entry by entry."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake.api.bodies import NotStrictJson, parse_json, read_body
from services.intake.api.fhir import outcomes
from services.intake.api.fhir.mapping import ResourceMap
from services.intake.api.fhir.outcomes import Answer, NotTaken, operation_outcome, refused, taken
from services.intake.api.fhir.records import in_fhir_terms
from services.intake.api.fhir.references import References
from services.intake.api.problems import Mistake, Rejected
from services.intake.api.roles import bearer_of
from services.intake.domain.inputs import ConditionRead, EncounterRead
from shared.clock import Clock
from shared.events.base import Fact, PatientFact
from shared.messaging.door import Door
from shared.messaging.message import Message, Outcome
from shared.protocols import Protocols
from shared.tokens import Bearer, Tokens

LIMIT = 16 * 1_048_576
_ENTRIES = 20_000
_MEDIA_TYPES = ("application/fhir+json", "application/json")
_METHODS = ("POST", "PUT")

Read = Message | NotTaken


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a Bundle (or the one resource of a plain post), and where it stands."""

    resource: Mapping[str, Any]
    full_url: Any = None
    method: Any = "POST"
    at: str = ""
    within: str = ""

    @property
    def resource_type(self) -> str:
        """Its type, for FHIRPath; only letters."""
        name = self.resource.get("resourceType")
        return name if isinstance(name, str) and name.isascii() and name.isalpha() else "Resource"


@dataclass(frozen=True, slots=True)
class Posts:
    """The endpoint."""

    door: Door
    tokens: Tokens
    clock: Clock
    protocols: Protocols

    async def post(self, request: Request) -> Response:
        """Take a resource or a Bundle."""
        bearer = bearer_of(request, self.tokens, "clinic-system", "clinician")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _MEDIA_TYPES:
            raise Rejected(415, "unsupported-media-type", Mistake(f"Send {_MEDIA_TYPES[0]}."))
        body = await read_body(request, LIMIT)
        try:
            content = await run_in_threadpool(parse_json, body)
        except NotStrictJson as error:
            raise Rejected(400, "bad-body", Mistake(str(error))) from None
        if not isinstance(content, dict):
            raise Rejected(400, "bad-body", Mistake("The body is not a JSON object."))
        resource: dict[str, Any] = content
        _check_path(request, resource)
        if resource.get("resourceType") == "Bundle":
            return await self._bundle(resource, bearer)
        (answer,) = await self._answers([_Entry(resource)], References(), bearer)
        return _response(operation_outcome(*answer.issues), answer.http_status)

    async def _bundle(self, bundle: Mapping[str, Any], bearer: Bearer) -> Response:
        """No all-or-nothing: each entry has its own answer, in order."""
        if bundle.get("type") not in ("transaction", "batch"):
            mistake = NotTaken("not-supported", "Of Bundles, transaction and batch are taken.", "/type")
            return _response(operation_outcome(*refused(mistake, "Bundle").issues), 422)
        listed = bundle.get("entry", [])
        if not isinstance(listed, list) or len(listed) > _ENTRIES:
            mistake = NotTaken("structure", f"entry is not a list of at most {_ENTRIES}.", "/entry")
            return _response(operation_outcome(*refused(mistake, "Bundle").issues), 422)
        entries: list[Any] = listed
        read = [_entry(entry, number) for number, entry in enumerate(entries)]
        answers = await self._answers(read, References.within(entries), bearer)
        answered = [
            {"response": {"status": answer.bundle_status, "outcome": operation_outcome(*answer.issues)}}
            for answer in answers
        ]
        content = {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": answered}
        return _response(content, 200)

    async def _answers(self, entries: list[_Entry], references: References, bearer: Bearer) -> list[Answer]:
        """Read all apart from the event loop, take together what can be taken, answer each."""
        mapping = ResourceMap(bearer.clinic_id, self.protocols, references, self.clock.now())
        read = await run_in_threadpool(lambda: [_read(entry, mapping) for entry in entries])
        messages = [item for item in read if isinstance(item, Message)]
        results = iter(await self.door.admit(messages) if messages else [])
        return [
            _answer(entry, item, next(results) if isinstance(item, Message) else None)
            for entry, item in zip(entries, read, strict=True)
        ]


def _check_path(request: Request, resource: Mapping[str, Any]) -> None:
    named = request.path_params.get("resource_type")
    if named is not None and named != resource.get("resourceType"):
        mistake = Mistake("The address names another resource type than the body.", "/resourceType")
        raise Rejected(400, "bad-body", mistake)


def _entry(entry: Any, number: int) -> _Entry:
    content: dict[str, Any] = entry if isinstance(entry, dict) else {}
    resource: Any = content.get("resource")
    asked: Any = content.get("request")
    method: Any = asked.get("method") if isinstance(asked, dict) else None
    at, within = f"/entry/{number}/resource", f"Bundle.entry[{number}].resource"
    return _Entry(resource if isinstance(resource, dict) else {}, content.get("fullUrl"), method, at, within)


def _read(entry: _Entry, mapping: ResourceMap) -> Read:
    try:
        if entry.method not in _METHODS:
            remedy = "What was wrong is sent again with the status entered-in-error."
            raise NotTaken("not-supported", "Stride takes POST and PUT.", "", remedy)
        fact = mapping.fact_of(entry.resource, entry.full_url)
    except NotTaken as refusal:
        return refusal
    return Message(_identity(entry, fact), f"{fact.clinic_id}|fhir", fact)


def _identity(entry: _Entry, fact: PatientFact) -> str:
    """The same content is the same message: FHIR has no message id, and systems post again what they posted."""
    content = orjson.dumps([fact.patient_id, entry.resource], option=orjson.OPT_SORT_KEYS)
    return f"{entry.resource_type}/{fact.natural_key}"[:200] + f"/{hashlib.sha256(content).hexdigest()}"


def _answer(entry: _Entry, item: Read, outcome: Outcome | None) -> Answer:
    if isinstance(item, NotTaken) or outcome is None:
        refusal = item if isinstance(item, NotTaken) else NotTaken("exception", "No answer.")
        return refused(refusal, entry.resource_type, at=entry.at, within=entry.within)
    if outcome.state == "refused":
        mistake = in_fhir_terms(Mistake(outcome.reason, outcome.pointer, outcome.remedy))
        refusal = NotTaken("business-rule", mistake.detail, mistake.pointer, mistake.remedy)
        return refused(refusal, entry.resource_type, at=entry.at, within=entry.within)
    return taken(outcome, _note(item.fact))


def _note(fact: Fact) -> str:
    if isinstance(fact, ConditionRead) and fact.withdrawn:
        return "Withdrawn: it will not open a course."
    if isinstance(fact, EncounterRead | ConditionRead):
        return "Kept. It opens a course as soon as Patient, finished Encounter and treated Condition are all known."
    if fact.NAME.startswith("fhir."):
        return "Taken: the patient's details are up to date."
    return f"Taken as {fact.wire_type()}."


def _response(content: Mapping[str, Any], status: int) -> Response:
    return JSONResponse(content, status_code=status, media_type=outcomes.MEDIA_TYPE)
