"""A wish for a time as a form or an address has it."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from services.console.api.problems import CantBe
from services.console.api.words import N_
from shared.events.clinical import TimeWish, Weekday

_FIELDS: Final = ("not_before", "not_after", "start", "end", "practitioner_id")
_DAY: Final = "weekday-"


def wish_of(fields: Mapping[str, str]) -> TimeWish:
    """The wish; what is left empty does not restrict.

    Raises:
        CantBe: a field has what is no date or time, or an end lies before its begin.
    """
    given: dict[str, Any] = {name: fields[name].strip() for name in _FIELDS if fields.get(name, "").strip()}
    given["weekdays"] = tuple(day for day in Weekday if f"{_DAY}{day.value}" in fields)
    try:
        wish = TimeWish.model_validate(given)
    except ValidationError:
        raise CantBe(N_("A date or a time of the wish can't be read.")) from None
    if wish.start and wish.end and wish.start >= wish.end:
        raise CantBe(N_("The end lies before the begin."))
    if wish.not_before and wish.not_after and wish.not_before > wish.not_after:
        raise CantBe(N_("The last day lies before the first."))
    return wish


def as_query(wish: TimeWish) -> Mapping[str, Any]:
    """The wish as scheduling's work queue takes it."""
    query = wish.model_dump(mode="json", exclude_none=True, exclude={"weekdays"})
    return {**query, "weekday": [day.value for day in wish.weekdays]}
