"""The ledger as the sender works on it: claim what is due, look again, write down how it went.

Every transition is a conditional UPDATE. A claim is (owner, attempt): whoever holds an older one
changes nothing any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.judgement import Content, Dropped, Judgement, judge
from services.notifications.domain.state import Contact, Delivery, DeliveryState
from services.notifications.store.patients import PatientStore
from services.notifications.store.rows import read_delivery, told_columns
from shared.events.notifications import NotificationFailed, NotificationSent
from shared.ids import patient_key

_DUE = text("""
    SELECT d.*
    FROM delivery d JOIN patient p ON p.patient_key = d.patient_key
    WHERE d.state = 'scheduled' AND d.due_at <= :now AND NOT EXISTS (
        SELECT 1 FROM delivery ahead
        WHERE ahead.patient_key = d.patient_key AND ahead.recipient = d.recipient
            AND ahead.state IN ('scheduled', 'sending')
            AND (ahead.state = 'sending' OR (ahead.due_at, ahead.position) < (d.due_at, d.position)))
    ORDER BY d.due_at, d.position LIMIT :limit
    FOR UPDATE SKIP LOCKED
""")
"""At most one per patient and recipient, and none while another is on its way: each line is served in order."""
_MARK = text("""
    UPDATE delivery SET
        state = marked.state, reason = marked.reason, told = marked.told, owner = :owner,
        attempt = delivery.attempt + 1, claimed_at = clock_timestamp(), claimed_revision = marked.claimed_revision,
        handed_over_at = NULL
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS marked
    WHERE delivery.delivery_id = marked.delivery_id AND delivery.state = 'scheduled'
""")
_HAND_OVER = text("""
    UPDATE delivery d SET handed_over_at = clock_timestamp()
    FROM patient p, unnest(CAST(:ids AS text[]), CAST(:attempts AS int[])) AS claim (delivery_id, attempt)
    WHERE d.delivery_id = claim.delivery_id AND d.attempt = claim.attempt
        AND d.state = 'sending' AND d.owner = :owner
        AND p.patient_key = d.patient_key AND p.revision = d.claimed_revision
        AND d.claimed_at > clock_timestamp() - make_interval(secs => :fresh)
    RETURNING d.delivery_id
""")
_TAKE_OVER = text("""
    UPDATE delivery SET owner = :owner, attempt = attempt + 1, claimed_at = clock_timestamp()
    WHERE delivery_id IN (
        SELECT delivery_id FROM delivery
        WHERE state = 'sending' AND claimed_at < clock_timestamp() - make_interval(secs => :lease)
            AND NOT (owner = :owner AND delivery_id = ANY(:held))
        ORDER BY claimed_at LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING *
""")
_SETTLE = text("""
    UPDATE delivery SET
        state = settled.state, reason = settled.reason, due_at = COALESCE(settled.due_at, delivery.due_at),
        deferrals = delivery.deferrals + settled.deferrals, accepted_at = settled.accepted_at,
        told = CASE WHEN settled.state = 'scheduled' THEN NULL ELSE delivery.told END
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS settled
    WHERE delivery.delivery_id = settled.delivery_id AND delivery.state = 'sending'
        AND delivery.owner = :owner AND delivery.attempt = settled.attempt
    RETURNING delivery.*
""")

_FAILURES: dict[str, Literal["failed", "unknown", "expired"]] = {
    "failed": "failed",
    "unknown": "unknown",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours to send, and what it says."""

    delivery: Delivery
    clinic_id: str
    patient_id: str
    attempt: int
    deferrals: int
    content: Content = field(default_factory=Content)
    contact: Contact | None = None
    handed_over: bool = False
    """Of a claim that was taken over: whether its message may have gone out."""


@dataclass(frozen=True, slots=True)
class Result:
    """How it went. `scheduled` means that it goes again, at `due_at` where given."""

    claim: Claim
    state: DeliveryState
    reason: str = ""
    due_at: datetime | None = None
    accepted_at: datetime | None = None


Published = NotificationSent | NotificationFailed


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger for one process, `owner`."""

    store: PatientStore
    owner: str

    async def claim(self, tx: AsyncConnection, now: datetime, limit: int) -> tuple[list[Claim], list[Published]]:
        """Take up to `limit` of what is due; drops what is no longer so. Facts are to be published with `tx`."""
        due = (await tx.execute(_DUE, {"now": now, "limit": limit})).all()
        if not due:
            return [], []
        patients = await self.store.load_patients(tx, {r.patient_key: (r.clinic_id, r.patient_id) for r in due})
        judged = [(row, judge(patients[row.patient_key], _read(row), now)) for row in due]
        marked = [_mark(row, verdict, patients[row.patient_key].revision) for row, verdict in judged]
        await tx.execute(_MARK, {"rows": orjson.dumps(marked).decode(), "owner": self.owner})
        await self.store.touch(tx, patients)
        claims = [
            Claim(_read(r), r.clinic_id, r.patient_id, r.attempt + 1, r.deferrals, v, patients[r.patient_key].contact)
            for r, v in judged
            if isinstance(v, Content)
        ]
        dropped = [_failed(row, v.state, v.reason) for row, v in judged if isinstance(v, Dropped)]
        return claims, [fact for fact in dropped if fact]

    async def hand_over(self, tx: AsyncConnection, claims: Sequence[Claim], fresh_seconds: float) -> set[str]:
        """Note that messages go out now; gives the ids of those deliveries that still may.

        Not among them is a claim that is no longer ours or too old, or whose patient has changed since.
        """
        if not claims:
            return set()
        known = {
            "ids": [claim.delivery.delivery_id for claim in claims],
            "attempts": [claim.attempt for claim in claims],
            "owner": self.owner,
            "fresh": fresh_seconds,
        }
        return set(await tx.scalars(_HAND_OVER, known))

    async def take_over(self, tx: AsyncConnection, lease_seconds: float, held: Collection[str]) -> list[Claim]:
        """The claims whose owner did not come back within the lease.

        `held` are the deliveries that this process is still at work on itself.
        """
        known = {"owner": self.owner, "lease": lease_seconds, "held": sorted(held)}
        found = await tx.execute(_TAKE_OVER, known)
        return [
            Claim(
                _read(row), row.clinic_id, row.patient_id, row.attempt, row.deferrals,
                handed_over=row.handed_over_at is not None,
            )
            for row in found
        ]  # fmt: skip

    async def settle(self, tx: AsyncConnection, results: Sequence[Result]) -> list[Published]:
        """Write down results; gives the facts to publish. A result whose claim was taken over changes nothing."""
        if not results:
            return []
        await self.store.touch(tx, {patient_key(r.claim.clinic_id, r.claim.patient_id) for r in results})
        given = [
            {
                "delivery_id": result.claim.delivery.delivery_id,
                "attempt": result.claim.attempt,
                "state": result.state,
                "reason": result.reason,
                "due_at": result.due_at,
                "deferrals": 1 if result.due_at else 0,
                "accepted_at": result.accepted_at,
            }
            for result in results
        ]
        settled = await tx.execute(_SETTLE, {"rows": orjson.dumps(given).decode(), "owner": self.owner})
        return [fact for row in settled if (fact := _sent(row) or _failed(row, row.state, row.reason))]


def _read(row: Row[Any]) -> Delivery:
    return read_delivery([getattr(row, name) for name in Delivery._fields])


def _mark(row: Row[Any], verdict: Judgement, revision: int) -> dict[str, Any]:
    sending = isinstance(verdict, Content)
    return {
        "delivery_id": row.delivery_id,
        "state": DeliveryState.SENDING if sending else verdict.state,
        "reason": "" if sending else verdict.reason,
        "told": told_columns(verdict.told) if sending else None,
        "claimed_revision": revision,
    }


def _sent(row: Row[Any]) -> NotificationSent | None:
    if row.state != DeliveryState.ACCEPTED:
        return None
    return NotificationSent(**_identity(row), accepted_at=row.accepted_at)


def _failed(row: Row[Any], state: str, reason: str) -> NotificationFailed | None:
    if state not in _FAILURES:
        return None
    return NotificationFailed(**_identity(row), state=_FAILURES[state], reason=reason)


def _identity(row: Row[Any]) -> dict[str, Any]:
    names = ("clinic_id", "patient_id", "delivery_id", "recipient", "channel", "topic", "subject_id")
    return {name: getattr(row, name) for name in names}
