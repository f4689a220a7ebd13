"""From what one event costs to what a large stack needs: the arithmetic of docs/scale.md."""

from collections.abc import Mapping
from math import ceil
from typing import Any

PATIENTS, EVENTS_A_DAY = 1_000_000, 100_000_000
PEAK = 4
"""The busiest hour against the day's mean: most comes in ten hours, and not evenly."""
BUSY = 0.6
"""How busy a core may be on average at the peak; beyond, queues grow."""
COURSE_DAYS, SESSIONS_A_WEEK = 84, 2
REPLICAS = 3
INBOX_DAYS, INBOX_ROW_BYTES = 30, 210
"""Days that `shared/messaging/retention.py` keeps; a row with its place in the index, as `growth` measures it."""
SHORT_HISTORY, LONG_HISTORY = 10, 100
"""Events a patient in the two measurements of progress."""
_DAY = 86_400


def loads() -> dict[str, float]:
    """Events a day that each service takes in, at one million patients and 100 million events."""
    sessions = PATIENTS * SESSIONS_A_WEEK / 7
    plans = PATIENTS / COURSE_DAYS
    return {
        "intake": EVENTS_A_DAY,
        "progress": EVENTS_A_DAY,
        "scheduling": plans,
        # Each session is booked, and at times moved or cancelled; and what progress makes known.
        "notifications": 2 * sessions + plans,
    }


def scale(costs: Mapping[str, Mapping[str, Any]], long_history: Mapping[str, Any]) -> dict[str, float]:
    """Cores, processes, bytes at the peak and a day; `costs` is by service, per event.

    `long_history` are those of progress with ten times as many events a patient: what a record's length adds.
    """
    taken = {service: events / _DAY * PEAK for service, events in loads().items()}
    processes = {service: ceil(rate * costs[service]["python_us"] / 1e6 / BUSY) for service, rate in taken.items()}
    kafka = sum(rate * costs[service]["kafka_us"] / 1e6 for service, rate in taken.items())
    database = {service: rate * costs[service]["postgres_us"] / 1e6 / BUSY for service, rate in taken.items()}
    written = sum(events * costs[service]["kafka_bytes_published"] for service, events in loads().items())
    stored = sum(events * costs[service]["database_bytes"] for service, events in loads().items())
    longer = _with_history(costs["progress"]["python_us"], long_history["python_us"])
    return {
        "events_a_second_at_the_peak": round(taken["intake"]),
        **{f"processes_of_{service}": number for service, number in processes.items()},
        "progress_us_with_full_records": round(longer),
        "processes_of_progress_with_full_records": ceil(taken["progress"] * longer / 1e6 / BUSY),
        **{f"database_cores_of_{service}": round(cores, 1) for service, cores in database.items()},
        "kafka_cores_with_replicas": round(kafka * REPLICAS / BUSY, 1),
        "kafka_gigabytes_a_day_with_replicas": round(written * REPLICAS / 1e9),
        "database_gigabytes_a_day": round(stored / 1e9),
        "inbox_gigabytes_at_any_time": round(2 * EVENTS_A_DAY * INBOX_DAYS * INBOX_ROW_BYTES / 1e9),
    }


def _with_history(short: float, long: float) -> float:
    """Microseconds an event at the mean length of a record, by the line through the two that were measured.

    It is an extrapolation: a patient has on average half of a course's events on record.
    """
    a_reading = max(0.0, long - short) / ((LONG_HISTORY - SHORT_HISTORY) / 2)
    return short + a_reading * EVENTS_A_DAY / PATIENTS * COURSE_DAYS / 2
