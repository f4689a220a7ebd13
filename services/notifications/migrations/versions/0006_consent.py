"""The ledger of what patients choose; entries are only added."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE consent (
            position bigint GENERATED ALWAYS AS IDENTITY,
            consent_id text PRIMARY KEY,
            patient_key text NOT NULL,
            clinic_id text NOT NULL,
            patient_id text NOT NULL,
            what text NOT NULL,
            value text NOT NULL,
            way text NOT NULL,
            wording text NOT NULL,
            recorded_by text NOT NULL,
            recorded_at timestamptz NOT NULL)
    """)
    op.execute("CREATE INDEX consent_of_patient ON consent (patient_key)")
    op.execute("""
        CREATE FUNCTION consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the ledger of consent is only added to'; END $$
    """)
    op.execute("""
        CREATE TRIGGER consent_stays BEFORE UPDATE OR DELETE ON consent
        FOR EACH ROW EXECUTE FUNCTION consent_stays()
    """)
