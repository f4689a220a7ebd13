"""A record's version is its transaction's number: the sequence that gave versions before is not asked any more."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("DROP SEQUENCE record_version")
