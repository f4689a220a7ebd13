"""Which id a FHIR reference means: within the Bundle, by type and id, or by a search on an identifier."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.intake.api.fhir.outcomes import NotTaken

_URN = re.compile(r"urn:(?:uuid|oid):([A-Za-z0-9.-]{1,64})")
_LITERAL = re.compile(r"(?:https?://[^\s?#]+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]+)?")
_SEARCH = re.compile(r"([A-Z][A-Za-z]+)\?identifier=([^\s&]{1,300})")


@dataclass(frozen=True, slots=True)
class References:
    """The resources that came together, by their full URL and by their identifiers."""

    by_url: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    by_identifier: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    @classmethod
    def within(cls, entries: Sequence[Any]) -> "References":
        """Those of a Bundle's entries; entries that are no objects count for nothing."""
        by_url: dict[str, tuple[str, str]] = {}
        by_identifier: dict[tuple[str, str], str] = {}
        for entry in entries:
            resource, url = _parts(entry)
            kind, resource_id = resource.get("resourceType"), id_in(resource, url)
            if not (isinstance(kind, str) and resource_id):
                continue
            if isinstance(url, str):
                by_url[url] = (kind, resource_id)
            for identifier in _identifiers(resource):
                by_identifier[kind, identifier] = resource_id
        return cls(by_url, by_identifier)

    def find(self, reference: Any, kind: str) -> str | None:
        """The id that a Reference to a resource of type `kind` means, if it means one."""
        text = getattr(reference, "reference", None)
        if not isinstance(text, str):
            return None
        if text in self.by_url:
            found_kind, found = self.by_url[text]
            return found if found_kind == kind else None
        if urn := _URN.fullmatch(text):
            return urn[1]
        if literal := _LITERAL.fullmatch(text):
            return literal[2] if literal[1] == kind else None
        if search := _SEARCH.fullmatch(text):
            return self.by_identifier.get((kind, search[2])) if search[1] == kind else None
        return None

    def patient(self, reference: Any, path: str) -> str:
        """The patient that a resource is about.

        Raises:
            NotTaken: there is no reference to a patient that we can follow.
        """
        found = self.find(reference, "Patient")
        if found is None:
            raise NotTaken(
                "required",
                "It is not clear which patient this is about.",
                path,
                "Refer to Patient/<id>, or to a Patient of the same Bundle by its fullUrl or identifier.",
            )
        return found


def id_in(resource: Mapping[str, Any], full_url: Any) -> str | None:
    """The resource's id, or else the UUID of its full URL."""
    resource_id = resource.get("id")
    if isinstance(resource_id, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource_id):
        return resource_id
    urn = _URN.fullmatch(full_url) if isinstance(full_url, str) and resource_id is None else None
    return urn[1] if urn else None


def _parts(entry: Any) -> tuple[Mapping[str, Any], Any]:
    if not isinstance(entry, dict):
        return {}, None
    content: dict[str, Any] = entry
    resource = content.get("resource")
    return (resource if isinstance(resource, dict) else {}), content.get("fullUrl")


def _identifiers(resource: Mapping[str, Any]) -> list[str]:
    """Each identifier as a search names it: `system|value`."""
    listed = resource.get("identifier")
    found: list[str] = []
    for identifier in listed if isinstance(listed, list) else []:
        if isinstance(identifier, dict):
            content: dict[str, Any] = identifier
            system, value = content.get("system"), content.get("value")
            if isinstance(system, str) and isinstance(value, str):
                found.append(f"{system}|{value}")
    return found
