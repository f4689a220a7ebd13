"""Reference (a): the least that reads facts once and keeps them; no rules, no outbox, nothing to publish.

`getmany`, `json.loads`, one transaction a batch with unnest inserts into an inbox and a table, then the
offsets. As fast as we could make it in Python: uvloop, asyncpg with prepared statements, its best batch size.
"""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

from benchmarks.references import arguments, run, tell

BATCH = 500
"""Its best; 250 to 4,000 make no difference beyond noise."""

_TABLES = """
    CREATE SCHEMA IF NOT EXISTS bench_bare;
    CREATE TABLE IF NOT EXISTS bench_bare.inbox (
        source text, event_id text, received_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, event_id));
    CREATE TABLE IF NOT EXISTS bench_bare.fact (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        clinic_id text NOT NULL, patient_id text NOT NULL, topic text NOT NULL, body jsonb NOT NULL);
    TRUNCATE bench_bare.inbox, bench_bare.fact;
"""
_REMEMBER = """
    INSERT INTO bench_bare.inbox (source, event_id)
    SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""
_KEEP = """
    INSERT INTO bench_bare.fact (clinic_id, patient_id, topic, body)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
"""


async def main(bootstrap: str, database: str, topics: Sequence[str], group: str, batch: int) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(_TABLES)
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        while True:
            found = await consumer.getmany(timeout_ms=200, max_records=batch)
            records = [record for part in found.values() for record in part]
            if records:
                await _apply(connection, records)
                await consumer.commit()
                tell(len(records))
    finally:
        await consumer.stop()
        await connection.close()


async def _apply(connection: Any, records: Sequence[Any]) -> None:
    facts = [json.loads(record.value) for record in records]
    contexts = [dict(record.headers) for record in records]
    async with connection.transaction():
        await connection.execute(
            _REMEMBER,
            [context["ce_source"].decode() for context in contexts],
            [context["ce_id"].decode() for context in contexts],
        )
        await connection.execute(
            _KEEP,
            [fact["clinic_id"] for fact in facts],
            [fact["patient_id"] for fact in facts],
            [record.topic for record in records],
            [record.value.decode() for record in records],
        )


if __name__ == "__main__":
    told = arguments(__doc__)
    run(main(told.bootstrap, told.database, told.topics, told.group, told.batch or BATCH))
