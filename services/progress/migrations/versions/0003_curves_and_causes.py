"""What clinicians expect of a plan's milestones, and why a milestone was taken back."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE plan ADD COLUMN curves jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE plan ALTER COLUMN curves DROP DEFAULT")
    op.execute("ALTER TABLE published ADD COLUMN cause text")
