"""Reaching patients: in confidence, by text message, and by another channel where one did not arrive."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE patient ADD COLUMN confidential boolean")
    op.execute("UPDATE patient SET confidential = false WHERE contact_revision IS NOT NULL")
    op.execute("ALTER TABLE delivery ADD COLUMN instead_of text")
    op.execute("CREATE INDEX patient_phone ON patient (phone) WHERE phone IS NOT NULL")
