"""The runtime's own tables, version by version, for the services' Alembic migrations."""

from alembic import op


def create_v1() -> None:
    """Inbox, applied offsets, outbox and parking, as of the first release."""
    op.execute("""
        CREATE TABLE inbox (
            source text NOT NULL,
            event_id text NOT NULL,
            received_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source, event_id))
    """)
    op.execute("CREATE INDEX inbox_received ON inbox USING brin (received_at)")
    op.execute("""
        CREATE TABLE applied_offset (
            topic text NOT NULL,
            partition integer NOT NULL,
            next_offset bigint NOT NULL,
            PRIMARY KEY (topic, partition))
    """)
    op.execute("""
        CREATE TABLE outbox (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            bucket smallint NOT NULL,
            id text NOT NULL,
            aggregatetype text NOT NULL,
            aggregateid bytea,
            type text NOT NULL,
            headers bytea NOT NULL,
            payload bytea,
            created_at timestamptz NOT NULL DEFAULT now())
    """)
    op.execute("""
        CREATE TABLE parked (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key text NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            record_offset bigint NOT NULL,
            event_id text NOT NULL,
            record_key bytea,
            headers bytea NOT NULL,
            value bytea,
            reason text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now())
    """)
    op.execute("CREATE INDEX parked_key ON parked (key)")


def change_v2() -> None:
    """What the first release's tables needed under endless traffic.

    The inbox's brin index is no help once new rows take the places of removed ones: its ranges only
    grow, until each step of removal reads the whole table. Vacuum comes after 2% instead of 20%, since
    a step passes what was removed and not vacuumed. Of failures, the parking table finds the recent
    ones without looking at what waits behind them.
    """
    op.execute("DROP INDEX inbox_received")
    op.execute("CREATE INDEX inbox_received ON inbox (received_at)")
    op.execute("ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02)")
    op.execute("""
        CREATE INDEX parked_failure ON parked (parked_at)
        WHERE reason <> 'behind-parked' AND NOT starts_with(reason, 'newer-version: ')
    """)


def add_v3() -> None:
    """What a service has told of its stranded events: `name` is what waits, `document` the fact about it."""
    op.execute("CREATE TABLE stranding (name text PRIMARY KEY, document bytea NOT NULL)")
