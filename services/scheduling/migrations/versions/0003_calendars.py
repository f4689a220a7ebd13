"""Calendars are facts: what the clinics' files brought comes again as the first of them."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    "DROP TABLE holiday, availability_exception, availability_rule",
    "DELETE FROM clinic",
    """
    ALTER TABLE clinic DROP COLUMN source, DROP COLUMN zone, DROP COLUMN slot_minutes, DROP COLUMN buffer_minutes,
        DROP COLUMN horizon_days, ADD COLUMN description jsonb
    """,
    """
    CREATE TABLE calendar (
        clinic_id text NOT NULL,
        calendar_id text NOT NULL,
        revision bigint NOT NULL,
        content jsonb NOT NULL,
        PRIMARY KEY (clinic_id, calendar_id))
    """,
    """
    ALTER TABLE resource DROP COLUMN zone, DROP COLUMN offers, DROP COLUMN active,
        ADD COLUMN place smallint NOT NULL DEFAULT 1,
        DROP CONSTRAINT resource_clinic_id_kind_external_id_key,
        ADD CONSTRAINT resource_name UNIQUE (clinic_id, kind, external_id, place)
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
