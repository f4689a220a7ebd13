"""The first tables of intake."""

from alembic import op

from shared.messaging.migrations import create_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_v1()
    op.execute("""
        CREATE TABLE patient_file (
            clinic_id text NOT NULL,
            patient_id text NOT NULL,
            document jsonb NOT NULL,
            PRIMARY KEY (clinic_id, patient_id))
    """)
    op.execute("""
        CREATE TABLE proposal (
            clinic_id text NOT NULL,
            proposal_id text NOT NULL,
            patient_id text NOT NULL,
            plan_id text NOT NULL,
            pending boolean NOT NULL,
            PRIMARY KEY (clinic_id, proposal_id))
    """)
    op.execute("CREATE INDEX proposal_pending ON proposal (clinic_id) WHERE pending")
    op.execute("""
        CREATE TABLE record (
            clinic_id text NOT NULL,
            name text NOT NULL,
            natural_key text NOT NULL,
            patient_id text NOT NULL,
            digest text NOT NULL,
            PRIMARY KEY (clinic_id, name, natural_key))
    """)
