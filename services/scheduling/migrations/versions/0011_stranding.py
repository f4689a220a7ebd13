"""What staff were told of stranded events."""

from shared.messaging.migrations import add_v3

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    add_v3()
