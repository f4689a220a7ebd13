"""Alerts and patients' names as pages read them; figures are counted after facts are kept.

`stride rebuild console --swap` fills them with what came before.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """
    CREATE TABLE alert (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        alert_id text NOT NULL,
        kind text NOT NULL,
        severity text NOT NULL,
        title text NOT NULL,
        plan_id text,
        raised_at timestamptz,
        revision integer NOT NULL,
        owner text,
        owner_revision integer NOT NULL,
        taken_by text,
        taken_at timestamptz,
        taken_revision integer NOT NULL,
        snoozed_until timestamptz,
        snoozed_revision integer NOT NULL,
        asked_again_revision integer NOT NULL,
        resolved_by text,
        resolved_at timestamptz,
        resolution text,
        state text NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, alert_id))
    """,
    "CREATE INDEX alert_by_state ON alert (clinic_id, state, raised_at DESC)",
    "CREATE INDEX alert_by_id ON alert (clinic_id, alert_id)",
    """
    CREATE TABLE patient (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        name text NOT NULL,
        revision bigint NOT NULL,
        PRIMARY KEY (clinic_id, patient_id))
    """,
    """
    CREATE TABLE recount (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        PRIMARY KEY (clinic_id, patient_id))
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
