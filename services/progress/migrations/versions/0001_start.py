"""The first tables of progress."""

from alembic import op

from shared.messaging.migrations import create_v1

revision = "0001"
down_revision = None

_STATEMENTS = (
    "CREATE SEQUENCE record_version",
    """
    CREATE TABLE patient (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (clinic_id, patient_id))
    """,
    """
    CREATE TABLE plan (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        plan_id text NOT NULL,
        terms jsonb,
        adjustments jsonb NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (clinic_id, patient_id, plan_id))
    """,
    "CREATE INDEX plan_of_clinic ON plan (clinic_id, plan_id)",
    """
    CREATE TABLE session (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        session_id text NOT NULL,
        plan_id text,
        started_at timestamptz NOT NULL,
        ended_at timestamptz NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, session_id))
    """,
    """
    CREATE TABLE reading (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        measurement_id text NOT NULL,
        revision integer NOT NULL,
        measure text NOT NULL,
        value double precision NOT NULL,
        unit text NOT NULL,
        effective_at timestamptz NOT NULL,
        side text,
        device text,
        rater text,
        enrolment boolean NOT NULL,
        plan_id text,
        session_id text,
        PRIMARY KEY (clinic_id, patient_id, measurement_id))
    """,
    """
    CREATE TABLE adverse_event (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        adverse_event_id text NOT NULL,
        session_id text NOT NULL,
        grade integer NOT NULL,
        occurred_at timestamptz NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, adverse_event_id, session_id))
    """,
    """
    CREATE TABLE voided (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        kind text NOT NULL,
        record_id text NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, kind, record_id))
    """,
    """
    CREATE TABLE answer (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        proposal_id text NOT NULL,
        decided_at timestamptz NOT NULL,
        approved boolean NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, proposal_id))
    """,
    """
    CREATE TABLE published (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        kind text NOT NULL,
        plan_id text NOT NULL,
        name text NOT NULL,
        number integer NOT NULL,
        standing boolean NOT NULL,
        evidence jsonb,
        PRIMARY KEY (clinic_id, patient_id, kind, plan_id, name))
    """,
)


def upgrade() -> None:
    create_v1()
    for statement in _STATEMENTS:
        op.execute(statement)
