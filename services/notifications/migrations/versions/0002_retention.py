"""The runtime's tables under endless traffic, and reminders that are over."""

from alembic import op

from shared.messaging.migrations import change_v2

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    change_v2()
    op.execute("""
        CREATE INDEX delivery_over ON delivery (valid_until)
        WHERE topic = 'reminder' AND state NOT IN ('scheduled', 'sending')
    """)
