"""The rows of notifications. Its migrations create them; a test compares the two."""

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


PATIENT = Table(
    "patient",
    METADATA,
    Column("patient_key", Text, primary_key=True),
    Column("clinic_id", Text, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("contact_revision", Integer),
    Column("name", Text),
    Column("email", Text),
    Column("language", Text),
    Column("zone", Text),
    Column("phone", Text),
)
"""`revision` counts the changes that facts made, `version` names the transaction that changed anything last."""
PLAN = Table(
    "plan",
    METADATA,
    Column("patient_key", Text, primary_key=True),
    Column("plan_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    _moment("ended_at", nullable=True),
    Column("end_reason", Text),
)
APPOINTMENT = Table(
    "appointment",
    METADATA,
    Column("patient_key", Text, primary_key=True),
    Column("appointment_id", Text, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    _moment("start_at"),
    _moment("end_at"),
    Column("practitioner_id", Text),
    Column("booking_id", Text),
    Column("booking_size", Integer),
    Column("replaces", Text),
)
DELIVERY = Table(
    "delivery",
    METADATA,
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("delivery_id", Text, primary_key=True),
    Column("patient_key", Text, nullable=False),
    Column("clinic_id", Text, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("subject_version", Integer, nullable=False),
    Column("slot", Text, nullable=False),
    Column("plan_id", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("due_at"),
    _moment("valid_until", nullable=True),
    Column("urgent", Boolean, nullable=False),
    Column("misfire", Text, nullable=False),
    Column("local_time", DateTime),
    Column("tzid", Text),
    Column("told", JSON),
    Column("attempt", Integer, nullable=False),
    Column("deferrals", Integer, nullable=False),
    Column("owner", Text),
    _moment("claimed_at", nullable=True),
    Column("claimed_revision", BigInteger),
    _moment("handed_over_at", nullable=True),
    _moment("accepted_at", nullable=True),
    Column("provider", Text),
    Column("reference", Text),
)
RECEIPT = Table(
    "receipt",
    METADATA,
    Column("delivery_id", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("reference", Text, nullable=False),
    _moment("received_at"),
)
ALLOWANCE = Table(
    "allowance",
    METADATA,
    Column("provider", Text, primary_key=True),
    Column("tokens", Double, nullable=False),
    _moment("filled_at"),
)
SUBSCRIPTION = Table(
    "subscription",
    METADATA,
    Column("subscription_id", Text, primary_key=True),
    Column("clinic_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("facts", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    _moment("old_secret_until", nullable=True),
    _moment("created_at"),
    _moment("disabled_at", nullable=True),
    Column("disabled_because", Text),
)
ALERT = Table(
    "alert",
    METADATA,
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("alert_id", Text, primary_key=True),
    Column("patient_key", Text, nullable=False),
    Column("clinic_id", Text, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("owner", Text),
    Column("plan_id", Text),
    Column("evidence", JSON, nullable=False),
    _moment("raised_at"),
    Column("acknowledged_by", Text),
    _moment("acknowledged_at", nullable=True),
)
