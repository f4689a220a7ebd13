"""The peer: progress' job in quixstreams, the way its documentation builds such a job.

Sessions and readings, keyed by patient, go through a stateful step (RocksDB with a changelog topic) that keeps
the patient's readings and sessions, judges the two milestones of the protocol and writes each milestone to a
topic; its PostgreSQL sink stores each reading. At least once, a checkpoint every 500 events or 0.2 s.

It does less than Stride does: no corrections, voids or late records, no baseline facts, signals or proposals,
no inbox (a repeat counts twice), and nothing ties its topic, state and table together. It imports nothing of
Stride's, since it lives in an environment of its own: see peer-requirements.txt.
"""

# Its libraries live in another environment, where nobody checks types.
# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

import argparse
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from quixstreams import Application, State
from quixstreams.sinks.community.postgresql import PostgreSQLSink

CHECKPOINT_EVENTS, CHECKPOINT_SECONDS = 500, 0.2
MILESTONES = "bench.peer.milestone"
_TABLE = """
    CREATE SCHEMA IF NOT EXISTS bench_peer;
    CREATE TABLE IF NOT EXISTS bench_peer.reading (
        id text PRIMARY KEY, patient_id text, plan_id text, sessions bigint, measure text,
        value double precision, baseline double precision, at text);
    TRUNCATE bench_peer.reading;
"""
_PROTOCOL_SESSIONS, _BASELINE_READINGS, _WINDOW, _GAIN = (6, 12), 3, 3, 0.4


def record(fact: dict[str, Any], state: State) -> dict[str, Any]:
    """Add the fact's reading to the patient's series; the row to store, with the milestones it reaches."""
    session = "session_id" in fact
    reading = fact["readings"][0] if session else fact["reading"]
    sessions = state.get("sessions", 0) + int(session)
    series = [*state.get("series", []), [reading["effective_at"], reading["value"]]]
    series.sort()
    reached = state.get("reached", [])
    fresh = [name for name in _reached(sessions, [value for _, value in series]) if name not in reached]
    state.set("sessions", sessions)
    state.set("series", series)
    if fresh:
        state.set("reached", reached + fresh)
    return {
        "id": f"{fact['clinic_id']}/{reading['measurement_id']}",
        "patient_id": fact["patient_id"],
        "plan_id": fact["plan_id"],
        "sessions": sessions,
        "measure": reading["measure"],
        "value": float(reading["value"]),
        "baseline": _baseline([value for _, value in series]),
        "at": reading["effective_at"],
        "milestones": fresh,
    }


def _baseline(values: list[float]) -> float:
    first = values[:_BASELINE_READINGS]
    return sum(first) / len(first)


def _reached(sessions: int, values: list[float]) -> list[str]:
    names = [f"sessions-{count}" for count in _PROTOCOL_SESSIONS if sessions >= count]
    last = values[_BASELINE_READINGS:][-_WINDOW:]
    if len(last) == _WINDOW and sum(last) / _WINDOW <= (1 - _GAIN) * _baseline(values):
        names.append("pain-40")
    return names


def _row(judged: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in judged.items() if name != "milestones"}


def _sink(database: str) -> PostgreSQLSink:
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLE)
    url = urlsplit(database)
    return PostgreSQLSink(
        host=url.hostname or "",
        port=url.port or 5432,
        dbname=url.path[1:],
        user=url.username or "",
        password=url.password or "",
        schema_name="bench_peer",
        table_name="reading",
        schema_auto_update=False,
        primary_key_columns="id",
        upsert_on_primary_key=True,
        include_metadata=False,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--state", required=True, help="folder for its state")
    parser.add_argument("topics", nargs="+")
    return parser.parse_args()


def _application(told: argparse.Namespace) -> Application:
    return Application(
        broker_address=told.bootstrap,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        commit_every=told.batch or CHECKPOINT_EVENTS,
        commit_interval=CHECKPOINT_SECONDS,
        consumer_poll_timeout=CHECKPOINT_SECONDS,
        state_dir=told.state,
        loglevel="WARNING",
    )


def main() -> None:
    """Run until SIGTERM."""
    told = _arguments()
    application = _application(told)
    streams = [application.dataframe(application.topic(name, value_deserializer="json")) for name in told.topics]
    facts = streams[0]
    for other in streams[1:]:
        facts = facts.concat(other)
    judged = facts.apply(record, stateful=True)
    judged.filter(lambda row: bool(row["milestones"])).to_topic(application.topic(MILESTONES))
    judged.apply(_row).sink(_sink(told.database))
    application.run()


if __name__ == "__main__":
    main()
