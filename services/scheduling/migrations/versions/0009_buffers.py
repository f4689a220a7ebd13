"""A room may need another time between two sessions than who treats; the wall time that an appointment was meant as."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE appointment ADD COLUMN room_buffer_minutes integer, ADD COLUMN local_start timestamp,
            ADD COLUMN local_zone text
    """)
    op.execute("ALTER TABLE hold ADD COLUMN room_buffer_minutes integer")
