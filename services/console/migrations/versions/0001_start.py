"""The first tables of the console."""

from alembic import op

from shared.messaging.migrations import change_v2, create_v1

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE fact (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        slot text NOT NULL,
        type text NOT NULL,
        payload jsonb NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, slot))
    """,
    """
    CREATE TABLE weekly (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        plan_id text NOT NULL,
        figure text NOT NULL,
        week date NOT NULL,
        protocol_id text NOT NULL,
        unit text NOT NULL,
        total double precision NOT NULL,
        number integer NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, plan_id, figure, week))
    """,
    "CREATE INDEX weekly_of_protocol ON weekly (clinic_id, protocol_id, figure, week)",
)


def upgrade() -> None:
    create_v1()
    change_v2()
    for statement in _STATEMENTS:
        op.execute(statement)
