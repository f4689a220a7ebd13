"""Long lists come page by page."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from services.notifications.store.lists import Entry, Wanted


class Page(BaseModel):
    """Which page: `after` is the `next` of the page before."""

    limit: int = Field(default=100, ge=1, le=500)
    after: int = Field(default=0, ge=0, le=2**62)

    def equal(self, *names: str, clinic_id: str) -> Wanted:
        """What is asked for: the clinic's entries that equal those of the fields `names` that are given."""
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return Wanted(clinic_id, given, self.after, self.limit)


def next_page(found: Sequence[Entry], page: Page) -> int | None:
    """Where the next page begins, if there may be one."""
    return found[-1]["position"] if len(found) == page.limit else None


def shown(entry: Entry) -> dict[str, Any]:
    """The entry without its place in the list."""
    return {name: value for name, value in entry.items() if name != "position"}
