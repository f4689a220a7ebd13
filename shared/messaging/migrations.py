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
