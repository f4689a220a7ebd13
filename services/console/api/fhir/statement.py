"""What the FHIR reads say of themselves: a CapabilityStatement, and OperationOutcomes where they say no."""

from typing import Any, Final, get_args

from services.console.domain.fhir_names import ResourceType

MEDIA_TYPE: Final = "application/fhir+json"
_DATE: Final = "2026-01-01"
"""When these reads took their present form."""

_CODES: Final = {401: "login", 403: "forbidden", 404: "not-found", 422: "invalid", 503: "transient"}


def capability_statement() -> dict[str, Any]:
    """Types, interactions, search parameters and operations."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Stride"},
        "implementation": {"description": "Reads of a patient's courses of care"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [_resource(kind) for kind in get_args(ResourceType)]}],
    }


def operation_outcome(status: int, diagnostics: str) -> dict[str, Any]:
    """Why there is no resource."""
    issue = {"severity": "error", "code": _CODES.get(status, "exception"), "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _resource(kind: str) -> dict[str, Any]:
    parameters = [("patient", "reference"), ("_id", "token"), ("status", "token"), ("_count", "number")]
    everything = [{"name": "everything", "definition": f"{_DEFINITIONS[kind]}"}] if kind in _DEFINITIONS else None
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "searchParam": [{"name": name, "type": of} for name, of in parameters],
        **({"operation": everything} if everything else {}),
    }


_DEFINITIONS: Final = {
    "Patient": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    "EpisodeOfCare": "urn:stride:fhir:episode-everything",
}
