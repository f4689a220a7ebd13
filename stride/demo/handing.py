"""Something the clinic hands in, and through which door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.events.base import Fact

DoorName = Literal["http", "kafka", "fhir", "staff"]


@dataclass(frozen=True, slots=True)
class Handing:
    """Facts that travel together: one event, or the entries of one FHIR bundle.

    `due` is the earliest clinic time at which they may be handed in; `again` hands the very
    same event in a second time, as clinic systems do after a lost answer.
    """

    facts: tuple[Fact, ...]
    due: datetime
    door: DoorName = "http"
    again: bool = False
    spoilt: bool = False

    @property
    def event_id(self) -> str:
        """The CloudEvents id the clinic's system gives it: the same however often it is sent."""
        return f"ev-{self.facts[0].event_id}"

    @property
    def clinic_id(self) -> str:
        return self.facts[0].clinic_id
