"""What waits at the front desk: sessions without a time, the waitlist, offers.

`stride rebuild console --swap` fills them with what came before.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    """
    CREATE TABLE work_queue (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        plan_id text NOT NULL,
        revision integer NOT NULL,
        number integer NOT NULL,
        due_at timestamptz,
        sessions jsonb NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, plan_id))
    """,
    "CREATE INDEX work_queue_by_due ON work_queue (clinic_id, due_at) WHERE number > 0",
    """
    CREATE TABLE waitlist (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        plan_id text NOT NULL,
        wanted boolean NOT NULL,
        recorded_at timestamptz NOT NULL,
        request_id text NOT NULL,
        end_slot text NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, plan_id))
    """,
    """
    CREATE TABLE offer (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        offer_id text NOT NULL,
        plan_id text,
        sequence integer,
        previous_start timestamptz,
        start_at timestamptz,
        practitioner_id text,
        room_id text,
        offered_at timestamptz,
        expires_at timestamptz,
        round integer,
        why text,
        answer text,
        answered_at timestamptz,
        PRIMARY KEY (clinic_id, patient_id, offer_id))
    """,
    "CREATE INDEX offer_by_time ON offer (clinic_id, start_at)",
    "CREATE INDEX offer_by_id ON offer (clinic_id, offer_id)",
    """
    CREATE TABLE desk_answer (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        about text NOT NULL,
        request_id text NOT NULL,
        action text NOT NULL,
        outcome text NOT NULL,
        reasons text[] NOT NULL,
        requested_by text NOT NULL,
        answered_at timestamptz NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, about))
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
