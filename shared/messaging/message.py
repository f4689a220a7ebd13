"""An event on its way through a service, and what deciding on it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from shared.events.base import ClinicFact, Fact, PatientFact

S = TypeVar("S")


class Position(NamedTuple):
    """Where in Kafka a record lies."""

    topic: str
    partition: int
    offset: int


class Message(NamedTuple):
    """A fact with its CloudEvents context. (`source`, `event_id`) tells repeats."""

    event_id: str
    source: str
    fact: Fact
    correlation_id: str = ""
    position: Position | None = None
    record: "RawRecord | None" = None
    """The record as it came from Kafka; kept so that it can be parked byte for byte."""
    own: bool = False
    """It began at this service's own edge: published as soon as it is applied. See `Door.own`."""

    @property
    def key(self) -> str:
        """The patient's key; everything of one patient stays in order."""
        return self.fact.key


class Newer(Fact):
    """Stands for a fact of a newer version than this release knows: only its type and whose it is can be told."""

    NAME: ClassVar[str] = "newer"

    of_type: str
    """The CloudEvents type that came, for instance `clinic.session.logged.v2`."""

    @property
    def natural_key(self) -> str:
        """Its type: nothing more is known."""
        return self.of_type


class NewerFact(Newer, PatientFact):
    """A newer fact of a patient."""


class NewerOfClinic(Newer, ClinicFact):
    """A newer fact of a clinic as a whole."""


class RawRecord(NamedTuple):
    """A Kafka record before anybody has tried to read it."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What a handler decided: the new state and the facts that follow from it."""

    state: S
    facts: tuple[Fact, ...] = field(default=())


Handler = Callable[[Any, Any, datetime], Decision[Any]]
"""`(state, fact, now) -> Decision`: pure, no I/O, no clock, no randomness."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: applied, seen before, refused (with the reason) or parked."""

    state: Literal["applied", "repeat", "refused", "parked"]
    reason: str = ""
    pointer: str = ""
    remedy: str = ""


APPLIED, REPEAT = Outcome("applied"), Outcome("repeat")
