"""Rows of the console, in its own schema. Every key of what follows from facts begins with clinic and patient."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA = MetaData()


def _table(name: str, *columns: Column[object]) -> Table:
    clinic, patient = (Column(key, Text, primary_key=True) for key in ("clinic_id", "patient_id"))
    return Table(name, METADATA, clinic, patient, *columns)


FACT = _table(
    "fact",
    Column("slot", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
)
"""A patient's facts; the clinic's own have no patient id. `type` is CloudEvents'.

`slot` is the event id, and `contact` for the newest of `patient.*`.
"""

WEEKLY = _table(
    "weekly",
    Column("plan_id", Text, primary_key=True),
    Column("figure", Text, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("protocol_id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("total", Double, nullable=False),
    Column("number", Integer, nullable=False),
)
"""What a course adds to a figure of the clinic in a week (its Monday): the sum and the number of its values."""

WEEKLY_TOTAL = Table(
    "weekly_total",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("protocol_id", Text, primary_key=True),
    Column("figure", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("total", Numeric, nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""The sums of `weekly` over all courses of a clinic."""

RESOURCE = Table(
    "resource",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("patient_id", Text, nullable=False),
)
"""Whose FHIR resource it is; what it says follows from the patient's facts."""

Index(
    "resource_course",
    RESOURCE.c.clinic_id,
    RESOURCE.c.patient_id,
    postgresql_where=text("type = 'EpisodeOfCare'"),
)

SESSION = Table(
    "session",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("clinic_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("account", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Somebody signed in with one browser; `id` is the hash of the cookie. Times are the machine's."""

ENTRY_LINK = Table(
    "entry_link",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""A link that signs in once; `id` is the hash of what it holds."""

SIGN_IN_ATTEMPT = Table(
    "sign_in_attempt",
    METADATA,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("who", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Attempts to sign in that have not succeeded: by account and by address."""

Index("sign_in_attempt_who", SIGN_IN_ATTEMPT.c.who, SIGN_IN_ATTEMPT.c.at)

AUDIT = Table(
    "audit",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("action", Text, nullable=False),
    Column("patient_ids", ARRAY(Text), nullable=False),
    Column("details", JSONB, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Who saw which patient and did what; a trigger keeps it from being changed, and its hashes tell if it was."""

Index("audit_patients", AUDIT.c.patient_ids, postgresql_using="gin")

ALERT = _table(
    "alert",
    Column("alert_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("plan_id", Text),
    Column("raised_at", DateTime(timezone=True)),
    Column("revision", Integer, nullable=False),
    Column("owner", Text),
    Column("owner_revision", Integer, nullable=False),
    Column("taken_by", Text),
    Column("taken_at", DateTime(timezone=True)),
    Column("taken_revision", Integer, nullable=False),
    Column("snoozed_until", DateTime(timezone=True)),
    Column("snoozed_revision", Integer, nullable=False),
    Column("asked_again_revision", Integer, nullable=False),
    Column("resolved_by", Text),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolution", Text),
    Column("state", Text, nullable=False),
)
"""How each alert stands: `domain.alerts.Alert`, and its state. Without `raised_at`, what it is about is not known."""

Index("alert_by_state", ALERT.c.clinic_id, ALERT.c.state, ALERT.c.raised_at.desc())
Index("alert_by_id", ALERT.c.clinic_id, ALERT.c.alert_id)

PATIENT = _table("patient", Column("name", Text, nullable=False), Column("revision", BigInteger, nullable=False))
"""Patients' names, at their highest revision."""

WORK_QUEUE = _table(
    "work_queue",
    Column("plan_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("sessions", JSONB, nullable=False),
)
"""A course's sessions without a time at the newest revision; `due_at` is when the first of them should be."""

Index("work_queue_by_due", WORK_QUEUE.c.clinic_id, WORK_QUEUE.c.due_at, postgresql_where=WORK_QUEUE.c.number > 0)

WAITLIST = _table(
    "waitlist",
    Column("plan_id", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("request_id", Text, nullable=False),
    Column("end_slot", Text, nullable=False),
)
"""What was said last of offers for a course. `end_slot` is where `fact` has the course's end, once it is over."""

OFFER = _table(
    "offer",
    Column("offer_id", Text, primary_key=True),
    Column("plan_id", Text),
    Column("sequence", Integer),
    Column("previous_start", DateTime(timezone=True)),
    Column("start_at", DateTime(timezone=True)),
    Column("practitioner_id", Text),
    Column("room_id", Text),
    Column("offered_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("round", Integer),
    Column("why", Text),
    Column("answer", Text),
    Column("answered_at", DateTime(timezone=True)),
)
"""A time that was offered; its answer may come first."""

Index("offer_by_time", OFFER.c.clinic_id, OFFER.c.start_at)
Index("offer_by_id", OFFER.c.clinic_id, OFFER.c.offer_id)

DESK_ANSWER = _table(
    "desk_answer",
    Column("about", Text, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=False),
)
"""What came of what the front desk asked last about a session, a course or an offer."""

RECOUNT = _table("recount")
"""Patients whose part in `weekly` is to be counted anew."""

APPOINTMENT = _table(
    "appointment",
    Column("appointment_id", Text, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("start_at", DateTime(timezone=True), nullable=False),
    Column("end_at", DateTime(timezone=True), nullable=False),
    Column("placed_version", Integer, nullable=False),
    Column("practitioner_id", Text, nullable=False),
    Column("room_id", Text, nullable=False),
)
"""Appointments at their highest version. With whom and where is told by facts up to `placed_version`: a cancellation
does not say it, and may come first; then both are empty."""

Index("appointment_by_start", APPOINTMENT.c.clinic_id, APPOINTMENT.c.start_at)
Index("appointment_by_id", APPOINTMENT.c.clinic_id, APPOINTMENT.c.appointment_id)

APPOINTMENT_REQUEST = _table(
    "appointment_request",
    Column("request_id", Text, primary_key=True),
    Column("appointment_id", Text),
    Column("change", Text),
    Column("seen_version", Integer),
    Column("requested_at", DateTime(timezone=True)),
    Column("start_at", DateTime(timezone=True)),
    Column("practitioner_id", Text),
    Column("room_id", Text),
    Column("refused", Text),
)
"""What was asked of an appointment, and where it could not be done, why: two facts, whichever comes first."""

Index("appointment_request_by_appointment", APPOINTMENT_REQUEST.c.clinic_id, APPOINTMENT_REQUEST.c.appointment_id)

ATTENDANCE = _table(
    "attendance",
    Column("session_id", Text, primary_key=True),
    Column("started_at", DateTime(timezone=True)),
    Column("plan_id", Text),
    Column("appointment_id", Text),
    Column("voided", Boolean, nullable=False),
)
"""Sessions that were held, or recorded in error."""

Index("attendance_by_start", ATTENDANCE.c.clinic_id, ATTENDANCE.c.started_at)
Index("attendance_by_appointment", ATTENDANCE.c.clinic_id, ATTENDANCE.c.appointment_id)

CALENDAR = Table(
    "calendar",
    METADATA,
    Column("clinic_id", Text, primary_key=True),
    Column("calendar_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("slot", Text, nullable=False),
)
"""Of each of a clinic's calendars the newest fact, by its slot; the clinic's own description has no calendar id."""
