"""A model against every revision of its event that was ever published, in both directions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from stride.contracts.compatibility.pairs import Breach, Kind, Schema
from stride.contracts.compatibility.reading import breaches

Direction = Literal["backward", "forward"]
"""backward: today's reader reads old facts; forward: an older reader reads today's facts."""

_MEND: Final[dict[Direction, dict[Kind, str]]] = {
    "backward": {
        "required": "make it optional (a default)",
        "type": "take the old type too (a union)",
        "choice": "keep the old values",
        "limit": "allow what was allowed",
        "undeclared": "allow further fields",
        "default": "keep the old default",
        "unjudged": "say it in keywords that stride/contracts/compatibility knows, or add a rule and its test",
    },
    "forward": {
        "required": "keep it required",
        "type": "keep the old type; put the new one into a new optional field",
        "choice": "keep to the old values; put new ones into a new optional field",
        "limit": "keep to the old limits",
        "undeclared": "put it into a place that older readers leave open",
        "default": "keep the old default",
        "unjudged": "say it in keywords that stride/contracts/compatibility knows, or add a rule and its test",
    },
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that a changed model breaks."""

    wire_type: str
    revision: int
    direction: Direction
    breach: Breach

    def __str__(self) -> str:
        if self.direction == "backward":
            whom = f"today's reader can't read what revision {self.revision} wrote"
        else:
            whom = f"a reader of revision {self.revision} can't read what is written today"
        head, _, version = self.wire_type.rpartition(".v")
        mend = f"{_MEND[self.direction][self.breach.kind]}, or declare version {int(version) + 1} of {head}"
        return f"{self.wire_type} {self.breach.path}: {whom} ({self.breach.what}). {mend.capitalize()}."


def broken(wire_type: str, today: Schema, revisions: Mapping[int, Schema]) -> list[Broken]:
    """What `today`'s schema breaks, against each of `revisions` by number."""
    return list(_broken(wire_type, today, revisions))


def _broken(wire_type: str, today: Schema, revisions: Mapping[int, Schema]) -> Iterator[Broken]:
    for number, old in sorted(revisions.items()):
        for breach in breaches(reader=today, writer=old):
            yield Broken(wire_type, number, "backward", breach)
        for breach in breaches(reader=old, writer=today):
            yield Broken(wire_type, number, "forward", breach)
