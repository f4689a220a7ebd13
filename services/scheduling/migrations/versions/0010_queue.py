"""How often it was told which sessions of a course wait for staff."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE course ADD COLUMN queue_revision integer NOT NULL DEFAULT 0")
