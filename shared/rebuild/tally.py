"""What a rebuild found: how much it read, and whether deciding again says what was published."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.events.base import Fact

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One message: what was decided on it anew, against what was published because of it."""

    same: int = 0
    changed: frozenset[str] = frozenset()
    """Published then and decided now, with other content."""
    untold: frozenset[str] = frozenset()
    """Decided now; not published because of this message."""
    undecided: frozenset[str] = frozenset()
    """Published because of this message; not decided now."""

    @property
    def agrees(self) -> bool:
        """Whether deciding again gave just what was published."""
        return not (self.changed or self.untold or self.undecided)


def compare(decided: Sequence[Fact], told: Sequence[Fact]) -> Verdict:
    """`decided` anew against what was `told`, by event id and content."""
    now = {fact.event_id: fact for fact in decided}
    then = {fact.event_id: fact for fact in told}
    both = now.keys() & then.keys()
    changed = frozenset(event_id for event_id in both if now[event_id] != then[event_id])
    return Verdict(
        same=len(both) - len(changed),
        changed=changed,
        untold=frozenset(now.keys() - then.keys()),
        undecided=frozenset(then.keys() - now.keys()),
    )


@dataclass(slots=True)
class Tally:
    """Everything of one rebuild."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    """Messages by what became of them: applied, repeat, parked, unreadable."""
    same: int = 0
    changed: set[str] = field(default_factory=set[str])
    untold: set[str] = field(default_factory=set[str])
    undecided: set[str] = field(default_factory=set[str])

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Count what was found."""
        for verdict in verdicts:
            self.same += verdict.same
            self.changed |= verdict.changed
            self.untold |= verdict.untold
            self.undecided |= verdict.undecided

    @property
    def new(self) -> set[str]:
        """Event ids that are decided now and were never published, whatever led to them."""
        return self.untold - self.undecided - self.changed

    @property
    def missing(self) -> set[str]:
        """Event ids that were published, and that nothing leads to now."""
        return self.undecided - self.untold

    def as_json(self) -> dict[str, Any]:
        """Counts, and the first ids of what does not agree."""
        found = {"changed": self.changed, "new": self.new, "missing": self.missing}
        # Decided now because of another message than then: the order of the log is not quite that of the decisions.
        elsewhere = len(self.untold & self.undecided)
        counts = {"same": self.same, "elsewhere": elsewhere} | {name: len(ids) for name, ids in found.items()}
        return counts | {"ids": {name: sorted(ids)[:_NAMED] for name, ids in found.items() if ids}}
