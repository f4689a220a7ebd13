"""Whose FHIR resource it is. `stride rebuild console --swap` names those of facts that were kept before."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE resource (
            clinic_id text NOT NULL,
            type text NOT NULL,
            id text NOT NULL,
            patient_id text NOT NULL,
            PRIMARY KEY (clinic_id, type, id))
    """)
