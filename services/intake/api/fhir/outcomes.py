"""Answers in FHIR's words: what became of a resource, as OperationOutcome issues."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from services.intake.api.problems import Mistake
from shared.messaging.message import Outcome

MEDIA_TYPE = "application/fhir+json"
POINTER_EXTENSION = "urn:stride:json-pointer"
_CHOICE = re.compile(r"\b(value|effective|performed|onset|deceased|multipleBirth)[A-Z]\w*")

Code = Literal[
    "structure", "required", "value", "invariant", "not-supported", "business-rule", "conflict", "informational",
    "login", "forbidden", "too-costly", "transient", "exception", "not-found",
]  # fmt: skip


class NotTaken(Exception):
    """A resource, or the whole post, is refused. `path` is a JSON pointer into the resource."""

    def __init__(self, code: Code, detail: str, path: str = "", remedy: str = "") -> None:
        super().__init__(code)
        self.code: Code = code
        self.mistakes = (Mistake(detail, path, remedy),)

    @classmethod
    def for_each(cls, code: Code, mistakes: tuple[Mistake, ...]) -> "NotTaken":
        """The refusal for several mistakes at once."""
        refusal = cls(code, "")
        refusal.mistakes = mistakes
        return refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one resource."""

    status: Literal["accepted", "repeat", "refused"]
    issues: tuple[dict[str, Any], ...]

    @property
    def http_status(self) -> int:
        """202 accepted, 200 seen before, 422 refused."""
        return {"accepted": 202, "repeat": 200, "refused": 422}[self.status]

    @property
    def bundle_status(self) -> str:
        """As `Bundle.entry.response.status` wants it."""
        return {"accepted": "202 Accepted", "repeat": "200 OK", "refused": "422 Unprocessable Entity"}[self.status]


def refused(refusal: NotTaken, resource_type: str, *, at: str = "", within: str = "") -> Answer:
    """The answer to a refusal; `at` and `within` are pointer and FHIRPath of the resource in its Bundle."""
    issues = tuple(_located(refusal.code, mistake, at, within or resource_type) for mistake in refusal.mistakes)
    return Answer("refused", issues)


def taken(outcome: Outcome, note: str) -> Answer:
    """The answer to what the door applied or knew."""
    if outcome.state == "repeat":
        text = "This content was received before. To go back to earlier content, send a new meta.versionId."
        return Answer("repeat", (issue("information", "informational", text),))
    return Answer("accepted", (issue("information", "informational", note),))


def issue(severity: str, code: str, diagnostics: str) -> dict[str, Any]:
    """An issue without a place."""
    return {"severity": severity, "code": code, "diagnostics": diagnostics}


def operation_outcome(*issues: dict[str, Any]) -> dict[str, Any]:
    """The OperationOutcome that holds `issues`."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def _located(code: str, mistake: Mistake, at: str, root: str) -> dict[str, Any]:
    told = issue("error", code, f"{mistake.detail} {mistake.remedy}".strip())
    return told | {
        "expression": [_fhir_path(root, mistake.pointer)],
        "extension": [{"url": POINTER_EXTENSION, "valueString": at + mistake.pointer}],
    }


def _fhir_path(root: str, pointer: str) -> str:
    """`/name/0/family` as `Patient.name[0].family`; a choice such as valueQuantity is `value` in FHIRPath."""
    steps = (f"[{step}]" if step.isdecimal() else f".{step}" for step in pointer.split("/")[1:])
    return root + _CHOICE.sub(r"\1", "".join(steps))
