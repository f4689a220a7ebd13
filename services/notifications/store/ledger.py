"""The ledger as the sender works on it: claim what is ready, look again, write down how it went.

Every transition is a conditional UPDATE. A claim is (owner, attempt): whoever holds an older one
changes nothing any more.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.choices import language_of
from services.notifications.domain.deliveries import instead
from services.notifications.domain.judgement import Content, Dropped, Judgement, Later, judge
from services.notifications.domain.receipts import Receipt
from services.notifications.domain.state import NOT_ARRIVED, Contact, Delivery, DeliveryState, Patient
from services.notifications.store import allowances, receipts, timers
from services.notifications.store.allowances import Limit
from services.notifications.store.patients import PatientStore
from services.notifications.store.published import Published, failed, reported, sent
from services.notifications.store.rows import read_delivery, told_columns
from shared.ids import patient_key

_READY = text("""
    SELECT d.*, COALESCE(CAST(:now AS timestamptz), now()) AS moment
    FROM delivery d JOIN patient p ON p.patient_key = d.patient_key
    WHERE d.state = 'ready' AND d.channel = :channel AND (d.urgent OR NOT :only_urgent)
        AND (d.recipient <> 'patient' OR NOT EXISTS (
            SELECT 1 FROM delivery ahead
            WHERE ahead.patient_key = d.patient_key AND ahead.channel = d.channel AND ahead.recipient = 'patient'
                AND ahead.state IN ('claimed', 'sending')))
        AND (d.recipient <> 'patient' OR NOT EXISTS (
            SELECT 1 FROM delivery ahead
            WHERE ahead.patient_key = d.patient_key AND ahead.channel = d.channel AND ahead.recipient = 'patient'
                AND ahead.state IN ('scheduled', 'deferred', 'ready')
                AND (ahead.due_at, ahead.position) < (d.due_at, d.position)))
    ORDER BY d.urgent DESC, d.due_at, d.position LIMIT :limit
    FOR UPDATE SKIP LOCKED
""")
"""At most one per patient, and none while another is on its way: each channel's line is served in order.

A channel does not wait for another one, whose provider may be down. What a message says is judged when
it is claimed and holds until it goes out (`claimed_revision`), so the lines can't contradict each other.
"""
_MARK = text("""
    UPDATE delivery SET
        state = marked.state, reason = marked.reason, told = marked.told, owner = :owner,
        due_at = COALESCE(marked.due_at, delivery.due_at), attempt = delivery.attempt + 1,
        channel = COALESCE(marked.channel, delivery.channel),
        claimed_at = clock_timestamp(), claimed_revision = marked.claimed_revision, handed_over_at = NULL
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS marked
    WHERE delivery.delivery_id = marked.delivery_id AND delivery.state = 'ready'
""")
_HAND_OVER = text("""
    UPDATE delivery d SET state = 'sending', handed_over_at = clock_timestamp(), provider = claim.provider
    FROM patient p,
        unnest(CAST(:ids AS text[]), CAST(:attempts AS int[]), CAST(:providers AS text[]))
            AS claim (delivery_id, attempt, provider)
    WHERE d.delivery_id = claim.delivery_id AND d.attempt = claim.attempt
        AND d.state = 'claimed' AND d.owner = :owner
        AND p.patient_key = d.patient_key AND p.revision = d.claimed_revision
        AND d.claimed_at > clock_timestamp() - make_interval(secs => :fresh)
    RETURNING d.delivery_id
""")
_LET_GO = text("""
    UPDATE delivery SET state = 'ready', reason = 'not-handed-over', told = NULL
    WHERE delivery_id IN (
        SELECT d.delivery_id FROM delivery d JOIN patient p ON p.patient_key = d.patient_key
        WHERE d.state = 'claimed' AND d.claimed_at < clock_timestamp() - make_interval(secs => :lease)
            AND NOT (d.owner = :owner AND d.delivery_id = ANY(:held))
        ORDER BY d.claimed_at LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING patient_key
""")
_TAKE_OVER = text("""
    UPDATE delivery SET owner = :owner, attempt = attempt + 1, claimed_at = clock_timestamp()
    WHERE delivery_id IN (
        SELECT delivery_id FROM delivery
        WHERE state = 'sending' AND claimed_at < clock_timestamp() - make_interval(secs => :lease)
            AND NOT (owner = :owner AND delivery_id = ANY(:held))
        ORDER BY claimed_at LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING *, EXISTS (SELECT 1 FROM receipt WHERE receipt.delivery_id = delivery.delivery_id) AS reported
""")
_SETTLE = text("""
    UPDATE delivery SET
        state = settled.state, reason = settled.reason, due_at = COALESCE(settled.due_at, delivery.due_at),
        deferrals = delivery.deferrals + settled.deferrals, accepted_at = settled.accepted_at,
        reference = settled.reference,
        told = CASE WHEN settled.state IN ('ready', 'deferred', 'failed') THEN NULL ELSE delivery.told END
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS settled
    WHERE delivery.delivery_id = settled.delivery_id AND delivery.state IN ('claimed', 'sending')
        AND delivery.owner = :owner AND delivery.attempt = settled.attempt
    RETURNING delivery.*
""")


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
    provider: str = ""
    """Of a claim that was taken over: to whom its message may have gone."""
    reported: bool = False
    """Of such a claim: whether a receipt says that it went."""


@dataclass(frozen=True, slots=True)
class Handing:
    """A claim that is about to go out, to `provider`, whose `limit` holds."""

    claim: Claim
    provider: str
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How it went. `ready` means that it goes again at once, `deferred` at `due_at`."""

    claim: Claim
    state: DeliveryState
    reason: str = ""
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger for one process, `owner`."""

    store: PatientStore
    owner: str

    async def fire(self, tx: AsyncConnection, now: datetime | None) -> tuple[int, list[Published]]:
        """Make ready what is due at `now` (None: by the database's clock), urgent first; gives how many were due."""
        due = [*await timers.due(tx, now, urgent=True), *await timers.due(tx, now, urgent=False)]
        if not due:
            return 0, []
        await self.store.touch(tx, {row.patient_key for row in due})
        return len(due), [fact for row in await timers.fire(tx, due) if (fact := failed(row))]

    async def claim(
        self, tx: AsyncConnection, now: datetime | None, channel: str, limit: int, *, only_urgent: bool = False
    ) -> tuple[list[Claim], list[Published]]:
        """Take up to `limit` of what is ready; drops what is no longer so. Facts are to be published with `tx`."""
        given = {"now": now, "channel": channel, "limit": limit, "only_urgent": only_urgent}
        ready = (await tx.execute(_READY, given)).all()
        if not ready:
            return [], []
        patients = await self.store.load_patients(tx, {r.patient_key: (r.clinic_id, r.patient_id) for r in ready})
        judged = [(row, judge(patients[row.patient_key], read(row), row.moment)) for row in ready]
        marked = [_mark(row, verdict, patients[row.patient_key].revision) for row, verdict in judged]
        await tx.execute(_MARK, {"rows": orjson.dumps(marked).decode(), "owner": self.owner})
        await self.store.touch(tx, patients)
        claims = [
            Claim(read(r), r.clinic_id, r.patient_id, r.attempt + 1, r.deferrals, v, _reader(patients[r.patient_key]))
            for r, v in judged
            if isinstance(v, Content)
        ]
        dropped = [failed(row, v.state, v.reason) for row, v in judged if isinstance(v, Dropped)]
        return claims, [fact for fact in dropped if fact]

    async def hand_over(
        self, tx: AsyncConnection, handings: Sequence[Handing], fresh_seconds: float
    ) -> tuple[set[str], set[str]]:
        """Note that messages go out now; gives the ids of those that may, and of those that a limit holds up.

        In neither is a claim that is no longer ours or too old, or whose patient has changed since.
        """
        if not handings:
            return set(), set()
        await self.store.touch(tx, {patient_key(h.claim.clinic_id, h.claim.patient_id) for h in handings})
        going, held_up = await _within_limits(tx, handings)
        known = {
            "ids": [handing.claim.delivery.delivery_id for handing in going],
            "attempts": [handing.claim.attempt for handing in going],
            "providers": [handing.provider for handing in going],
            "owner": self.owner,
            "fresh": fresh_seconds,
        }
        return set(await tx.scalars(_HAND_OVER, known)), held_up

    async def take_over(self, tx: AsyncConnection, lease_seconds: float, held: Collection[str]) -> list[Claim]:
        """The messages that may have gone out and whose owner did not come back within the lease.

        `held` are the deliveries that this process is still at work on itself. What was only claimed
        is ready again.
        """
        known = {"owner": self.owner, "lease": lease_seconds, "held": sorted(held)}
        await self.store.touch(tx, set(await tx.scalars(_LET_GO, known)))
        found = await tx.execute(_TAKE_OVER, known)
        return [
            Claim(
                read(row), row.clinic_id, row.patient_id, row.attempt, row.deferrals,
                provider=row.provider or "", reported=row.reported,
            )
            for row in found
        ]  # fmt: skip

    async def settle(self, tx: AsyncConnection, results: Sequence[Result], now: datetime) -> list[Published]:
        """Write down results; gives the facts to publish. A result whose claim was taken over changes nothing."""
        if not results:
            return []
        await self.store.touch(tx, {patient_key(r.claim.clinic_id, r.claim.patient_id) for r in results})
        given = [_given(result) for result in results]
        settled = list(await tx.execute(_SETTLE, {"rows": orjson.dumps(given).decode(), "owner": self.owner}))
        facts = [fact for row in settled if (fact := sent(row) or failed(row))]
        left = [row.delivery_id for row in settled if row.state in {DeliveryState.ACCEPTED, DeliveryState.UNKNOWN}]
        corrected = await receipts.apply(tx, left, now) if left else []
        await self._try_otherwise(tx, [*settled, *corrected])
        return facts + [fact for row in corrected if (fact := reported(row))]

    async def receive(self, tx: AsyncConnection, given: Sequence[Receipt], now: datetime) -> list[Published]:
        """Take in receipts, now or when their message is settled; those of messages that nobody knows are dropped."""
        patients = await receipts.patients_of(tx, given)
        await self.store.touch(tx, set(patients.values()))
        await receipts.keep(tx, [receipt for receipt in given if receipt.delivery_id in patients], now)
        corrected = await receipts.apply(tx, patients, now)
        await self._try_otherwise(tx, corrected)
        return [fact for row in corrected if (fact := reported(row))]

    async def _try_otherwise(self, tx: AsyncConnection, settled: Sequence[Row[Any]]) -> None:
        """Plan what certainly did not reach a patient for their other channel, where they have one."""
        lost = [row for row in settled if row.recipient == "patient" and row.state in NOT_ARRIVED]
        if not lost:
            return
        whose = {row.patient_key: (row.clinic_id, row.patient_id) for row in lost}
        before = await self.store.load_patients(tx, whose)
        after = dict(before)
        for row in lost:
            after[row.patient_key] = instead(after[row.patient_key], read(row))
        changes = [(before[key], after[key]) for key in whose if after[key] is not before[key]]
        await self.store.save(tx, changes)


def read(row: Row[Any]) -> Delivery:
    """The delivery in a whole row of the ledger."""
    return read_delivery([getattr(row, name) for name in Delivery._fields])


def _reader(patient: Patient) -> Contact | None:
    """The contact, in the language that the patient wants to read."""
    return patient.contact and patient.contact._replace(language=language_of(patient))


async def _within_limits(tx: AsyncConnection, handings: Sequence[Handing]) -> tuple[list[Handing], set[str]]:
    by_provider: Mapping[str, list[Handing]] = defaultdict(list)
    for handing in handings:
        by_provider[handing.provider].append(handing)
    going: list[Handing] = []
    for provider, waiting in sorted(by_provider.items()):
        limit = waiting[0].limit
        granted = await allowances.take(tx, provider, limit, len(waiting)) if limit else len(waiting)
        going += sorted(waiting, key=lambda handing: not handing.claim.delivery.urgent)[:granted]
    gone = {handing.claim.delivery.delivery_id for handing in going}
    return going, {h.claim.delivery.delivery_id for h in handings} - gone


def _given(result: Result) -> dict[str, Any]:
    return {
        "delivery_id": result.claim.delivery.delivery_id,
        "attempt": result.claim.attempt,
        "state": result.state,
        "reason": result.reason,
        "due_at": result.due_at,
        "deferrals": 1 if result.due_at else 0,
        "accepted_at": result.accepted_at,
        "reference": result.reference or None,
    }


def _mark(row: Row[Any], verdict: Judgement, revision: int) -> dict[str, Any]:
    unchanged = dict.fromkeys(("told", "due_at", "channel"))
    marked = {"delivery_id": row.delivery_id, "claimed_revision": revision, **unchanged}
    match verdict:
        case Content():
            return marked | {"state": DeliveryState.CLAIMED, "reason": "", "told": told_columns(verdict.told)}
        case Later():
            later = {"reason": verdict.reason, "due_at": verdict.at, "channel": verdict.channel}
            return marked | later | {"state": DeliveryState.DEFERRED}
        case Dropped():
            return marked | {"state": verdict.state, "reason": verdict.reason}
