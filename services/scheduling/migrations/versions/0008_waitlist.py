"""The waitlist: time that became free, and who wants to be asked."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE freed_time (
            clinic_id text NOT NULL,
            practitioner_id text NOT NULL,
            start_at timestamptz NOT NULL,
            end_at timestamptz NOT NULL,
            room_id text,
            left_by text[] NOT NULL,
            due_at timestamptz NOT NULL,
            PRIMARY KEY (clinic_id, practitioner_id, start_at))
    """)
    op.execute("CREATE INDEX freed_time_due ON freed_time (due_at)")
    op.execute("""
        CREATE TABLE waitlist_entry (
            clinic_id text NOT NULL,
            patient_id text NOT NULL,
            plan_id text NOT NULL,
            wanted boolean NOT NULL,
            recorded_at timestamptz NOT NULL,
            request_id text NOT NULL,
            PRIMARY KEY (clinic_id, patient_id, plan_id))
    """)
    op.execute("CREATE INDEX hold_offered ON hold (clinic_id, start_at) WHERE offered_at IS NOT NULL")
