"""The map of `shared/flow.py` with what goes on in it: arrows between services, and what each carries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.flow import FLOW, LISTENING, consumed_topics, fact_topics

OUTSIDE: Final = "outside"
"""Clinic systems and people, who hand in what no service publishes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What Kafka says at one moment. `lag` and `oldest` are by consumer group and topic.

    `ends` counts the records of each topic since it was made; `oldest` is when the first record that
    waits was written, in seconds since 1970.
    """

    at: float
    ends: Mapping[str, int] = field(default_factory=dict[str, int])
    lag: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    oldest: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])


@dataclass(frozen=True, slots=True)
class Arrow:
    """Facts that `source` publishes and `target` consumes."""

    source: str
    target: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """An arrow with its figures; None where they are not known (yet)."""

    arrow: Arrow
    per_second: float | None
    waiting: int | None
    oldest_seconds: float | None


def arrows() -> list[Arrow]:
    """All arrows, in the order of the flow; what comes from outside first. None leads from who only listens."""
    known, found = set(fact_topics()), list[Arrow]()
    for target in FLOW:
        consumed = set(consumed_topics(target))
        pairs = [(OUTSIDE, consumed - known)]
        publishing = [name for name in FLOW if name not in LISTENING]
        pairs += [(source, consumed & {fact.NAME for fact in FLOW[source].publishes}) for source in publishing]
        found += [Arrow(source, target, tuple(sorted(topics))) for source, topics in pairs if topics]
    return found


def carried(moments: Iterable[Moment]) -> list[Carried]:
    """Each arrow with what the moments, oldest first, say of it."""
    seen = list(moments)
    return [
        Carried(arrow, _rate(arrow, seen), *(_waiting(arrow, seen[-1]) if seen else (None, None))) for arrow in arrows()
    ]


def _rate(arrow: Arrow, seen: list[Moment]) -> float | None:
    """Records a second from the oldest moment to the newest."""
    if not seen or seen[-1].at <= seen[0].at:
        return None
    first, last = seen[0], seen[-1]
    records = sum(last.ends.get(topic, 0) - first.ends.get(topic, 0) for topic in arrow.topics)
    return max(0.0, records / (last.at - first.at))


def _waiting(arrow: Arrow, now: Moment) -> tuple[int, float | None]:
    places = [(arrow.target, topic) for topic in arrow.topics]
    ages = [now.at - now.oldest[place] for place in places if place in now.oldest]
    return sum(now.lag.get(place, 0) for place in places), max(ages, default=None)
