"""What the clinic handed in, and what it was answered: the intended side of every comparison."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.events.base import Fact
from stride.demo.handing import Handing

Answer = Literal["accepted", "repeat", "refused", "handed-over"]
"""`handed-over`: put on the inbound topic, where nobody answers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt that got an answer. `answered_at` is the machine's time, in epoch seconds."""

    handing: Handing
    answer: Answer
    answered_at: float
    status: int = 202
    reason: str = ""


@dataclass(slots=True)
class Ledger:
    """All entries, in the order of their answers."""

    entries: list[Entry] = field(default_factory=list[Entry])

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)

    def count(self) -> Counter[str]:
        """How many answers of each kind."""
        return Counter(entry.answer for entry in self.entries)

    def taken_on(self) -> Iterator[tuple[Handing, Fact]]:
        """Every fact that Stride has taken responsibility for, once."""
        seen: set[tuple[str, str]] = set()
        for entry in self.entries:
            if entry.answer == "refused":
                continue
            for fact in entry.handing.facts:
                if (fact.NAME, fact.event_id) not in seen:
                    seen.add((fact.NAME, fact.event_id))
                    yield entry.handing, fact
