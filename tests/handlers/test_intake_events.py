"""CloudEvents at the edge: three modes, durable before 202, repeats known, hostile bodies answered."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from services.intake.api.inbound import inbound_decoder
from shared.events.base import Fact
from shared.events.intake import MeasurementRecorded
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.errors import Unreadable
from shared.messaging.message import Message, Position, RawRecord
from tests.handlers.intake_desk import NOW, Desk, issued, open_desk, token_of

MIB = 1_048_576
READING: dict[str, Any] = {
    "patient_id": "p1",
    "reading": {
        "measurement_id": "m1",
        "measure": "pain-nrs",
        "value": 6,
        "unit": "{score}",
        "effective_at": "2026-03-02T09:00:00Z",
    },
}
CONSULTATION: dict[str, Any] = {
    "patient_id": "p1",
    "consultation_id": "c1",
    "completed_at": "2026-03-02T09:00:00Z",
    "condition": "M21.372",
    "severity": "severe",
}


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, tmp_path: Path, clinic_id: str) -> AsyncGenerator[Desk]:
    async with open_desk(database_url, tmp_path, clinic_id) as opened:
        yield opened


def event(
    event_id: str = "ev-1", data: Any = READING, name: str = "measurement.recorded", **more: Any
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "https://clinic.example",
        "type": f"clinic.{name}.v1",
        "data": data,
    } | more


async def post(desk: Desk, body: Any, kind: str = "application/cloudevents+json", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await desk.http.post("/events", content=content, headers=desk.headers() | {"content-type": kind} | headers)


async def test_an_event_in_each_mode_is_the_same_event(desk: Desk) -> None:
    first = await desk.event(READING, "measurement.recorded", "ev-1")
    assert (first.status_code, first.json()) == (202, {"id": "ev-1", "status": "accepted"})
    again = await post(desk, event())
    assert (again.status_code, again.json()) == (202, {"id": "ev-1", "status": "repeat"})
    packed = event(data=None, data_base64=base64.b64encode(orjson.dumps(READING)).decode())
    batch = await post(desk, [packed], "application/cloudevents-batch+json")
    assert (batch.status_code, batch.json()) == (202, [{"index": 0, "id": "ev-1", "status": "repeat"}])
    (fact,) = await desk.published()
    assert (fact["topic"], fact["clinic_id"]) == ("measurement.recorded", desk.clinic_id)


async def test_a_consultation_becomes_a_plan_and_the_chain_of_causes_is_kept(desk: Desk) -> None:
    await desk.event(CONSULTATION, "consultation.completed", "ev-1")
    assert [fact["topic"] for fact in await desk.published()] == ["consultation.completed", "plan.created"]
    (plan,) = await desk.published("plan.created")
    assert (plan["side"], plan["phases"][0]["sessions_per_week"]) == ("left", 3.0)


async def test_a_batch_is_answered_item_by_item(desk: Desk) -> None:
    wrong = {**READING, "reading": {**READING["reading"], "measurement_id": "m2", "value": 11}}
    items = [event(), event("ev-2", wrong), event("ev-3", {"patient_id": "p1"}), 5, event("ev-4", name="plan.created")]
    answer = await post(desk, items, "application/cloudevents-batch+json")
    assert answer.status_code == 207
    told = answer.json()
    assert [item["status"] for item in told] == ["accepted", "refused", "refused", "refused", "refused"]
    assert told[1]["problem"]["errors"][0]["pointer"] == "/1/data/reading/value"
    assert told[2]["problem"]["errors"][0]["pointer"] == "/2/data/reading"
    assert told[4]["problem"]["type"] == "urn:stride:problem:unknown-type"
    assert len(await desk.published()) == 1


async def test_a_refused_event_says_what_where_and_how_and_may_come_again_mended(desk: Desk) -> None:
    answer = await post(desk, event(data={**READING, "reading": {**READING["reading"], "unit": "cm"}}))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:stride:problem:refused"
    assert problem["errors"] == [
        {"pointer": "/data/reading/unit", "detail": "pain-nrs is read in {score}.", "remedy": "Convert it to {score}."}
    ]
    assert (await post(desk, event())).json()["status"] == "accepted"


async def test_the_same_id_with_other_content_is_refused_and_names_the_way_to_correct(desk: Desk) -> None:
    await post(desk, event())
    other = {**READING, "reading": {**READING["reading"], "value": 5}}
    answer = await post(desk, event("ev-2", other))
    assert answer.status_code == 422
    assert "measurement.corrected" in answer.json()["errors"][0]["remedy"]
    stolen = await post(desk, event("ev-3", {**READING, "patient_id": "p2"}))
    assert stolen.json()["errors"][0]["pointer"] == "/data/patient_id"


async def test_the_clinic_is_the_tokens_whatever_the_body_says(desk: Desk) -> None:
    answer = await post(desk, event(data={**READING, "clinic_id": "other"}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/data/clinic_id")
    assert (await post(desk, event(data={**READING, "clinic_id": desk.clinic_id}))).status_code == 202


EXPECTED: dict[str, Any] = {
    "patient_id": "p1",
    "plan_id": "pl-1",
    "milestone": "nerve-recovery-25",
    "curve": [{"week": 6, "change": 0.3}, {"week": 12, "change": 0.7}],
    "entered_by": "dr-1",
    "entered_at": "2026-03-02T09:00:00Z",
}


async def test_what_to_expect_of_a_patient_is_entered_by_a_clinician_as_a_curve_that_rises(desk: Desk) -> None:
    clinician = desk.headers("clinician")
    answer = await desk.event(EXPECTED, "recovery.expected", "rx-1")
    assert answer.status_code == 403, "a clinic system expects nothing"
    taken = await desk.event(EXPECTED, "recovery.expected", "rx-2", **clinician)
    assert (taken.status_code, taken.json()["status"]) == (202, "accepted")
    for curve, why in (([], "no point"), ([EXPECTED["curve"][1], EXPECTED["curve"][0]], "must rise")):
        wrong = EXPECTED | {"revision": 2, "curve": curve}
        refused = await desk.event(wrong, "recovery.expected", "rx-3", **clinician)
        assert refused.status_code == 422
        (mistake,) = refused.json()["errors"]
        assert (mistake["pointer"], why in mistake["detail"]) == ("/curve", True)
    other = EXPECTED | {"curve": EXPECTED["curve"][:1]}
    clash = await desk.event(other, "recovery.expected", "rx-4", **clinician)
    assert (clash.status_code, "Give a higher revision." in clash.text) == (422, True)


@pytest.mark.parametrize(("role", "status"), [("front-desk", 403), ("operator", 403), ("clinician", 202)])
async def test_roles(desk: Desk, role: Any, status: int) -> None:
    answer = await post(desk, event(), authorization=desk.headers(role)["authorization"])
    assert answer.status_code == status


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic abc", "bearer \u00e9"])
async def test_without_a_known_token_nothing_is_read(desk: Desk, authorization: str) -> None:
    answer = await desk.http.post("/events", content=b"{", headers={b"authorization": authorization.encode("latin-1")})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


HOSTILE: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "no-json": (b"{", 400),
    "not-utf8": (b'{"a": "\xff"}', 400),
    "utf16": ("{}".encode("utf-16"), 400),
    "bom": (b"\xef\xbb\xbf{}", 400),
    "nan": (b'{"a": NaN}', 400),
    "infinity": (b'{"a": -Infinity}', 400),
    "1e400": (b'{"a": 1e400}', 400),
    "5000-digits": (b'{"a": ' + b"9" * 5000 + b"}", 400),
    "16-digits": (b'{"a": ' + b"9" * 16 + b"}", 400),
    "twice": (b'{"a": 1, "a": 2}', 400),
    "surrogate": (b'{"a": "\\ud800"}', 400),
    "surrogate-key": (b'{"\\udfff": 1}', 400),
    "nul": (b'{"a": "\\u0000"}', 400),
    "depth-33": (b"[" * 33 + b"]" * 33, 400),
    "depth-32": (b"[" * 32 + b"]" * 32, 422),
    "depth-1000": (b"[" * 1000 + b"]" * 1000, 400),
    "depth-100000": (b"[" * 100_000 + b"]" * 100_000, 400),
    "depth-objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "list": (b"[]", 422),
    "null": (b"null", 422),
    "1-MiB-and-1": (b'"' + b"a" * (MIB - 1) + b'"', 413),
    "1-MiB": (b'"' + b"a" * (MIB - 2) + b'"', 422),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_hostile_bodies_get_a_clear_no(desk: Desk, name: str) -> None:
    body, status = HOSTILE[name]
    answer = await post(desk, body)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["detail"]
    fhir = await desk.fhir(body)
    assert fhir.status_code == (400 if status in (413, 422) else status)


async def test_a_chunked_body_is_cut_off_at_the_limit(desk: Desk) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"a" * 65_536

    headers = desk.headers() | {"content-type": "application/cloudevents+json"}
    answer = await desk.http.post("/events", content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/xml"}, 415),
        ({"content-type": "application/cloudevents+xml"}, 415),
    ],
)
async def test_other_media_types_and_encodings_are_not_read(desk: Desk, headers: dict[str, str], status: int) -> None:
    kind = headers.pop("content-type", "application/cloudevents+json")
    assert (await post(desk, event(), kind, **headers)).status_code == status


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""}, {"id": 5}, {"id": "a\nb"}, {"id": "x" * 257}, {"source": None}, {"specversion": "0.3"},
        {"type": "clinic.nothing.v1"}, {"type": ["x"]}, {"datacontenttype": "text/xml"}, {"datacontenttype": 1},
        {"data": "secret-canary"}, {"data": None}, {"data_base64": "%%"}, {"data_base64": 7},
        {"data": {**READING, "patient_id": "secret-canary\n"}},
        {"data": {**READING, "reading": {**READING["reading"], "effective_at": "9999-12-31T23:59:59-14:00"}}},
        {"data": {**READING, "reading": {**READING["reading"], "value": "secret-canary"}}},
    ],
)  # fmt: skip
async def test_bad_events_are_refused_without_repeating_what_they_said(desk: Desk, changes: dict[str, Any]) -> None:
    answer = await post(desk, event() | changes)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/")
    assert "canary" not in answer.text
    assert await desk.published() == []


async def test_a_bad_email_is_not_repeated_in_the_answer(desk: Desk) -> None:
    data = {
        "patient_id": "p",
        "contact": {"name": "x", "email": "canary(at)home"},
        "recorded_at": "2026-03-02T09:00:00Z",
    }
    answer = await post(desk, event(data=data, name="patient.registered"))
    assert answer.json()["errors"][0]["pointer"] == "/data/contact/email"
    assert "canary" not in answer.text


async def test_openapi_describes_every_route_and_unknown_addresses_are_problems(desk: Desk) -> None:
    document = (await desk.http.get("/openapi.json")).json()
    assert {"/events", "/fhir", "/proposals"} <= set(document["paths"])
    assert (await desk.http.get("/docs")).status_code == 404
    missing = await desk.http.get("/nowhere")
    assert missing.headers["content-type"] == "application/problem+json"
    assert (await desk.http.get("/events")).status_code == 405


async def propose(desk: Desk, proposal_id: str, plan_id: str, version: int, to_step: int) -> None:
    content = {
        "clinic_id": desk.clinic_id, "patient_id": "p1", "plan_id": plan_id, "proposal_id": proposal_id,
        "plan_version": version, "from_step": to_step - 1, "to_step": to_step, "proposed_at": NOW, "reason": "Better.",
        "evidence": {"rule_version": 1},
    }  # fmt: skip
    fact: Fact = PlanAdjustmentProposed.model_validate(content)
    await desk.door.admit([Message(proposal_id, "/stride/progress", fact)])


async def test_a_clinician_approves_once_and_the_plan_steps_down_to_discharge(desk: Desk) -> None:
    await desk.event(CONSULTATION, "consultation.completed", "ev-1")
    (plan,) = await desk.published("plan.created")
    await propose(desk, "pr-1", plan["plan_id"], 1, 1)
    clinician = desk.headers("clinician")
    listed = (await desk.http.get("/proposals", headers=clinician)).json()["proposals"]
    assert [entry["proposal_id"] for entry in listed] == ["pr-1"]
    url = f"/plans/{plan['plan_id']}/proposals/pr-1"
    answers = [await desk.http.post(f"{url}/approve", headers=clinician) for _ in range(2)]
    assert [a.status_code for a in answers] == [202, 202]
    assert [a.json()["status"] for a in answers] == ["accepted", "repeat"]
    (adjusted,) = await desk.published("plan.adjusted")
    assert (adjusted["plan_version"], adjusted["step"], adjusted["effective_on"]) == (2, 1, "2026-03-03")
    assert (await desk.http.get("/proposals", headers=clinician)).json() == {"proposals": []}
    assert (await desk.http.post(f"{url}/decline", headers=clinician)).status_code == 422
    await propose(desk, "pr-2", plan["plan_id"], 2, 4)
    await desk.http.post(
        f"/plans/{plan['plan_id']}/proposals/pr-2/approve", headers=clinician, content=b'{"reason":"Done"}'
    )
    (ended,) = await desk.published("plan.ended")
    assert ended["reason"] == "discharged"
    assert (await desk.published("plan.adjusted"))[1]["phases"] == []


async def test_another_clinics_proposal_does_not_exist_and_systems_decide_nothing(desk: Desk) -> None:
    await desk.event(CONSULTATION, "consultation.completed", "ev-1")
    (plan,) = await desk.published("plan.created")
    await propose(desk, "pr-1", plan["plan_id"], 1, 1)
    url = f"/plans/{plan['plan_id']}/proposals/pr-1/approve"
    other = desk.headers("clinician", f"{desk.clinic_id}-other")
    assert (await desk.http.post(url, headers=other)).status_code == 404
    assert (await desk.http.get("/proposals", headers=other)).json() == {"proposals": []}
    assert (await desk.http.post(url, headers=desk.headers())).status_code == 403
    decision = {
        "patient_id": "p1", "proposal_id": "pr-1", "plan_id": plan["plan_id"], "decided_by": "x",
        "decided_at": "2026-03-02T09:00:00Z",
    }  # fmt: skip
    assert (await post(desk, event(data=decision, name="plan.adjustment.approved"))).status_code == 403
    assert await desk.published("plan.adjusted") == []


def record(value: bytes, **headers: str) -> RawRecord:
    packed = tuple(
        (name.replace("_", "-") if "ce_" not in name else name, text.encode()) for name, text in headers.items()
    )
    return RawRecord(Position("clinic.inbound", 0, 1), b"k", value, packed)


def test_the_inbound_topic_reads_both_modes_and_tells_the_clinic_by_the_token() -> None:
    decode = inbound_decoder(issued("c1"))
    authorization = f"Bearer {token_of('c1', 'clinic-system')}"
    binary = record(
        orjson.dumps(READING), ce_specversion="1.0", ce_id="ev-1", ce_source="https://clinic.example",
        ce_type="clinic.measurement.recorded.v1", content_type="application/json", authorization=authorization,
    )  # fmt: skip
    packed = record(orjson.dumps(event()), content_type="application/cloudevents+json", authorization=authorization)
    first, second = decode(binary), decode(packed)
    assert isinstance(first.fact, MeasurementRecorded)
    assert first.fact.clinic_id == "c1"
    assert (first.source, first.event_id, first.fact) == (second.source, second.event_id, second.fact)
    assert (first.position, first.record) == (binary.position, binary)


@pytest.mark.parametrize(
    ("value", "headers", "code"),
    [
        (b"{}", {}, "not-authenticated"),
        (b"{}", {"authorization": "Bearer nobody"}, "not-authenticated"),
        (b"{}", {"authorization": f"Bearer {token_of('c1', 'operator')}"}, "not-allowed"),
        (b"{", {"authorization": f"Bearer {token_of('c1', 'clinic-system')}"}, "bad-value"),
        (b"[" * 100_000, {"authorization": f"Bearer {token_of('c1', 'clinic-system')}"}, "bad-value"),
        (b"{}", {"authorization": f"Bearer {token_of('c1', 'clinic-system')}"}, "invalid-event"),
    ],
)
def test_what_the_inbound_topic_can_not_read_is_a_dead_letter(value: bytes, headers: dict[str, str], code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        inbound_decoder(issued("c1"))(record(value, **headers))
    assert refusal.value.code == code
