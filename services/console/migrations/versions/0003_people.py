"""Who has signed in, and the audit trail of what they saw and did."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    CREATE TABLE session (
        id text PRIMARY KEY,
        clinic_id text NOT NULL,
        person_id text NOT NULL,
        name text NOT NULL,
        roles text[] NOT NULL,
        account text NOT NULL,
        csrf text NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz NOT NULL DEFAULT now())
    """,
    """
    CREATE TABLE entry_link (
        id text PRIMARY KEY,
        account text NOT NULL,
        expires_at timestamptz NOT NULL)
    """,
    """
    CREATE TABLE sign_in_attempt (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        who text NOT NULL,
        at timestamptz NOT NULL DEFAULT now())
    """,
    "CREATE INDEX sign_in_attempt_who ON sign_in_attempt (who, at)",
    """
    CREATE TABLE audit (
        clinic_id text NOT NULL,
        number bigint NOT NULL,
        at timestamptz NOT NULL,
        person_id text NOT NULL,
        roles text[] NOT NULL,
        action text NOT NULL,
        patient_ids text[] NOT NULL,
        details jsonb NOT NULL,
        outcome text NOT NULL,
        before text NOT NULL,
        hash text NOT NULL,
        PRIMARY KEY (clinic_id, number))
    """,
    "CREATE INDEX audit_patients ON audit USING gin (patient_ids)",
    """
    CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is only added to'; END $$
    """,
    """
    CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
