"""A request to move an appointment may name just the slot that is wanted."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE change_request ADD COLUMN start_at timestamptz, ADD COLUMN practitioner_id text,
            ADD COLUMN room_id text
    """)
