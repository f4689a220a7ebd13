"""Keeping what waits at the front desk up to date: each row by its newest fact, however the facts come."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.patient_file import PatientFile
from services.console.domain.waiting import Waiting, end_slot, soonest, waiting_of
from services.console.store.rows import run
from shared.events.scheduling import UnplacedSession

SESSIONS: Final = TypeAdapter(tuple[UnplacedSession, ...])
_OWNER: Final = ("clinic_id", "patient_id")
_TYPES: Final = {
    "revision": "integer", "number": "integer", "due_at": "timestamptz", "sessions": "jsonb", "wanted": "boolean",
    "recorded_at": "timestamptz", "sequence": "integer", "previous_start": "timestamptz", "start_at": "timestamptz",
    "offered_at": "timestamptz", "expires_at": "timestamptz", "round": "integer", "answered_at": "timestamptz",
}  # fmt: skip


def _upsert(table: str, key: str, names: Sequence[str], newer: str) -> tuple[TextClause, tuple[str, ...]]:
    """Insert rows, or overwrite those that are older; with the names of its arrays. Names are our own, never data."""
    every = (*_OWNER, key, *names)
    sent = {"jsonb": "text"}
    arrays = ", ".join(
        f"CAST(:{name} AS {sent.get(_TYPES.get(name, 'text'), _TYPES.get(name, 'text'))}[])" for name in every
    )
    values = ", ".join(f"CAST({name} AS {_TYPES.get(name, 'text')})" for name in every)
    changed = ", ".join(f"{name} = excluded.{name}" for name in names)
    statement = text(f"""
        INSERT INTO {table} AS known ({", ".join(every)})
        SELECT {values} FROM unnest({arrays}) AS new ({", ".join(every)})
        ON CONFLICT (clinic_id, patient_id, {key}) DO UPDATE SET {changed} WHERE {newer}
    """)  # noqa: S608
    return statement, every


_QUEUE = _upsert(
    "work_queue", "plan_id", ("revision", "number", "due_at", "sessions"), "excluded.revision > known.revision"
)
_WISH = _upsert(
    "waitlist",
    "plan_id",
    ("wanted", "recorded_at", "request_id", "end_slot"),
    "(excluded.recorded_at, excluded.request_id) > (known.recorded_at, known.request_id)",
)
_OFFERED: Final = (
    "plan_id", "sequence", "previous_start", "start_at", "practitioner_id", "room_id", "offered_at", "expires_at",
    "round", "why",
)  # fmt: skip
_OFFER = _upsert("offer", "offer_id", _OFFERED, "known.offered_at IS NULL")
_ANSWER = _upsert("offer", "offer_id", ("answer", "answered_at"), "known.answer IS NULL")
_TOLD = text("""
    INSERT INTO desk_answer AS known (clinic_id, patient_id, about, request_id, action, outcome, reasons, requested_by,
                                      answered_at)
    SELECT clinic_id, patient_id, about, request_id, action, outcome, string_to_array(reasons, ' '), requested_by,
           answered_at
    FROM unnest(CAST(:clinic_id AS text[]), CAST(:patient_id AS text[]), CAST(:about AS text[]),
        CAST(:request_id AS text[]), CAST(:action AS text[]), CAST(:outcome AS text[]), CAST(:reasons AS text[]),
        CAST(:requested_by AS text[]), CAST(:answered_at AS timestamptz[]))
        AS new (clinic_id, patient_id, about, request_id, action, outcome, reasons, requested_by, answered_at)
    ON CONFLICT (clinic_id, patient_id, about) DO UPDATE
    SET request_id = excluded.request_id, action = excluded.action, outcome = excluded.outcome,
        reasons = excluded.reasons, requested_by = excluded.requested_by, answered_at = excluded.answered_at
    WHERE (excluded.answered_at, excluded.request_id) > (known.answered_at, known.request_id)
""")
_TOLD_NAMES: Final = (
    *_OWNER, "about", "request_id", "action", "outcome", "reasons", "requested_by", "answered_at",
)  # fmt: skip


async def save(tx: AsyncConnection, files: Iterable[PatientFile]) -> None:
    """Bring the rows of these patients up to date with the facts that were added."""
    every = (((file.clinic_id, file.patient_id), waiting_of(file.added.values())) for file in files)
    told = [(owner, waiting) for owner, waiting in every if any(waiting)]
    if told:
        await run(tx, _QUEUE[0], _QUEUE[1], [row for each in told for row in _queues(each[0], each[1])])
        await run(tx, _WISH[0], _WISH[1], [row for each in told for row in _wishes(each[0], each[1])])
        await run(tx, _OFFER[0], _OFFER[1], [row for each in told for row in _offers(each[0], each[1])])
        await run(tx, _ANSWER[0], _ANSWER[1], [row for each in told for row in _answers(each[0], each[1])])
        await run(tx, _TOLD, _TOLD_NAMES, [row for each in told for row in _told(each[0], each[1])])


_Row = tuple[Any, ...]


def _queues(owner: _Row, waiting: Waiting) -> Iterable[_Row]:
    for plan_id, fact in waiting.queues.items():
        sessions = SESSIONS.dump_json(fact.waiting).decode()
        yield (*owner, plan_id, fact.revision, len(fact.waiting), soonest(fact.waiting), sessions)


def _wishes(owner: _Row, waiting: Waiting) -> Iterable[_Row]:
    for plan_id, fact in waiting.wishes.items():
        yield (*owner, plan_id, fact.wanted, fact.recorded_at, fact.request_id, end_slot(owner[0], owner[1], plan_id))


def _offers(owner: _Row, waiting: Waiting) -> Iterable[_Row]:
    for offer_id, fact in waiting.offers.items():
        yield (
            *owner, offer_id, fact.plan_id, fact.sequence, fact.previous_start, fact.start, fact.practitioner_id,
            fact.room_id, fact.offered_at, fact.expires_at, fact.round, fact.why,
        )  # fmt: skip


def _answers(owner: _Row, waiting: Waiting) -> Iterable[_Row]:
    for offer_id, fact in waiting.answered.items():
        yield (*owner, offer_id, fact.answer, fact.answered_at)


def _told(owner: _Row, waiting: Waiting) -> Iterable[_Row]:
    for about, fact in waiting.told.items():
        reasons = " ".join(fact.reasons)
        yield (
            *owner, about, fact.request_id, fact.action, fact.outcome, reasons, fact.requested_by, fact.answered_at,
        )  # fmt: skip
