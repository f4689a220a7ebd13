"""Intake as it really runs: its own process, real Kafka, `stride send` from outside."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events.console import AlertActionRequested
from shared.flow import INBOUND_TOPIC, STAFF_TOPIC, dead_letter_topic
from shared.ids import random_id
from shared.messaging.wire import encode_headers
from shared.settings import ROOT
from stride.embedded.addresses import Addresses, External
from stride.embedded.processes import Settings, Stack

SAMPLES = ROOT.parent / "shared" / "samples" / "fhir"


@dataclass(frozen=True, slots=True)
class Running:
    """A running intake, and its home."""

    home: Path
    bootstrap: str

    async def send(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run `stride send ... --json`; its exit code and its object."""
        command = (sys.executable, "-m", "stride.cli", "send", *arguments, "--home", str(self.home), "--json")
        if not (ROOT / "stride" / "cli" / "__main__.py").exists():
            command = (sys.executable, "-c", "from stride.cli import main; main()", *command[3:])
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STRIDE_")}
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env=environment
        )
        told, _ = await process.communicate()
        return process.returncode or 0, json.loads(told.splitlines()[-1])

    def token(self) -> tuple[str, str]:
        """A clinic and its system's token."""
        lines = (self.home / "secrets" / "tokens.txt").read_text(encoding="utf-8").splitlines()
        clinic, _, _, token = next(line.split() for line in lines if line.split()[2] == "clinic-system")
        return clinic, token


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(
    database_url: str, kafka_bootstrap: str, addresses: Addresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Running]:
    home = tmp_path_factory.mktemp("intake")
    external = External(kafka_bootstrap, database_url, addresses.smtp, addresses.mailbox)
    async with Stack(home, Settings(services=("intake",), external=external)):
        yield Running(home, kafka_bootstrap)


async def read_until(bootstrap: str, topic: str, key: bytes) -> Any:
    """The first record of `topic` with that key."""
    (record,) = await read(bootstrap, topic, lambda record: record.key == key, 1)
    return record


async def read(bootstrap: str, topic: str, wanted: Callable[[Any], bool], count: int) -> list[Any]:
    """The first so many of the wanted records of `topic`."""
    found: list[Any] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while len(found) < count:
                record = await anext(consumer)
                found += [record] if wanted(record) else []
    finally:
        await consumer.stop()
    return found


async def put(
    bootstrap: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]], topic: str = INBOUND_TOPIC
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, value, key.encode(), headers=list(headers))


def adverse_event(patient_id: str) -> dict[str, Any]:
    happened = {"adverse_event_id": random_id(), "grade": 2, "term": "dizzy", "occurred_at": "2026-03-02T09:00:00Z"}
    return {
        "specversion": "1.0",
        "id": random_id(),
        "source": "test",
        "type": "clinic.adverse_event.recorded.v1",
        "data": {"patient_id": patient_id, "adverse_event": happened},
    }


async def test_what_comes_by_the_inbound_topic_is_published_and_what_nobody_may_send_is_a_dead_letter(
    running: Running,
) -> None:
    clinic, token = running.token()
    patient = random_id()
    body = orjson.dumps(adverse_event(patient))
    kind = ("content-type", b"application/cloudevents+json")
    await put(running.bootstrap, "x", body, [kind, ("authorization", f"Bearer {token}".encode())])
    record = await read_until(running.bootstrap, "adverse_event.recorded", f"{clinic}/{patient}".encode())
    assert orjson.loads(record.value)["adverse_event"]["grade"] == 2
    await put(running.bootstrap, patient, body, [kind, ("authorization", b"Bearer wrong")])
    letter = await read_until(running.bootstrap, dead_letter_topic("intake", INBOUND_TOPIC), patient.encode())
    headers = dict(letter.headers)
    assert headers["dlq-code"] == b"not-authenticated"
    assert "authorization" not in headers


async def test_what_staff_ask_for_in_the_console_is_published_once_and_a_contradiction_is_a_dead_letter(
    running: Running,
) -> None:
    clinic, _ = running.token()
    patient = random_id()
    asked = {"patient_id": patient, "requested_by": "st-ada", "requested_at": "2026-03-02T09:00:00Z"}
    wanted = AlertActionRequested.model_validate(
        {
            **asked,
            "clinic_id": clinic,
            "request_id": random_id(),
            "alert_id": "al-1",
            "revision": 1,
            "action": "acknowledge",
        }
    )
    again = wanted.model_copy(update={"requested_at": wanted.requested_at + timedelta(minutes=1)})
    other = wanted.model_copy(update={"action": "resolve"})
    for nth, fact in enumerate((wanted, again, other)):
        told = encode_headers(fact, source="console", time=fact.requested_at, correlation_id="", causation_id="")
        # Another id each time: not the inbox tells repeats here, but intake itself.
        headers = [(name, value.encode()) for name, value in {**told, "ce_id": f"{fact.event_id}-{nth}"}.items()]
        await put(running.bootstrap, fact.key, fact.document, headers, STAFF_TOPIC)
    key = wanted.key.encode()
    record = await read_until(running.bootstrap, "alert.action.requested", key)
    assert record.value == wanted.document
    letter = await read_until(running.bootstrap, dead_letter_topic("intake", STAFF_TOPIC), key)
    assert (letter.value, dict(letter.headers)["dlq-code"]) == (other.document, b"refused")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/samples is not here")
async def test_stride_send_hands_in_the_sample_folder_with_an_answer_for_every_entry(running: Running) -> None:
    code, told = await running.send(str(SAMPLES))
    entries = sum(len(orjson.loads(path.read_bytes())["entry"]) for path in SAMPLES.glob("*.json"))
    assert (code, told["failed"], told["requests"]) == (0, [], 7)
    assert told["accepted"] + told["repeats"] + told["refused"] == entries
    assert told["accepted"] > 5
    assert "Stride does not use Claim. " in " ".join(told["refused_by_reason"])
    _, again = await running.send(str(SAMPLES))
    assert (again["accepted"], again["repeats"]) == (0, told["accepted"])


async def test_stride_send_reads_events_one_by_one_in_lists_and_in_lines(running: Running, tmp_path: Path) -> None:
    events = [adverse_event(random_id()) for _ in range(250)]
    (tmp_path / "1.json").write_bytes(orjson.dumps(events[0]))
    (tmp_path / "2.json").write_bytes(orjson.dumps([*events, {**events[1], "id": "new", "type": "none"}]))
    (tmp_path / "3.jsonl").write_bytes(b"\n".join(map(orjson.dumps, events)))
    code, told = await running.send(str(tmp_path))
    assert (code, told["accepted"], told["repeats"], told["refused"]) == (0, 250, 251, 1)


async def test_stride_send_hands_in_a_clinics_calendars_shows_them_before_and_withdraws_them(
    running: Running, tmp_path: Path
) -> None:
    clinic, _ = running.token()
    content = (ROOT / "clinics" / "riverside.yaml").read_text(encoding="utf-8")
    file = tmp_path / f"{random_id()}.yaml"
    file.write_text(content.replace("clinic_id: riverside", f"clinic_id: {clinic}"), encoding="utf-8")
    code, looked = await running.send(str(file), "--dry-run")
    (request,) = looked["requests"]
    assert (code, request["clinic"], len(request["says"])) == (0, clinic, 9)
    code, sent = await running.send(str(file))
    assert (code, sent["accepted"], sent["refused"], sent["failed"]) == (0, 9, 0, [])
    code, withdrawn = await running.send(str(file), "--withdraw")
    assert (code, withdrawn["accepted"]) == (0, 9)
    of_file = file.stem.encode()
    records = await read(running.bootstrap, "calendar.changed", lambda record: of_file in record.value, 18)
    assert [orjson.loads(record.value)["withdrawn"] for record in records] == [False] * 9 + [True] * 9
    other = file.with_name("other.yaml")
    other.write_text(content.replace("clinic_id: riverside", "clinic_id: nobodys"), encoding="utf-8")
    code, refused = await running.send(str(other), "--clinic", clinic)
    assert refused["refused"] == 9
    assert "another clinic" in " ".join(refused["refused_by_reason"])
    other.write_text("rooms: [{id: gym, open: 1}]", encoding="utf-8")
    code, wrong = await running.send(str(other))
    assert (code, wrong["accepted"]) == (1, 0)
    assert "line 1, column 25: rooms.0.open: there is no such field here" in wrong["failed"][0]["reason"]


async def test_stride_send_says_what_failed_and_ends_with_a_code_for_it(running: Running, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"neither": 1}', encoding="utf-8")
    (tmp_path / "2.json").write_bytes(orjson.dumps(adverse_event(random_id())))
    code, told = await running.send(str(tmp_path))
    assert (code, told["accepted"], [entry["origin"] for entry in told["failed"]]) == (1, 1, ["1.json"])
    code, told = await running.send(str(tmp_path / "2.json"), "--token", "wrong")
    assert (code, told["failed"][0]["status"]) == (1, 401)
    code, _ = await running.send(str(tmp_path / "2.json"), "--url", "http://127.0.0.1:9")
    assert code == 69
    code, _ = await running.send(str(tmp_path / "nothing.json"))
    assert code == 2
