"""The first tables of intake."""

from shared.messaging.migrations import create_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_v1()
