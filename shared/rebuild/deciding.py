"""Deciding again, at the time of then and knowing what was published: the handlers of a rebuild's door."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shared.clock import FileClock
from shared.events.base import Fact
from shared.messaging.errors import Unreadable
from shared.messaging.message import Decision, Handler, Message, RawRecord
from shared.messaging.wire import read_headers
from shared.rebuild.read_back import ReadBack
from shared.rebuild.tally import Verdict, compare
from shared.rebuild.told_facts import Told

_NOTHING: tuple[Fact, ...] = ()
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A message from the log, and when what it tells was decided (`ce_time`)."""

    message: Message
    time: datetime


def entry_of(message: Message, record: RawRecord, timestamp_ms: int) -> Entry:
    """The message with its time; the broker's where the record does not tell."""
    try:
        return Entry(message, datetime.fromisoformat(read_headers(record)["ce_time"]))
    except (KeyError, ValueError, Unreadable):
        return Entry(message, datetime.fromtimestamp(timestamp_ms / 1000, UTC))


@dataclass(slots=True)
class Deciding:
    """Stands between the door and a service's handlers while a batch of the log is applied.

    `now` is when the published facts say that it was decided. Where none was published, it is when
    the message itself was, and not before what the same partition brought earlier.
    """

    read_back: ReadBack
    handlers: Mapping[type[Fact], Handler]
    clock: FileClock
    verdicts: dict[str, Verdict] = field(default_factory=dict[str, Verdict])
    """Of the batch at hand, by event id. A batch that is taken a second time overwrites them."""
    _entries: dict[int, Entry] = field(default_factory=dict[int, Entry])
    _told: Mapping[str, Told] = field(default_factory=dict[str, Told])
    _known: set[str] = field(default_factory=set[str])
    _latest: dict[_Place, datetime] = field(default_factory=dict[_Place, datetime])

    def door_handlers(self) -> dict[type[Fact], Handler]:
        """For the door: all facts that a rebuild applies."""
        own = {fact: partial(self._read_back, handler) for fact, handler in self.read_back.handlers.items()}
        again = {fact: partial(self._again, handler) for fact, handler in self.handlers.items()}
        return {**again, **own}

    def begin(self, entries: Sequence[Entry], told: Mapping[str, Told], known: set[str]) -> None:
        """Make ready for a batch: what was published because of its messages, and all ids of its patients."""
        self._entries = {id(entry.message.fact): entry for entry in entries}
        self._told, self._known = told, known
        self.verdicts = {}
        self.clock.set(min(map(self._now, entries)))

    def advance(self) -> None:
        """The batch is applied: its partitions' time has moved on."""
        for entry in self._entries.values():
            if place := _place(entry):
                self._latest[place] = max(self._now(entry), self._latest.get(place, entry.time))

    def _now(self, entry: Entry) -> datetime:
        if told := self._told.get(entry.message.event_id):
            return told.decided_at
        place = _place(entry)
        return max(entry.time, self._latest.get(place, entry.time)) if place else entry.time

    def _read_back(self, handler: Handler, state: Any, fact: Fact, _: datetime) -> Decision[Any]:
        now = self._now(self._entries[id(fact)])
        self.clock.set(now)
        return Decision(handler(state, fact, now).state)

    def _again(self, handler: Handler, state: Any, fact: Fact, _: datetime) -> Decision[Any]:
        entry = self._entries[id(fact)]
        now = self._now(entry)
        self.clock.set(now)
        event_id = entry.message.event_id
        told = self._told[event_id].facts if event_id in self._told else _NOTHING
        decision = self.read_back.decide(handler, state, fact, now, told)
        if not decision.facts and not told:
            return decision
        verdict = self.verdicts[event_id] = compare(decision.facts, told)
        if verdict.agrees:
            return Decision(decision.state)
        fresh = self._fresh(decision)
        return Decision(self.read_back.settle(state, decision, (*told, *fresh)), fresh)

    def _fresh(self, decision: Decision[Any]) -> tuple[Fact, ...]:
        """What may leave now: decided, and never published because of whatever."""
        if not self.read_back.takes_new:
            return _NOTHING
        return tuple(fact for fact in decision.facts if fact.event_id not in self._known)


def _place(entry: Entry) -> _Place | None:
    position = entry.message.position
    return (position.topic, position.partition) if position else None


Progress = Callable[[int, int], None]
"""`(records applied, of how many)`, after each batch."""
