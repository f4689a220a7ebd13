"""The clinic's sums by week beside what each course adds to them, and a patient's courses by index."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    """
    CREATE TABLE weekly_total (
        clinic_id text NOT NULL,
        protocol_id text NOT NULL,
        figure text NOT NULL,
        unit text NOT NULL,
        week date NOT NULL,
        total numeric NOT NULL,
        number bigint NOT NULL,
        PRIMARY KEY (clinic_id, protocol_id, figure, unit, week))
    """,
    """
    INSERT INTO weekly_total
    SELECT clinic_id, protocol_id, figure, unit, week, sum(round(CAST(total AS numeric), 9)), sum(number)
    FROM weekly GROUP BY clinic_id, protocol_id, figure, unit, week
    """,
    "DROP INDEX weekly_of_protocol",
    "CREATE INDEX resource_course ON resource (clinic_id, patient_id) WHERE type = 'EpisodeOfCare'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
