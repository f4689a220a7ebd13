"""A patient's messages leave in line within a channel: one provider that is down holds up no other channel."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("DROP INDEX delivery_line")
    op.execute("""
        CREATE INDEX delivery_line ON delivery (patient_key, channel, due_at, position)
        WHERE recipient = 'patient' AND state IN ('scheduled', 'deferred', 'ready')
    """)
    op.execute("""
        CREATE INDEX delivery_in_hand ON delivery (patient_key, channel)
        WHERE recipient = 'patient' AND state IN ('claimed', 'sending')
    """)
