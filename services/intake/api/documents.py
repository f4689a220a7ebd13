"""What `/openapi.json` says about the routes: they read their bodies themselves, so it is said here."""

from typing import Any, Final

from services.intake.api.cloudevents import ACCEPTED

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "remedy"],
                "properties": {name: {"type": "string"} for name in ("pointer", "detail", "remedy")},
            },
        },
    },
}
_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"enum": sorted(ACCEPTED)},
        "data": {"type": "object", "description": "The fact, without clinic_id: that is the token's."},
    },
}
_TAKEN = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {"id": {"type": "string"}, "status": {"enum": ["accepted", "repeat"]}},
}
_RESOURCE = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}}
_BEARER = [{"bearer": []}]
_CE_HEADERS = [
    {
        "name": f"ce-{name}",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "Binary mode.",
    }
    for name in ("specversion", "id", "source", "type")
]


def _json(schema: dict[str, Any], *media_types: str) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type in media_types}


def _route(
    summary: str, body: dict[str, Any] | None, answers: dict[int, Any], problem: dict[str, Any], *parameters: Any
) -> dict[str, Any]:
    """Keyword arguments of `add_api_route`."""
    refusals = {status: {"description": text, "content": problem} for status, text in _REFUSALS.items()}
    extra: dict[str, Any] = {"security": _BEARER, "parameters": list(parameters)}
    if body:
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "summary": summary,
        "response_model": None,
        "status_code": next(iter(answers)),
        "responses": answers | refusals,
        "openapi_extra": extra,
    }


_REFUSALS = {
    400: "The body can't be read.",
    401: "No token that was issued.",
    403: "The token's role may not do this.",
    413: "Too large.",
    415: "Not the right content type.",
    422: "Refused: what, where, and how to mend it.",
    503: "Not possible right now; send the same again.",
}
_PROBLEMS = _json(_PROBLEM, "application/problem+json")
_OUTCOMES = _json(_RESOURCE, "application/fhir+json")


def _path(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


EVENTS: Final = _route(
    "Hand in CloudEvents 1.0: binary, structured or batch",
    _json(_EVENT, "application/cloudevents+json")
    | _json({"type": "array", "items": _EVENT}, "application/cloudevents-batch+json")
    | _json({"type": "object", "description": "Binary mode: the data; attributes in ce- headers."}, "application/json"),
    {
        202: {"description": "Durable.", "content": _json(_TAKEN, "application/json")},
        207: {"description": "A batch of which some items are refused; one answer per item."},
    },
    _PROBLEMS,
    *_CE_HEADERS,
)
_FHIR_ANSWERS = {
    202: {"description": "Durable.", "content": _OUTCOMES},
    200: {"description": "A repeat, or the answers to a Bundle, entry by entry.", "content": _OUTCOMES},
}
_FHIR_BODY = _json(_RESOURCE, "application/fhir+json", "application/json")
FHIR: Final = _route("Hand in a FHIR R4 resource or Bundle", _FHIR_BODY, _FHIR_ANSWERS, _OUTCOMES)
FHIR_TYPE: Final = _route(
    "Hand in a FHIR R4 resource of the named type", _FHIR_BODY, _FHIR_ANSWERS, _OUTCOMES, *_path("resource_type")
)
PROPOSALS: Final = _route(
    "What waits for a clinician's decision", None, {200: {"description": "Proposals."}}, _PROBLEMS
)
_DECISION_BODY = _json({"type": "object", "properties": {"reason": {"type": "string"}}}, "application/json")
_DECIDED = {202: {"description": "Durable."}}
_DECISION_PATH = _path("plan_id", "proposal_id")
APPROVE: Final = _route("Take the proposed step", _DECISION_BODY, _DECIDED, _PROBLEMS, *_DECISION_PATH)
DECLINE: Final = _route("Leave the plan as it is", _DECISION_BODY, _DECIDED, _PROBLEMS, *_DECISION_PATH)
_CALENDAR_PATH = [
    *_path("calendar_id"),
    *(
        {"name": name, "in": "query", "required": False, "schema": {"type": kind}}
        for name, kind in (
            ("practitioner", "string"),
            ("room", "string"),
            ("patient", "string"),
            ("revision", "integer"),
        )
    ),
]
CALENDAR: Final = _route(
    "Bring in an iCalendar file (RFC 5545 events, RFC 7953 availability) as one of the clinic's calendars",
    {"text/calendar": {"schema": {"type": "string"}}},
    _DECIDED,
    _PROBLEMS,
    *_CALENDAR_PATH,
)
NO_CALENDAR: Final = _route("Withdraw one of the clinic's calendars", None, _DECIDED, _PROBLEMS, *_CALENDAR_PATH)
