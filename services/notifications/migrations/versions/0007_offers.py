"""Times that are offered to a patient lie among the appointments."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE appointment DROP CONSTRAINT appointment_status_check, ADD CONSTRAINT appointment_status_check
            CHECK (status IN ('booked', 'cancelled', 'missed', 'proposed'))
    """)
