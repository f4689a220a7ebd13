"""A version of each patient's state, so that it can be kept in memory."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE patient ADD COLUMN version bigint NOT NULL DEFAULT 0")
