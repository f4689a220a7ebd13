"""From a FHIR resource to the one fact it brings. What Stride has no use for is refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir.resources.R4B.adverseevent import AdverseEvent
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.procedure import Procedure
from pydantic import ValidationError

from services.intake.api.fhir import care, people, records
from services.intake.api.fhir.outcomes import NotTaken
from services.intake.api.fhir.reading import Reader
from services.intake.api.fhir.references import References, id_in
from services.intake.api.problems import mistakes_of
from shared.events.base import PatientFact
from shared.protocols import Protocols

Brings = Callable[[Any, Reader], PatientFact]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A resource type that Stride takes: the library's model of it, and what it brings."""

    model: Any
    brings: Brings


KINDS: Mapping[str, _Kind] = {
    "Patient": _Kind(Patient, people.patient),
    "Encounter": _Kind(Encounter, care.encounter),
    "Condition": _Kind(Condition, care.condition),
    "Observation": _Kind(Observation, records.observation),
    "Procedure": _Kind(Procedure, records.procedure),
    "Appointment": _Kind(Appointment, care.appointment),
    "AdverseEvent": _Kind(AdverseEvent, records.adverse_event),
}
_TAKEN = f"It takes {', '.join(KINDS)}."


@dataclass(frozen=True, slots=True)
class ResourceMap:
    """Maps the resources of one post."""

    clinic_id: str
    protocols: Protocols
    references: References
    received_at: datetime

    def fact_of(self, resource: Mapping[str, Any], full_url: Any = None) -> PatientFact:
        """The fact that `resource` brings.

        Raises:
            NotTaken: it is no valid R4, lacks what we need, or is of no use to Stride.
        """
        kind = _kind(resource)
        parsed = _parse(kind, resource)
        resource_id = id_in(resource, full_url)
        if resource_id is None:
            raise NotTaken("required", "The resource has no id.", "/id", "Give it an id, or a fullUrl with a UUID.")
        reader = Reader(self.clinic_id, resource_id, self.protocols, self.references, self.received_at)
        try:
            return kind.brings(parsed, reader)
        except ValidationError as error:
            mistakes = tuple(records.in_fhir_terms(mistake) for mistake in mistakes_of(error))
            raise NotTaken.for_each("value", mistakes) from None


def _kind(resource: Mapping[str, Any]) -> _Kind:
    name = resource.get("resourceType")
    if not (isinstance(name, str) and name.isascii() and name.isalpha() and len(name) <= 64):  # noqa: PLR2004
        raise NotTaken("structure", "resourceType is missing or is no name.", "/resourceType", _TAKEN)
    if name not in KINDS:
        raise NotTaken("not-supported", f"Stride does not use {name}.", "/resourceType", _TAKEN)
    return KINDS[name]


def _parse(kind: _Kind, resource: Mapping[str, Any]) -> Any:
    try:
        return kind.model.model_validate(dict(resource))
    except ValidationError as error:
        raise NotTaken.for_each("structure", mistakes_of(error)) from None
    except Exception:  # noqa: BLE001  # the library's own validators trip over some hostile input
        raise NotTaken("structure", "This is not a valid R4 resource.", "", "Check it with a FHIR validator.") from None
