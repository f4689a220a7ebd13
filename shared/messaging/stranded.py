"""One view of everything that waits for a person: parked keys and dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.dead_letter_topics import Letter, dead_letters
from shared.messaging.masking import identifier, printable
from shared.messaging.replay import ParkedKey, parked_keys

Kind = Literal["parked", "letter"]

_KEY = "key"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchId(Exception):
    """A word that is not the id of anything stranded, now or ever."""

    exit_code = 2

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{printable(word)!r} is no id. A parked key's is SERVICE:key:CLINIC/PATIENT, a dead letter's "
            "SERVICE:TOPIC:OFFSET; `stride dlq list` shows them."
        )


@dataclass(frozen=True, slots=True)
class Stranded:
    """A key whose events are parked in a service, or a record that a service could not read.

    Of a parked key, `topic`, `event_type`, `event_id` and `reason` are those of the first event,
    which holds up the rest. `events` counts all of them, `size` is the bytes of their values.
    """

    kind: Kind
    service: str
    topic: str
    key: str
    event_type: str
    event_id: str
    reason: str
    since: datetime
    events: int
    size: int
    offset: int | None = None
    """A dead letter's place in its dead-letter topic."""

    @property
    def id(self) -> str:
        """Names it as long as it is stranded."""
        if self.kind == "parked":
            return f"{self.service}:{_KEY}:{self.key}"
        return f"{self.service}:{self.topic}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Named:
    """The parts of an id; a parked key has no topic and no offset, a dead letter no key."""

    service: str
    key: str = ""
    topic: str = ""
    offset: int = 0


def parse_id(word: str) -> Named:
    """What an id names.

    Raises:
        NoSuchId: it has not the form of one.
    """
    service, _, rest = word.partition(":")
    place, _, last = rest.partition(":")
    if not (service and place and last):
        raise NoSuchId(word)
    if place == _KEY:
        return Named(service, key=last)
    if not last.isdecimal():
        raise NoSuchId(word)
    return Named(service, topic=place, offset=int(last))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the stranded are meant; empty means all.

    `topic`, `key` and `event_type` may be patterns with `*`; `reason` is a part of the reason, in
    any case. `since` takes what was stranded then or later.
    """

    ids: frozenset[str] = frozenset()
    kind: Kind | None = None
    service: str = ""
    topic: str = ""
    key: str = ""
    event_type: str = ""
    reason: str = ""
    since: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self == Selection()

    def takes(self, one: Stranded) -> bool:
        """Whether `one` is meant."""
        if self.ids and one.id not in self.ids:
            return False
        if self.kind not in (None, one.kind) or self.service not in ("", one.service):
            return False
        if self.since and one.since < self.since:
            return False
        wanted = ((self.topic, one.topic), (self.key, one.key), (self.event_type, one.event_type))
        return all(not pattern or fnmatchcase(value, pattern) for pattern, value in wanted) and (
            self.reason.lower() in one.reason.lower()
        )


async def find_stranded(
    engines: Mapping[str, AsyncEngine], bootstrap: str, selection: Selection | None = None
) -> list[Stranded]:
    """What is stranded in the services of `engines`, longest first.

    Raises:
        Unavailable: PostgreSQL or Kafka does not answer.
    """
    wanted = selection or Selection()
    named = {parse_id(word).service for word in wanted.ids}
    services = [s for s in engines if wanted.service in ("", s) and (s in named or not named)]
    found: list[Stranded] = []
    if wanted.kind != "letter":
        for service in services:
            found += [_of_key(service, parked) for parked in await parked_keys(engines[service])]
    if wanted.kind != "parked" and services:
        found += [of_letter(letter) for letter in await dead_letters(bootstrap, services, values=False)]
    return sorted((one for one in found if wanted.takes(one)), key=lambda one: (one.since, one.id))


def _of_key(service: str, parked: ParkedKey) -> Stranded:
    return Stranded(
        kind="parked",
        service=service,
        topic=parked.topic,
        key=parked.key,
        event_type=identifier(dict(parked.headers).get("ce_type")),
        event_id=identifier(parked.event_id),
        reason=printable(parked.reason),
        since=parked.since,
        events=parked.events,
        size=parked.size,
    )


def of_letter(letter: Letter) -> Stranded:
    """A dead letter in the one view."""
    return Stranded(
        kind="letter",
        service=letter.service,
        topic=letter.topic,
        key=letter.key,
        event_type=letter.event_type,
        event_id=letter.event_id,
        reason=f"{letter.code}: {letter.reason}",
        since=_EPOCH + timedelta(milliseconds=letter.timestamp_ms),
        events=1,
        size=letter.size,
        offset=letter.offset,
    )
