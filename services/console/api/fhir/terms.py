"""The small parts of resources: references, codes, quantities, moments."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from services.console.domain.courses import Course
from services.console.domain.fhir_names import ResourceType, fhir_id
from services.console.domain.records import Records
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.protocols import MEASURE_SYSTEM, Protocols

Resource = dict[str, Any]

IDENTIFIER: Final = "urn:stride:id"
"""Of ids as the clinic system or Stride gave them."""
PROTOCOL: Final = "urn:stride:protocol:"
UCUM: Final = "http://unitsofmeasure.org"
TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"


class Known(NamedTuple):
    """What resources are made from."""

    patient_id: str
    contact: PatientRegistered | PatientUpdated | None
    records: Records
    courses: list[Course]
    protocols: Protocols


def resource(kind: ResourceType, name: tuple[str | int, ...], /, **content: Any) -> Resource:
    """A resource by what it is called; None is left out."""
    given = {key: value for key, value in content.items() if value is not None}
    identifier = [{"system": IDENTIFIER, "value": ".".join(map(str, name))}]
    return {"resourceType": kind, "id": fhir_id(*name), "identifier": identifier, **given}


def reference(kind: ResourceType, *name: str | int) -> Resource:
    """A reference to a resource that is served here."""
    return {"reference": f"{kind}/{fhir_id(*name)}"}


def person(kind: str, given_id: str) -> Resource:
    """A reference to somebody that another system knows."""
    return {"type": kind, "identifier": {"system": IDENTIFIER, "value": given_id}}


def concept(text: str, *codings: tuple[str, str]) -> Resource:
    """A CodeableConcept: text, and (system, code) of those codings that there are."""
    coded = [{"system": system, "code": code} for system, code in codings]
    return {"text": text, **({"coding": coded} if coded else {})}


def quantity(value: float, unit: str) -> Resource:
    """A value in a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def measure_concept(protocols: Protocols, measure: str) -> Resource:
    """A measure: its public codes, and Stride's own name."""
    known = protocols.measure(measure)
    public = [(term.system, term.code) for term in known.codes] if known else []
    return concept(known.title if known else measure, *public, (MEASURE_SYSTEM, measure))


def moment(at: datetime) -> str:
    """An instant, in UTC."""
    return at.isoformat().replace("+00:00", "Z")
