"""Gathering what can be observed from outside: all facts, all dead letters, all mail, some tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.events.base import Fact
from shared.events.scheduling import AppointmentFact
from stride.demo.watch import Seen, dead_letter_topics, fact_topics, read, read_all

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Facts:
    """Every fact on the topics, once: a relay may publish one twice, under the same id."""

    seen: Sequence[Seen]
    records: int
    dead_letters: int = 0
    _by_type: dict[type[Fact], list[Seen]] = field(default_factory=dict[type[Fact], list[Seen]])

    def of(self, kind: type[F]) -> list[F]:
        """The facts of that kind, in the order they were written."""
        return [one.fact for one in self._by_type.get(kind, []) if isinstance(one.fact, kind)]

    def seen_of(self, kind: type[Fact]) -> list[Seen]:
        """The same with their envelopes."""
        return self._by_type.get(kind, [])

    def per_topic(self) -> dict[str, int]:
        return dict(sorted(Counter(one.fact.NAME for one in self.seen).items()))

    def appointments(self) -> dict[str, list[tuple[Seen, AppointmentFact]]]:
        """Each appointment's versions, oldest first."""
        versions: dict[str, list[tuple[Seen, AppointmentFact]]] = defaultdict(list)
        for one in self.seen:
            if isinstance(one.fact, AppointmentFact):
                versions[one.fact.appointment_id].append((one, one.fact))
        return {name: sorted(found, key=lambda pair: pair[1].appointment_version) for name, found in versions.items()}


def facts_of(seen: Iterable[Seen], dead_letters: int = 0) -> Facts:
    """`seen` without what stands there twice."""
    records = list(seen)
    first: dict[tuple[str, str], Seen] = {}
    for one in records:
        first.setdefault((one.fact.NAME, one.event_id), one)
    by_type: dict[type[Fact], list[Seen]] = defaultdict(list)
    for one in first.values():
        by_type[type(one.fact)].append(one)
    return Facts(list(first.values()), len(records), dead_letters, dict(by_type))


async def look_at_topics(bootstrap: str) -> Facts:
    """Everything on the topics, read from the start."""
    records = await read_all(bootstrap, fact_topics())
    dead = await read_all(bootstrap, dead_letter_topics())
    return facts_of((read(record) for record in records), len(dead))
