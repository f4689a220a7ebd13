"""What several FHIR resource types have in common: codes, instants, versions, patients."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.intake.api.fhir.outcomes import NotTaken
from services.intake.api.fhir.references import References
from shared.events.clinical import Side
from shared.protocols import Protocols

SNOMED = "http://snomed.info/sct"
SIDES = {"419465000": Side.RIGHT, "419161000": Side.LEFT, "51440002": Side.BOTH}
"""SNOMED CT codes of the R4 value set `bodysite-laterality` (hl7.org/fhir/R4/valueset-bodysite-laterality.html)."""
_LONGEST_VERSION = 15


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one resource of one clinic."""

    clinic_id: str
    resource_id: str
    protocols: Protocols
    references: References
    received_at: datetime

    def about(self, reference: Any, path: str = "/subject/reference") -> dict[str, str]:
        """The fields that say whose fact it is.

        Raises:
            NotTaken: the patient is not clear.
        """
        return {"clinic_id": self.clinic_id, "patient_id": self.references.patient(reference, path)}

    def practitioner(self, reference: Any) -> str | None:
        """A practitioner named by id; one that only an identifier names is not one of the clinic's file."""
        return self.references.find(reference, "Practitioner")

    def changed_at(self, resource: Any) -> datetime:
        """When the resource was last changed, as far as it says so."""
        return _updated(resource) or self.received_at


def instant(value: Any, path: str) -> datetime:
    """A FHIR dateTime as a moment.

    Raises:
        NotTaken: it is missing, or only a date: the order of records needs the time.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        missing = value is None
        detail = "A date with its time is missing." if missing else "A date without time and zone is not enough."
        raise NotTaken("required" if missing else "value", detail, path, "Send it as 2026-03-01T09:30:00Z.")
    return value


def whole_date(value: Any) -> date | None:
    """A FHIR date, if it is given to the day."""
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def revision(resource: Any) -> int | None:
    """Orders the versions of a resource: `meta.versionId` where it is a number, else `meta.lastUpdated` in seconds."""
    version = getattr(resource.meta, "versionId", None)
    if isinstance(version, str) and version.isdecimal() and version.isascii() and len(version) <= _LONGEST_VERSION:
        return int(version) or None
    updated = _updated(resource)
    return int(updated.timestamp()) if updated and updated.timestamp() >= 1 else None


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """System and code of each coding of a CodeableConcept."""
    for coding in getattr(concept, "coding", None) or ():
        if coding is not None and coding.system and coding.code:
            yield str(coding.system), str(coding.code)


def codes(concept: Any) -> set[str]:
    """The codes of a concept whose value set FHIR itself fixes."""
    return {code for _, code in codings(concept)}


def side_of(concept: Any) -> Side | None:
    """The side that a body site names."""
    return next((SIDES[code] for system, code in codings(concept) if system == SNOMED and code in SIDES), None)


def label(concept: Any) -> str:
    """What a concept is called."""
    displays = (coding.display for coding in concept.coding or () if coding is not None and coding.display)
    return str(concept.text or next(displays, "") or next(iter(codes(concept)), ""))


def _updated(resource: Any) -> datetime | None:
    updated = getattr(resource.meta, "lastUpdated", None)
    return updated if isinstance(updated, datetime) and updated.tzinfo else None
