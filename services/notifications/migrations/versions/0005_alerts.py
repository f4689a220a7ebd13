"""Alerts are assigned, put off, resolved and escalated."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE alert
            ADD COLUMN role text NOT NULL DEFAULT 'clinician',
            ADD COLUMN step integer NOT NULL DEFAULT 0,
            ADD COLUMN wake_at timestamptz,
            ADD COLUMN snoozed_until timestamptz,
            ADD COLUMN resolved_by text,
            ADD COLUMN resolved_at timestamptz,
            ADD COLUMN resolution text CHECK (resolution IN ('done', 'not-needed', 'duplicate')),
            ADD COLUMN revision integer NOT NULL DEFAULT 1
    """)
    op.execute("CREATE INDEX alert_wake ON alert (wake_at) WHERE wake_at IS NOT NULL")
    op.execute("CREATE INDEX alert_unresolved ON alert (clinic_id, position) WHERE resolved_at IS NULL")
