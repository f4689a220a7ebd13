"""The rows of scheduling. Its migrations create them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE

METADATA = MetaData()


def _text(name: str, *, key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


CLINIC = Table(
    "clinic",
    METADATA,
    _text("clinic_id", key=True),
    Column("revision", BigInteger, nullable=False),
    Column("description", JSONB(none_as_null=True)),
)
"""`description` is the newest `ClinicDescribed`; `revision` changes whenever it or a calendar of the clinic does."""
CALENDAR = Table(
    "calendar",
    METADATA,
    _text("clinic_id", key=True),
    _text("calendar_id", key=True),
    Column("revision", BigInteger, nullable=False),
    Column("content", JSONB, nullable=False),
)
"""`content` is the newest `CalendarChanged` of a calendar."""
RESOURCE = Table(
    "resource",
    METADATA,
    _id(),
    _text("clinic_id"),
    _text("kind"),
    _text("external_id"),
    Column("place", SmallInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
"""What can be taken. Of what takes several sessions at once, each place is a row of its own, counted from 1."""
COURSE = Table(
    "course",
    METADATA,
    _text("clinic_id", key=True),
    _text("plan_id", key=True),
    _text("patient_id", key=True),
    _number("plan_version"),
    _text("state"),
    Column("terms", JSONB(none_as_null=True)),
    Column("waiting", JSONB, nullable=False),
    _moment("ended_at"),
    Column("proven", Boolean, nullable=False),
    _number("queue_revision"),
)
SESSION = Table(
    "session",
    METADATA,
    _text("clinic_id", key=True),
    _text("plan_id", key=True),
    _text("patient_id", key=True),
    Column("sequence", Integer, primary_key=True),
    _text("phase"),
    _number("min_gap_days"),
    _number("max_gap_days"),
    Column("spacing_days", Double, nullable=False),
    _number("minutes"),
    Column("given_up", Boolean, nullable=False),
    _text("unplaced_reason", nullable=True),
    _text("unplaced_detail", nullable=True),
    _moment("earliest"),
    _moment("latest"),
)
APPOINTMENT = Table(
    "appointment",
    METADATA,
    _text("id", key=True),
    _text("clinic_id"),
    _text("plan_id"),
    _text("patient_id"),
    _number("version"),
    _number("sequence"),
    _text("state"),
    _text("session_id", nullable=True),
    Column("status", Text, Computed("CASE WHEN session_id IS NULL THEN state ELSE 'fulfilled' END", persisted=True)),
    _text("reason"),
    _moment("start_at", nullable=False),
    _moment("end_at", nullable=False),
    Column("practitioner", BigInteger, nullable=False),
    Column("room", BigInteger, nullable=False),
    _number("buffer_minutes"),
    _text("booking_id"),
    _text("replaces", nullable=True),
    Column("room_buffer_minutes", Integer),
    Column("local_start", DateTime),
    _text("local_zone", nullable=True),
)
CLAIM = Table(
    "claim",
    METADATA,
    _id(),
    _text("appointment_id"),
    Column("resource", BigInteger, nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    Column("live", Boolean, nullable=False),
)
HOLD = Table(
    "hold",
    METADATA,
    _text("clinic_id", key=True),
    _text("patient_id", key=True),
    _text("hold_id", key=True),
    _text("plan_id"),
    _number("sequence"),
    _moment("start_at", nullable=False),
    _moment("end_at", nullable=False),
    Column("practitioner", BigInteger, nullable=False),
    Column("room", BigInteger, nullable=False),
    _number("buffer_minutes"),
    _moment("expires_at", nullable=False),
    _text("state"),
    _moment("offered_at"),
    _text("moves", nullable=True),
    Column("room_buffer_minutes", Integer),
)
"""Its claims are made under `hold_id`, which begins with `hold:`. Of an offer, it says since when and what moves."""
FREED_TIME = Table(
    "freed_time",
    METADATA,
    _text("clinic_id", key=True),
    _text("practitioner_id", key=True),
    Column("start_at", DateTime(timezone=True), primary_key=True),
    _moment("end_at", nullable=False),
    _text("room_id", nullable=True),
    Column("left_by", ARRAY(Text), nullable=False),
    _moment("due_at", nullable=False),
)
"""Time that became free and may be offered; at `due_at` it is looked at again. `left_by`: who did not want it."""
WAITLIST_ENTRY = Table(
    "waitlist_entry",
    METADATA,
    _text("clinic_id", key=True),
    _text("patient_id", key=True),
    _text("plan_id", key=True),
    Column("wanted", Boolean, nullable=False),
    _moment("recorded_at", nullable=False),
    _text("request_id"),
)
"""What was said of offers of freed time, last; who said nothing is asked or not by the clinic's policy."""
FEED = Table(
    "feed",
    METADATA,
    _text("token_hash", key=True),
    _text("clinic_id"),
    _text("feed_id"),
    _text("kind"),
    _text("external_id"),
)
CHANGE_REQUEST = Table(
    "change_request",
    METADATA,
    _text("clinic_id", key=True),
    _text("patient_id", key=True),
    _text("request_id", key=True),
    _text("appointment_id"),
    _text("change"),
    _moment("requested_at", nullable=False),
    _moment("not_before"),
    Column("rebook", Boolean, nullable=False),
    Column("taken", Boolean, nullable=False),
    _moment("start_at"),
    _text("practitioner_id", nullable=True),
    _text("room_id", nullable=True),
)
ATTENDANCE = Table(
    "attendance",
    METADATA,
    _text("clinic_id", key=True),
    _text("patient_id", key=True),
    _text("session_id", key=True),
    _moment("started_at"),
    _text("plan_id", nullable=True),
    _text("appointment_id", nullable=True),
    Column("voided", Boolean, nullable=False),
)
