"""The first tables of notifications."""

from alembic import op

from shared.messaging.migrations import create_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_v1()
    for statement in (PATIENT, PLAN, APPOINTMENT, DELIVERY, ALERT, *INDEXES):
        op.execute(statement)


PATIENT = """
    CREATE TABLE patient (
        patient_key text PRIMARY KEY,
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        revision bigint NOT NULL,
        contact_revision integer,
        name text,
        email text,
        language text,
        zone text)
"""
PLAN = """
    CREATE TABLE plan (
        patient_key text NOT NULL,
        plan_id text NOT NULL,
        version integer NOT NULL,
        ended_at timestamptz,
        end_reason text,
        PRIMARY KEY (patient_key, plan_id))
"""
APPOINTMENT = """
    CREATE TABLE appointment (
        patient_key text NOT NULL,
        appointment_id text NOT NULL,
        plan_id text NOT NULL,
        sequence integer NOT NULL,
        version integer NOT NULL,
        status text NOT NULL CHECK (status IN ('booked', 'cancelled', 'missed')),
        start_at timestamptz NOT NULL,
        end_at timestamptz NOT NULL,
        practitioner_id text,
        booking_id text,
        booking_size integer,
        replaces text,
        PRIMARY KEY (patient_key, appointment_id))
"""
DELIVERY = """
    CREATE TABLE delivery (
        position bigint GENERATED ALWAYS AS IDENTITY,
        delivery_id text PRIMARY KEY,
        patient_key text NOT NULL,
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        recipient text NOT NULL CHECK (recipient IN ('patient', 'staff')),
        recipient_id text NOT NULL,
        channel text NOT NULL,
        topic text NOT NULL,
        subject_id text NOT NULL,
        subject_version integer NOT NULL,
        slot text NOT NULL,
        plan_id text,
        state text NOT NULL CHECK (state IN ('planned', 'scheduled', 'sending', 'accepted', 'failed',
            'unknown', 'superseded', 'expired', 'suppressed')),
        reason text NOT NULL,
        due_at timestamptz NOT NULL,
        valid_until timestamptz,
        told json,
        attempt integer NOT NULL DEFAULT 0,
        deferrals integer NOT NULL DEFAULT 0,
        owner text,
        claimed_at timestamptz,
        claimed_revision bigint,
        handed_over_at timestamptz,
        accepted_at timestamptz,
        UNIQUE (clinic_id, recipient, recipient_id, channel, topic, subject_id, subject_version, slot))
"""
ALERT = """
    CREATE TABLE alert (
        position bigint GENERATED ALWAYS AS IDENTITY,
        alert_id text PRIMARY KEY,
        patient_key text NOT NULL,
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        kind text NOT NULL,
        severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
        title text NOT NULL,
        owner text,
        plan_id text,
        evidence json NOT NULL,
        raised_at timestamptz NOT NULL,
        acknowledged_by text,
        acknowledged_at timestamptz)
"""
INDEXES = (
    "CREATE INDEX delivery_due ON delivery (due_at, position) WHERE state = 'scheduled'",
    "CREATE INDEX delivery_line ON delivery (patient_key, recipient, due_at, position)"
    " WHERE state IN ('scheduled', 'sending')",
    "CREATE INDEX delivery_claimed ON delivery (claimed_at) WHERE state = 'sending'",
    "CREATE INDEX delivery_of_patient ON delivery (patient_key)",
    "CREATE INDEX delivery_list ON delivery (clinic_id, position)",
    "CREATE INDEX alert_of_patient ON alert (patient_key)",
    "CREATE INDEX alert_list ON alert (clinic_id, position)",
    "CREATE INDEX alert_open ON alert (clinic_id, position) WHERE acknowledged_at IS NULL",
)
"""A patient's messages leave in line: the second index finds who is ahead of a delivery."""
