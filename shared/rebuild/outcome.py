"""How a rebuild ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.rebuild.comparison import Difference


class NotToBeRebuilt(Exception):
    """Somebody else rebuilds the service, or its tables are not of this release."""

    exit_code = 69


class NotToBeSwapped(Exception):
    """The rebuilt state must not take the running one's place as it is; the message says why."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of a rebuild."""

    service: str
    records: int
    messages: Mapping[str, int]
    """How many were applied, were repeats, are parked, or can't be read."""
    facts: Mapping[str, Any]
    """What deciding again says against what was published; see `Tally`."""
    tables: Sequence[Difference] = field(default_factory=tuple[Difference, ...])
    still_seconds: float = 0.0
    """How long the running service could not write."""
    swapped_seconds: float = 0.0
    old_schema: str = ""

    @property
    def same(self) -> bool:
        """Whether no table differs."""
        return all(table.same for table in self.tables)
