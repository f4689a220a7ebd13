"""What waits at the front desk, as its pages read it: always within one clinic."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.store.waiting_rows import SESSIONS
from shared.events.scheduling import UnplacedSession

_QUEUE = text("""
    SELECT patient_id, plan_id, revision, sessions::text AS sessions FROM work_queue
    WHERE clinic_id = :clinic_id AND number > 0 AND (CAST(:patients AS text[]) IS NULL OR patient_id = ANY(:patients))
    ORDER BY due_at, plan_id LIMIT :most
""")
_NUMBERS = text("""
    SELECT (SELECT coalesce(sum(number), 0) FROM work_queue WHERE clinic_id = :clinic_id AND number > 0) AS queue,
        (SELECT count(*) FROM offer WHERE clinic_id = :clinic_id AND start_at > :now AND expires_at > :now
            AND answer IS NULL) AS offers
""")
_OF_PLAN = text("""
    SELECT patient_id, plan_id, revision, sessions::text AS sessions FROM work_queue
    WHERE clinic_id = :clinic_id AND plan_id = :plan_id AND patient_id = :patient_id
""")
_TOLD = text("""
    SELECT about, request_id, action, outcome, reasons, requested_by, answered_at FROM desk_answer
    WHERE clinic_id = :clinic_id AND patient_id = ANY(:patients) AND about = ANY(:about)
""")
_WISHES = text("""
    SELECT patient_id, plan_id, wanted, recorded_at FROM waitlist
    WHERE clinic_id = :clinic_id AND NOT EXISTS (
        SELECT FROM fact WHERE (fact.clinic_id, fact.patient_id, fact.slot)
            = (waitlist.clinic_id, waitlist.patient_id, waitlist.end_slot))
    ORDER BY wanted DESC, recorded_at, patient_id, plan_id LIMIT :most
""")
_WISHES_OF = text("""
    SELECT patient_id, plan_id, wanted, recorded_at FROM waitlist
    WHERE clinic_id = :clinic_id AND patient_id = ANY(:patients)
""")
_OFFER_COLUMNS = """
    patient_id, offer_id, plan_id, sequence, previous_start, start_at, practitioner_id, room_id, offered_at, expires_at,
    round, why, answer, answered_at
"""
_OFFERS = text(f"""
    SELECT {_OFFER_COLUMNS} FROM offer WHERE clinic_id = :clinic_id AND start_at >= :since
    ORDER BY start_at, practitioner_id, round, offered_at, offer_id LIMIT :most
""")  # noqa: S608
_OFFER = text(f"""
    SELECT {_OFFER_COLUMNS} FROM offer
    WHERE clinic_id = :clinic_id AND offer_id = :offer_id AND offered_at IS NOT NULL
""")  # noqa: S608


class Queue(NamedTuple):
    """The sessions of a course that have no time, at one revision."""

    patient_id: str
    plan_id: str
    revision: int
    sessions: Sequence[UnplacedSession]


class Told(NamedTuple):
    """What came of what was asked last about something."""

    about: str
    request_id: str
    action: str
    outcome: str
    reasons: Sequence[str]
    requested_by: str
    answered_at: datetime


class Wish(NamedTuple):
    """What a patient said of offers for a course."""

    patient_id: str
    plan_id: str
    wanted: bool
    recorded_at: datetime


class Offer(NamedTuple):
    """A time that was offered to a patient."""

    patient_id: str
    offer_id: str
    plan_id: str
    sequence: int
    previous_start: datetime | None
    start_at: datetime
    practitioner_id: str
    room_id: str
    offered_at: datetime
    expires_at: datetime
    round: int
    why: str
    answer: str | None
    answered_at: datetime | None

    def state(self, now: datetime) -> str:
        """`accepted`, `declined`, `expired`, or `open` as long as it can be answered."""
        return self.answer or ("open" if now < self.expires_at else "expired")


async def queue(tx: AsyncConnection, clinic_id: str, most: int, patients: Sequence[str] | None = None) -> list[Queue]:
    """Courses with sessions that have no time, those that should come first first."""
    asked = {"clinic_id": clinic_id, "most": most, "patients": None if patients is None else list(patients)}
    return [_queue(*row) for row in (await tx.execute(_QUEUE, asked)).all()]


async def queue_of(tx: AsyncConnection, clinic_id: str, patient_id: str, plan_id: str) -> Queue | None:
    """One course's sessions without a time; they may be none."""
    asked = {"clinic_id": clinic_id, "plan_id": plan_id, "patient_id": patient_id}
    row = (await tx.execute(_OF_PLAN, asked)).one_or_none()
    return _queue(*row) if row else None


def _queue(patient_id: str, plan_id: str, revision: int, sessions: str) -> Queue:
    return Queue(patient_id, plan_id, revision, SESSIONS.validate_json(sessions))


async def numbers(tx: AsyncConnection, clinic_id: str, now: datetime) -> tuple[int, int]:
    """How many sessions have no time, and how many offers stand."""
    row = (await tx.execute(_NUMBERS, {"clinic_id": clinic_id, "now": now})).one()
    return row.queue, row.offers


async def told(tx: AsyncConnection, clinic_id: str, patients: Sequence[str], about: Sequence[str]) -> dict[str, Told]:
    """What came of what was asked last, by what it was about."""
    if not about:
        return {}
    asked = {"clinic_id": clinic_id, "patients": list(patients), "about": list(about)}
    return {row.about: Told._make(row) for row in (await tx.execute(_TOLD, asked)).all()}


async def wishes(tx: AsyncConnection, clinic_id: str, most: int) -> list[Wish]:
    """What was said of offers for courses that go on: who wants them first, who waits longest first."""
    return [Wish._make(row) for row in (await tx.execute(_WISHES, {"clinic_id": clinic_id, "most": most})).all()]


async def wishes_of(tx: AsyncConnection, clinic_id: str, patients: Sequence[str]) -> list[Wish]:
    """What was said of offers for these patients' courses."""
    asked = {"clinic_id": clinic_id, "patients": list(patients)}
    return [Wish._make(row) for row in (await tx.execute(_WISHES_OF, asked)).all()]


async def offers(tx: AsyncConnection, clinic_id: str, since: datetime, most: int) -> list[Offer]:
    """Offers of times from `since` on, by time and then in the order in which they were made."""
    asked = {"clinic_id": clinic_id, "since": since, "most": most}
    return [Offer._make(row) for row in (await tx.execute(_OFFERS, asked)).all()]


async def offer(tx: AsyncConnection, clinic_id: str, offer_id: str) -> Offer | None:
    """One offer of the clinic."""
    row = (await tx.execute(_OFFER, {"clinic_id": clinic_id, "offer_id": offer_id})).one_or_none()
    return Offer._make(row) if row else None
