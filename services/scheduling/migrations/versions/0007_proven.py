"""Whether no cheaper course was possible when a course was booked; of older ones that is not known."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE course ADD COLUMN proven boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE course ALTER COLUMN proven DROP DEFAULT")
