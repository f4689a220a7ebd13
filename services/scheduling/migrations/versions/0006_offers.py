"""Holds that are offers: since when, and which appointment would move there."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE hold ADD COLUMN offered_at timestamptz, ADD COLUMN moves text")
