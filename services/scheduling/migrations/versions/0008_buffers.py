"""A room may need another time between two sessions than who treats."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE appointment ADD COLUMN room_buffer_minutes integer")
    op.execute("ALTER TABLE hold ADD COLUMN room_buffer_minutes integer")
