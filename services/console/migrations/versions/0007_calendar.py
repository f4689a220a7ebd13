"""Appointments, what was asked of them, sessions held and the clinic's calendars, as the calendar page reads them.

`stride rebuild console --swap` fills them with what came before.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
    CREATE TABLE appointment (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        appointment_id text NOT NULL,
        plan_id text NOT NULL,
        sequence integer NOT NULL,
        version integer NOT NULL,
        state text NOT NULL,
        reason text NOT NULL,
        start_at timestamptz NOT NULL,
        end_at timestamptz NOT NULL,
        placed_version integer NOT NULL,
        practitioner_id text NOT NULL,
        room_id text NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, appointment_id))
    """,
    "CREATE INDEX appointment_by_start ON appointment (clinic_id, start_at)",
    "CREATE INDEX appointment_by_id ON appointment (clinic_id, appointment_id)",
    """
    CREATE TABLE appointment_request (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        request_id text NOT NULL,
        appointment_id text,
        change text,
        seen_version integer,
        requested_at timestamptz,
        start_at timestamptz,
        practitioner_id text,
        room_id text,
        refused text,
        PRIMARY KEY (clinic_id, patient_id, request_id))
    """,
    "CREATE INDEX appointment_request_by_appointment ON appointment_request (clinic_id, appointment_id)",
    """
    CREATE TABLE attendance (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        session_id text NOT NULL,
        started_at timestamptz,
        plan_id text,
        appointment_id text,
        voided boolean NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, session_id))
    """,
    "CREATE INDEX attendance_by_start ON attendance (clinic_id, started_at)",
    "CREATE INDEX attendance_by_appointment ON attendance (clinic_id, appointment_id)",
    """
    CREATE TABLE calendar (
        clinic_id text NOT NULL,
        calendar_id text NOT NULL,
        revision bigint NOT NULL,
        slot text NOT NULL,
        PRIMARY KEY (clinic_id, calendar_id))
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
