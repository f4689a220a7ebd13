"""Every state that a delivery can be in, and which may follow on which; receipts, allowances, subscriptions."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for statement in (*COLUMNS, MOVES, *TRIGGERS, *TABLES, *INDEXES):
        op.execute(statement)


COLUMNS = (
    "ALTER TABLE patient ADD COLUMN phone text",
    "ALTER TABLE delivery DROP CONSTRAINT delivery_state_check",
    "ALTER TABLE delivery DROP CONSTRAINT delivery_recipient_check",
    """
    ALTER TABLE delivery
        ADD COLUMN urgent boolean NOT NULL DEFAULT false,
        ADD COLUMN misfire text NOT NULL DEFAULT 'send_now',
        ADD COLUMN local_time timestamp,
        ADD COLUMN tzid text,
        ADD COLUMN provider text,
        ADD COLUMN reference text,
        ADD CONSTRAINT delivery_state_check CHECK (state IN ('planned', 'scheduled', 'deferred', 'ready', 'claimed',
            'sending', 'accepted', 'delivered', 'undelivered', 'bounced', 'failed', 'unknown', 'superseded', 'expired',
            'grouped', 'suppressed')),
        ADD CONSTRAINT delivery_recipient_check CHECK (recipient IN ('patient', 'staff', 'system')),
        ADD CONSTRAINT delivery_misfire_check CHECK (misfire IN ('send_now', 'skip', 'collapse'))
    """,
)
MOVES = """
    CREATE FUNCTION refuse_delivery_state() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        old_state text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE 'nothing' END;
    BEGIN
        IF (CASE old_state
            WHEN 'nothing' THEN NEW.state IN ('planned', 'scheduled', 'suppressed', 'superseded', 'grouped')
            WHEN 'planned' THEN NEW.state IN ('scheduled', 'suppressed', 'superseded', 'expired', 'grouped')
            WHEN 'suppressed' THEN NEW.state IN ('planned', 'scheduled', 'superseded', 'expired', 'grouped')
            WHEN 'scheduled' THEN NEW.state IN ('planned', 'deferred', 'ready', 'suppressed', 'superseded', 'expired',
                'grouped')
            WHEN 'deferred' THEN NEW.state IN ('scheduled', 'ready', 'suppressed', 'superseded', 'expired', 'grouped')
            WHEN 'ready' THEN NEW.state IN ('scheduled', 'deferred', 'claimed', 'suppressed', 'superseded', 'expired',
                'grouped')
            WHEN 'claimed' THEN NEW.state IN ('planned', 'ready', 'deferred', 'sending', 'failed', 'suppressed',
                'superseded', 'expired', 'grouped')
            WHEN 'sending' THEN NEW.state IN ('ready', 'deferred', 'accepted', 'failed', 'unknown')
            WHEN 'accepted' THEN NEW.state IN ('delivered', 'undelivered', 'bounced')
            WHEN 'unknown' THEN NEW.state IN ('accepted', 'delivered', 'undelivered', 'bounced')
            WHEN 'delivered' THEN NEW.state IN ('undelivered', 'bounced')
            WHEN 'undelivered' THEN NEW.state IN ('delivered', 'bounced')
            WHEN 'bounced' THEN NEW.state IN ('delivered', 'undelivered')
            ELSE false
        END) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'delivery %: % may not follow on %', NEW.delivery_id, NEW.state, old_state
            USING ERRCODE = 'check_violation';
    END $$
"""
TRIGGERS = (
    """
    CREATE TRIGGER delivery_moves BEFORE UPDATE ON delivery FOR EACH ROW
        WHEN (OLD.state <> NEW.state AND current_setting('stride.from_log', true) IS DISTINCT FROM 'on')
        EXECUTE FUNCTION refuse_delivery_state()
    """,
    """
    CREATE TRIGGER delivery_begins BEFORE INSERT ON delivery FOR EACH ROW
        WHEN (NEW.state NOT IN ('planned', 'scheduled', 'suppressed', 'superseded', 'grouped')
            AND current_setting('stride.from_log', true) IS DISTINCT FROM 'on')
        EXECUTE FUNCTION refuse_delivery_state()
    """,
)
"""One transaction may plan a message and take it back, so a delivery may begin as superseded.

A rebuild (`stride.from_log`) puts a delivery straight to where the log says it went."""
TABLES = (
    """
    CREATE TABLE receipt (
        delivery_id text NOT NULL,
        state text NOT NULL CHECK (state IN ('accepted', 'delivered', 'undelivered', 'bounced')),
        sequence bigint NOT NULL,
        reference text NOT NULL,
        received_at timestamptz NOT NULL,
        PRIMARY KEY (delivery_id, state, sequence))
    """,
    """
    CREATE TABLE allowance (
        provider text PRIMARY KEY,
        tokens double precision NOT NULL,
        filled_at timestamptz NOT NULL)
    """,
    """
    CREATE TABLE subscription (
        subscription_id text PRIMARY KEY,
        clinic_id text NOT NULL,
        url text NOT NULL,
        facts text[] NOT NULL,
        secret text NOT NULL,
        old_secret text,
        old_secret_until timestamptz,
        created_at timestamptz NOT NULL,
        disabled_at timestamptz,
        disabled_because text)
    """,
)
INDEXES = (
    "DROP INDEX delivery_due",
    "DROP INDEX delivery_line",
    "DROP INDEX delivery_claimed",
    "DROP INDEX delivery_over",
    "CREATE INDEX delivery_timer ON delivery (urgent, due_at, position) WHERE state IN ('scheduled', 'deferred')",
    "CREATE INDEX delivery_ready ON delivery (channel, urgent DESC, due_at, position) WHERE state = 'ready'",
    "CREATE INDEX delivery_line ON delivery (patient_key, due_at, position)"
    " WHERE recipient = 'patient' AND state IN ('scheduled', 'deferred', 'ready', 'claimed', 'sending')",
    "CREATE INDEX delivery_claimed ON delivery (claimed_at) WHERE state IN ('claimed', 'sending')",
    "CREATE INDEX delivery_over ON delivery (valid_until)"
    " WHERE topic = 'reminder' AND state NOT IN ('scheduled', 'deferred', 'ready', 'claimed', 'sending')",
    "CREATE INDEX subscription_of_clinic ON subscription (clinic_id)",
)
"""A patient's messages leave in line: `delivery_line` finds who is ahead of a delivery."""
