"""Rows of progress, in its own schema. Every key begins with clinic and patient."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()


def _table(name: str, *columns: Column[object]) -> Table:
    clinic, patient = (Column(key, Text, primary_key=True) for key in ("clinic_id", "patient_id"))
    return Table(name, METADATA, clinic, patient, *columns)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


PATIENT = _table("patient", Column("version", BigInteger, nullable=False))
"""Which version of a patient's record is the stored one: a number that is never used twice."""

PLAN = _table(
    "plan",
    Column("plan_id", Text, primary_key=True),
    Column("terms", JSONB),
    Column("adjustments", JSONB, nullable=False),
    _moment("ended_at", nullable=True),
    Column("curves", JSONB, nullable=False),
)
"""A plan: `terms` as created, `adjustments` as [version, step, effective_on], `curves` as clinicians entered them."""

SESSION = _table(
    "session",
    Column("session_id", Text, primary_key=True),
    Column("plan_id", Text),
    _moment("started_at"),
    _moment("ended_at"),
)

READING = _table(
    "reading",
    Column("measurement_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("measure", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("unit", Text, nullable=False),
    _moment("effective_at"),
    Column("side", Text),
    Column("device", Text),
    Column("rater", Text),
    Column("enrolment", Boolean, nullable=False),
    Column("plan_id", Text),
    Column("session_id", Text),
)
"""A reading at its highest known revision."""

ADVERSE_EVENT = _table(
    "adverse_event",
    Column("adverse_event_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("grade", Integer, nullable=False),
    _moment("occurred_at"),
)
"""An adverse event as one session (or a report of its own: empty `session_id`) tells it."""

VOIDED = _table(
    "voided",
    Column("kind", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
)
"""What does not count: `kind` is session or reading. A void may come before its record."""

ANSWER = _table(
    "answer",
    Column("proposal_id", Text, primary_key=True),
    _moment("decided_at"),
    Column("approved", Boolean, nullable=False),
)
"""A clinician's decision on a proposal."""

PUBLISHED = _table(
    "published",
    Column("kind", Text, primary_key=True),
    Column("plan_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("evidence", JSONB),
    Column("cause", Text),
)
"""What was told: `number` is a revision, occurrence, version or grade; `cause` is why a milestone was taken back."""
