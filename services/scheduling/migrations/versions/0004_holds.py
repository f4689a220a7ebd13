"""Slots that are held for somebody for a while; a claim is an appointment's or a hold's."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE hold (
            clinic_id text NOT NULL,
            patient_id text NOT NULL,
            hold_id text NOT NULL,
            plan_id text NOT NULL,
            sequence integer NOT NULL,
            start_at timestamptz NOT NULL,
            end_at timestamptz NOT NULL,
            practitioner bigint NOT NULL REFERENCES resource,
            room bigint NOT NULL REFERENCES resource,
            buffer_minutes integer NOT NULL,
            expires_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('open', 'confirmed', 'released', 'expired')),
            PRIMARY KEY (clinic_id, patient_id, hold_id))
    """)
    op.execute("CREATE INDEX hold_open ON hold (clinic_id, expires_at) WHERE state = 'open'")
    op.execute("ALTER TABLE claim DROP CONSTRAINT claim_appointment_id_fkey")
