"""What intake is measured with: the same sessions, on the inbound topic and over HTTP."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from random import Random

import orjson

from benchmarks.records import Record
from benchmarks.stage import authorization
from benchmarks.workload import FIRST_DAY, Work, outcomes
from shared.events.base import Fact
from shared.events.intake import SessionLogged
from shared.flow import INBOUND_TOPIC
from shared.messaging import wire

_EVENTS_PER_PATIENT = 6


def intake(seed: int, run: str, events: int) -> Work:
    """Sessions of many patients on `clinic.inbound`, as a clinic system puts them there."""
    clinic, warm = f"bench-{run}", f"warm-{run}"
    return Work(
        before=[_inbound(fact) for fact in sessions(seed, warm, min(events, 500))],
        measured=[_inbound(fact) for fact in sessions(seed, clinic, events)],
        now=FIRST_DAY + timedelta(days=60),
        clinics=(clinic, warm),
    )


def sessions(seed: int, clinic: str, events: int) -> Iterator[SessionLogged]:
    """So many sessions of a clinic's patients, each patient once a turn."""
    patients = max(1, events // _EVENTS_PER_PATIENT)
    told = outcomes(Random(seed), clinic, patients, 3 * (events + patients))
    return islice((fact for fact in told if isinstance(fact, SessionLogged)), events)


def single(fact: Fact, path: str = "/events") -> bytes:
    """The HTTP/1.1 request that hands in one event in binary mode."""
    headers = {
        "content-type": wire.JSON_TYPE,
        **{f"ce-{name}": value for name, value in _attributes(fact).items()},
    }
    return _request(path, fact.clinic_id, headers, fact.document)


def batch(facts: Sequence[Fact], path: str = "/events") -> bytes:
    """The request that hands in several events at once."""
    events = [{**_attributes(fact), "data": orjson.loads(fact.document)} for fact in facts]
    headers = {"content-type": "application/cloudevents-batch+json"}
    return _request(path, facts[0].clinic_id, headers, orjson.dumps(events))


def _inbound(fact: Fact) -> Record:
    headers = {f"ce_{name}": value for name, value in _attributes(fact).items()}
    headers |= {"content-type": wire.JSON_TYPE, "authorization": authorization(fact.clinic_id)}
    packed = [(name, value.encode()) for name, value in headers.items()]
    return Record(INBOUND_TOPIC, fact.key.encode(), fact.document, packed)


def _attributes(fact: Fact) -> dict[str, str]:
    return {"specversion": "1.0", "id": fact.event_id, "source": "/clinic-system", "type": fact.wire_type()}


def _request(path: str, clinic: str, headers: dict[str, str], body: bytes) -> bytes:
    head = {
        "host": "bench",
        "authorization": authorization(clinic),
        **headers,
        "content-length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
