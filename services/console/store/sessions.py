"""Sessions, one-use links and failed sign-ins. What a cookie or a link holds is never kept: only its hash."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.people import Person
from shared.tokens import Role

LONGEST_HOURS: Final = 12
"""A session ends after so long, used or not."""

_OPEN = text("""
    INSERT INTO session (id, clinic_id, person_id, name, roles, account, csrf)
    VALUES (:id, :clinic_id, :person_id, :name, :roles, :account, :csrf)
""")
_FIND = text("""
    SELECT id, clinic_id, person_id, name, roles, account, csrf, seen_at < now() - interval '20 seconds' AS stale
    FROM session WHERE id = :id AND seen_at > now() - make_interval(mins => :idle_minutes)
        AND opened_at > now() - make_interval(hours => :longest_hours)
""")
_SEEN = text("UPDATE session SET seen_at = now() WHERE id = :id")
_CLOSE = text("DELETE FROM session WHERE id = :id")
_CLOSE_ALL = text("DELETE FROM session WHERE clinic_id = :clinic_id AND person_id = :person_id")
_OF_PERSON = text("""
    SELECT id, opened_at, seen_at, opened_at + make_interval(hours => :longest_hours) AS ends_at FROM session
    WHERE clinic_id = :clinic_id AND person_id = :person_id
        AND seen_at > now() - make_interval(mins => :idle_minutes)
        AND opened_at > now() - make_interval(hours => :longest_hours)
    ORDER BY opened_at DESC, id
""")
_SWEEP = text("""
    DELETE FROM session WHERE seen_at < now() - interval '1 day' OR opened_at < now() - interval '2 days'
""")
_LINK = text("""
    INSERT INTO entry_link (id, account, expires_at) VALUES (:id, :account, now() + make_interval(mins => :minutes))
""")
_USE_LINK = text("DELETE FROM entry_link WHERE id = :id RETURNING account, expires_at > now() AS fresh")
_TRY = text("INSERT INTO sign_in_attempt (who) SELECT unnest(CAST(:who AS text[]))")
_TRIED = text("""
    SELECT who, count(*) AS number FROM sign_in_attempt
    WHERE who = ANY(:who) AND at > now() - interval '15 minutes' GROUP BY who
""")
_FORGET = text("DELETE FROM sign_in_attempt WHERE who = ANY(:who) OR at < now() - interval '1 hour'")


class Session(NamedTuple):
    """Somebody signed in with one browser."""

    id: str
    """The hash of what the browser's cookie holds."""
    person: Person
    account: str
    """The local account; nothing where another provider vouched for the person."""
    csrf: str
    """The secret that forms of this session carry."""


class OpenSession(NamedTuple):
    """One of a person's sessions, by the machine's clock."""

    id: str
    opened_at: datetime
    seen_at: datetime
    """When they last did something there, to some seconds."""
    ends_at: datetime
    """When it ends, however often it is used."""


async def open_session(tx: AsyncConnection, person: Person, account: str = "") -> str:
    """Begin a session; returns what the cookie shall hold."""
    secret, who = secrets.token_urlsafe(32), person._replace(roles=frozenset())._asdict()
    await tx.execute(_SWEEP)
    row = {**who, "roles": sorted(person.roles), "account": account, "csrf": secrets.token_urlsafe(32)}
    await tx.execute(_OPEN, {**row, "id": hash_of(secret)})
    return secret


async def find_session(tx: AsyncConnection, secret: str, idle_minutes: int, *, awake: bool) -> Session | None:
    """The session of a cookie, unless it is over; `awake` says that a person did something just now."""
    wanted = {"id": hash_of(secret), "idle_minutes": idle_minutes, "longest_hours": LONGEST_HOURS}
    row = (await tx.execute(_FIND, wanted)).one_or_none()
    if row is None:
        return None
    if awake and row.stale:
        await tx.execute(_SEEN, {"id": row.id})
    return Session(row.id, _person(row), row.account, row.csrf)


async def close_session(tx: AsyncConnection, session_id: str) -> None:
    """End a session."""
    await tx.execute(_CLOSE, {"id": session_id})


async def close_all(tx: AsyncConnection, person: Person) -> None:
    """End all sessions of a person, in whatever browser."""
    await tx.execute(_CLOSE_ALL, {"clinic_id": person.clinic_id, "person_id": person.person_id})


async def of_person(tx: AsyncConnection, person: Person, idle_minutes: int) -> list[OpenSession]:
    """The person's sessions that are not over, the newest first."""
    wanted = {"clinic_id": person.clinic_id, "person_id": person.person_id}
    limits = {"idle_minutes": idle_minutes, "longest_hours": LONGEST_HOURS}
    return [OpenSession._make(row) for row in (await tx.execute(_OF_PERSON, {**wanted, **limits})).all()]


async def make_link(tx: AsyncConnection, account: str, minutes: int) -> str:
    """What a link of `account` shall hold that signs in once, within so many minutes."""
    secret = secrets.token_urlsafe(32)
    await tx.execute(_LINK, {"id": hash_of(secret), "account": account, "minutes": minutes})
    return secret


async def use_link(tx: AsyncConnection, secret: str) -> str | None:
    """The account of a link that nobody has used yet; from now on it is used."""
    row = (await tx.execute(_USE_LINK, {"id": hash_of(secret)})).one_or_none()
    return row.account if row and row.fresh else None


async def note_attempt(tx: AsyncConnection, who: Collection[str]) -> dict[str, int]:
    """Count an attempt to sign in; returns how many each of `who` has made within 15 minutes, this one with them."""
    await tx.execute(_TRY, {"who": sorted(who)})
    return {row.who: row.number for row in (await tx.execute(_TRIED, {"who": list(who)})).all()}


async def forget_attempts(tx: AsyncConnection, who: Collection[str]) -> None:
    """Somebody has proved who they are."""
    await tx.execute(_FORGET, {"who": list(who)})


def hash_of(secret: str) -> str:
    """SHA-256: what the secrets hold is random, so that nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _person(row: Any) -> Person:
    roles: frozenset[Role] = frozenset(row.roles)
    return Person(row.clinic_id, row.person_id, row.name, roles)
