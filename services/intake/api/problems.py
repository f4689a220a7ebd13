"""Answers to what is refused: what, where and how to mend it, by RFC 9457, never the values that were sent."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SEE = "docs/intake.md lists the fields."


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong. `pointer` is a JSON pointer (RFC 6901) into what was posted."""

    detail: str
    pointer: str = ""
    remedy: str = ""

    def under(self, prefix: str) -> "Mistake":
        """The same mistake, seen from the whole document."""
        return Mistake(self.detail, prefix + self.pointer, self.remedy)

    def as_json(self) -> dict[str, str]:
        """For an answer."""
        return {"pointer": self.pointer, "detail": self.detail, "remedy": self.remedy}


_TITLES = {
    "bad-body": "The body can't be read",
    "not-authenticated": "A token is missing or unknown",
    "not-allowed": "The token's role may not do this",
    "too-large": "The body is too large",
    "unsupported-media-type": "The body's type is not one that is read here",
    "invalid-event": "The CloudEvents attributes are not right",
    "unknown-type": "No such event is taken here",
    "invalid-data": "The event's data are not right",
    "unusable-calendar": "The calendar can't be used",
    "refused": "The event can't be applied",
    "not-found": "There is nothing here",
    "unavailable": "Not possible right now",
    "internal": "Stride went wrong",
}


class Rejected(Exception):
    """A request, or one item of it, gets an answer other than yes."""

    def __init__(self, status: int, kind: str, *mistakes: Mistake, headers: dict[str, str] | None = None) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.mistakes = mistakes
        self.headers = headers or {}

    def as_json(self) -> dict[str, Any]:
        """The problem details object."""
        return {
            "type": f"urn:stride:problem:{self.kind}",
            "title": _TITLES[self.kind],
            "status": self.status,
            "detail": self.mistakes[0].detail if self.mistakes else _TITLES[self.kind],
            "errors": [mistake.as_json() for mistake in self.mistakes],
        }

    def response(self) -> JSONResponse:
        """The answer for a whole request."""
        return JSONResponse(self.as_json(), status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


def mistakes_of(error: ValidationError, prefix: str = "") -> tuple[Mistake, ...]:
    """What Pydantic found, without the values: its own messages may quote them."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple(_mistake(item, prefix) for item in details[:50])


def _mistake(item: ErrorDetails, prefix: str) -> Mistake:
    pointer = prefix + "".join(f"/{_step(step)}" for step in item["loc"])
    if item["type"] == "missing":
        return Mistake("This field is required.", pointer, f"Add it. {_SEE}")
    if item["type"] == "extra_forbidden":
        return Mistake("There is no such field.", pointer, f"Leave it out. {_SEE}")
    if item["type"] in {"value_error", "assertion_error"}:
        return Mistake("The value is not valid.", pointer, f"Correct it. {_SEE}")
    return Mistake(f"{item['msg']}.", pointer, f"Correct it. {_SEE}")


def _step(step: int | str) -> str:
    """A field's name as it stands in a pointer; one that nobody would declare is not repeated."""
    return str(step) if isinstance(step, int) or _PLAIN_NAME.fullmatch(step) else "?"
