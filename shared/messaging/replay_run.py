"""Taking up again many stranded things in one run: parked keys through the door, letters into their topic."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.flow import INBOUND_TOPIC, dead_letter_topic
from shared.messaging import wire
from shared.messaging.allowance import Allowance
from shared.messaging.dead_letter_topics import Letter, Returning, authorized, dead_letters, original, returning
from shared.messaging.door import Door
from shared.messaging.errors import Unreadable
from shared.messaging.message import Message, RawRecord
from shared.messaging.replay import Decoder, replay_key
from shared.messaging.stranded import Stranded

_LOCK_CLASS = 5418
_LOCK = text("SELECT pg_try_advisory_lock(:lock_class, hashtext(current_schema()))")
_UNLOCK = text("SELECT pg_advisory_unlock(:lock_class, hashtext(current_schema()))")
_LOCK_POLL_SECONDS = 0.2
NO_TOKEN = "its token was taken off when it was laid aside: give the sender's with --token"  # noqa: S105

State = Literal["done", "failed", "left", "gone"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a replay needs of one service: its door, and how it reads records."""

    door: Door
    decode: Decoder


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one stranded thing.

    done: all of it was taken up. failed: it stays, `reason` says why. left: the allowance was spent
    before its end. gone: somebody else took it up before us. `events` were taken up in this run.
    """

    stranded: Stranded
    state: State
    events: int = 0
    reason: str = ""


class NotMended(Exception):
    """A letter can't be put back as it would have to be; says why."""


def as_it_came(record: RawRecord) -> RawRecord:
    """Changes nothing."""
    return record


Mend = Callable[[RawRecord], RawRecord]
"""Changes a letter's record before it goes back; raises NotMended where it can't."""


@dataclass(frozen=True, slots=True)
class _Return:
    """How letters go back."""

    authorization: str
    mend: Mend
    dry_run: bool

    def record(self, letter: Letter) -> RawRecord:
        if letter.topic == INBOUND_TOPIC and not self.authorization:
            raise NotMended(NO_TOKEN)
        return self.mend(original(letter, self.authorization))


def decoding(decoders: Mapping[str, Decoder]) -> Decoder:
    """Reads a record by the decoder of its topic, where it has one of its own."""

    def decode(record: RawRecord) -> Message:
        return decoders.get(record.position.topic, wire.decode)(record)

    return decode


async def replay(
    chosen: Sequence[Stranded],
    desks: Mapping[str, Desk],
    bootstrap: str,
    *,
    allowance: Allowance | None = None,
    dry_run: bool = False,
    authorization: str = "",
    mend: Mend = as_it_came,
) -> list[Fate]:
    """Take up `chosen`, parked keys first; one that fails stays, and the others go on.

    What is decided anew leaves by the outbox, through the service's running relay. A letter goes
    back only if the service can read it now. `authorization` is the header for what came by the
    inbound topic, and `mend` changes letters' records before they are judged. A dry run tells the same
    and changes nothing.

    Raises:
        Unavailable: PostgreSQL or Kafka does not answer; what was done before stays done.
    """
    limit = allowance or Allowance()
    fates = [
        await _replay_key(one, desks[one.service], limit, authorization=authorization, dry_run=dry_run)
        for one in chosen
        if one.kind == "parked"
    ]
    letters = sorted((one for one in chosen if one.kind == "letter"), key=lambda one: one.service)
    for service, group in groupby(letters, key=lambda one: one.service):
        fates += await _replay_letters(
            list(group), desks[service], bootstrap, limit, _Return(authorization, mend, dry_run)
        )
    return fates


async def _replay_key(one: Stranded, desk: Desk, limit: Allowance, *, authorization: str, dry_run: bool) -> Fate:
    if limit.spent:
        return Fate(one, "left")
    decode = _with_token(desk.decode, authorization)
    replayed = await replay_key(desk.door, one.key, decode, dry_run=dry_run, allowance=limit)
    if replayed.reason:
        return Fate(one, "failed", replayed.applied, replayed.reason)
    if replayed.stopped:
        return Fate(one, "left", replayed.applied)
    return Fate(one, "done" if replayed.applied else "gone", replayed.applied)


def _with_token(decode: Decoder, authorization: str) -> Decoder:
    """Reads parked records of the inbound topic, which are kept without their token, with `authorization`."""

    def decoding(record: RawRecord) -> Message:
        if record.position.topic == INBOUND_TOPIC:
            if not authorization:
                raise Unreadable("no-token", NO_TOKEN)
            record = authorized(record, authorization)
        return decode(record)

    return decoding


async def _replay_letters(
    group: Sequence[Stranded], desk: Desk, bootstrap: str, limit: Allowance, how: _Return
) -> list[Fate]:
    """The letters of one service. One run at a time: what still can't be read must not be put back twice."""
    service = desk.door.service
    topics = sorted({dead_letter_topic(service, one.topic) for one in group})
    async with _alone(desk.door.engine), returning(bootstrap, topics) as hands:
        waiting = {(letter.topic, letter.offset) for letter in await dead_letters(bootstrap, [service], values=False)}
        return [
            await _replay_letter(one, desk, hands, limit, how)
            if (one.topic, one.offset) in waiting
            else Fate(one, "gone")
            for one in group
        ]


async def _replay_letter(one: Stranded, desk: Desk, hands: Returning, limit: Allowance, how: _Return) -> Fate:
    if limit.spent:
        return Fate(one, "left")
    letter = await hands.read(one.service, one.topic, one.offset or 0)
    if letter is None:
        return Fate(one, "gone")
    if not how.dry_run:
        await limit.turn()
    try:
        record = how.record(letter)
        desk.decode(record)
    except Unreadable as error:
        return _counted(limit, Fate(one, "failed", 0, f"{error.code}: {error.reason}"))
    except NotMended as error:
        return _counted(limit, Fate(one, "failed", 0, str(error)))
    if not how.dry_run:
        await hands.put_back(letter, record)
    return _counted(limit, Fate(one, "done", 1))


def _counted(limit: Allowance, fate: Fate) -> Fate:
    limit.count()
    return fate


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncGenerator[None]:
    """Waits until no other run puts back letters of this service."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not await connection.scalar(_LOCK, {"lock_class": _LOCK_CLASS}):  # noqa: ASYNC110  # PostgreSQL tells no event
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            await connection.execute(_UNLOCK, {"lock_class": _LOCK_CLASS})
