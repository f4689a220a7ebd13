"""Calendar feeds that people subscribe to by a secret address."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE feed (
            token_hash text PRIMARY KEY,
            clinic_id text NOT NULL,
            feed_id text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('practitioner', 'room', 'patient')),
            external_id text NOT NULL)
    """)
