"""The runtime's tables under endless traffic."""

from shared.messaging.migrations import change_v2

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    change_v2()
