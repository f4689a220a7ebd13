"""FHIR R4 at the edge: what each resource becomes, entry by entry, and never a 500."""

import copy
import random
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from shared.settings import ROOT
from tests.handlers.intake_desk import Desk, open_desk

SAMPLES = ROOT.parent / "shared" / "samples" / "fhir"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
POINTER = "urn:stride:json-pointer"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, tmp_path: Path, clinic_id: str) -> AsyncGenerator[Desk]:
    async with open_desk(database_url, tmp_path, clinic_id) as opened:
        yield opened


def patient(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"use": "official", "given": ["Ada", "May"], "family": "Quist"}],
        "telecom": [{"system": "email", "value": "ada@example.org"}, {"system": "phone", "value": "+44 1"}],
        "birthDate": "1940-05-01",
        **changes,
    }


def encounter(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z"},
        **changes,
    }


def condition(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "code": {"coding": [{"system": ICD, "code": "M21.371"}]},
        **changes,
    }


def observation(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-03-02T09:10:00Z",
        "valueQuantity": {"value": 6, "unit": "{score}", "system": "http://unitsofmeasure.org", "code": "{score}"},
        **changes,
    }


def procedure(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": "s1",
        "status": "completed",
        "code": {"coding": [{"system": "urn:stride:session", "code": "acupuncture"}]},
        "subject": {"reference": "Patient/p1"},
        "performedPeriod": {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T09:45:00Z"},
        **changes,
    }


def bundle(*resources: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    entries = [
        {"fullUrl": f"urn:uuid:{r['id']}", "resource": r, "request": {"method": "POST", "url": r["resourceType"]}}
        for r in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def statuses(answer: dict[str, Any]) -> list[str]:
    return [entry["response"]["status"] for entry in answer["entry"]]


async def test_a_consultation_comes_together_from_its_resources_in_any_order_and_across_posts(desk: Desk) -> None:
    assert (await desk.fhir(condition())).status_code == 202
    assert (await desk.fhir(encounter(), "/fhir/Encounter")).status_code == 202
    assert await desk.published("plan.created") == []
    assert (await desk.fhir(patient())).status_code == 202
    (consultation,) = await desk.published("consultation.completed")
    (plan,) = await desk.published("plan.created")
    assert (consultation["consultation_id"], consultation["age_years"], consultation["side"]) == ("e1", 85, "right")
    assert (plan["protocol_id"], plan["session_minutes"], plan["starts_on"]) == (
        "foot-drop-acupuncture",
        30,
        "2026-03-03",
    )
    assert any("no contraindications" in note for note in plan["notes"])


async def test_one_bundle_opens_a_course_and_each_entry_has_its_answer(desk: Desk) -> None:
    posted = bundle(
        patient(),
        encounter(subject={"reference": "urn:uuid:p1"}, diagnosis=[{"condition": {"reference": "urn:uuid:c1"}}]),
        condition(encounter=None),
        observation(valueQuantity={"value": 12, "code": "{score}"}),
        {"resourceType": "Claim", "id": "x"},
    )
    answer = await desk.fhir(posted)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    content = answer.json()
    assert content["type"] == "transaction-response"
    assert statuses(content) == ["202 Accepted"] * 3 + ["422 Unprocessable Entity"] * 2
    wrong, claim = (entry["response"]["outcome"]["issue"][0] for entry in content["entry"][3:])
    assert wrong["expression"] == ["Bundle.entry[3].resource.value.value"]
    assert wrong["extension"] == [{"url": POINTER, "valueString": "/entry/3/resource/valueQuantity/value"}]
    assert (claim["code"], "does not use Claim" in claim["diagnostics"]) == ("not-supported", True)
    assert len(await desk.published("plan.created")) == 1
    again = (await desk.fhir(posted)).json()
    assert statuses(again) == ["200 OK"] * 3 + ["422 Unprocessable Entity"] * 2


async def test_a_finding_repeated_at_a_later_visit_opens_no_second_course(desk: Desk) -> None:
    await desk.fhir(bundle(patient(), encounter(), condition()))
    later = encounter(id="e2", period={"end": "2026-04-02T10:00:00Z"})
    answer = await desk.fhir(bundle(later, condition(id="c2", encounter={"reference": "Encounter/e2"})))
    assert statuses(answer.json()) == ["202 Accepted", "202 Accepted"]
    assert len(await desk.published("plan.created")) == 1


async def test_a_finding_entered_in_error_does_not_become_a_plan(desk: Desk) -> None:
    wrong = {"coding": [{"code": "entered-in-error", "system": "http://terminology.hl7.org/x"}]}
    await desk.fhir(bundle(condition(), condition(verificationStatus=wrong), patient(), encounter()))
    assert await desk.published("plan.created") == []
    await desk.fhir(bundle(condition(id="c9")))
    assert len(await desk.published("plan.created")) == 1
    refused = await desk.fhir(condition(id="c9", verificationStatus=wrong))
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "business-rule")


async def test_a_contraindication_on_the_encounter_withholds_the_plan(desk: Desk) -> None:
    risk = [{"url": "urn:stride:contraindication", "valueCode": "pacemaker"}]
    await desk.fhir(bundle(patient(), encounter(extension=risk), condition()))
    (withheld,) = await desk.published("plan.withheld")
    assert withheld["contraindications"] == ["pacemaker"]


async def test_patients_are_registered_once_and_updated_by_version(desk: Desk) -> None:
    await desk.fhir(patient(meta={"versionId": "1"}))
    moved = patient(meta={"versionId": "3"}, telecom=[{"system": "phone", "value": "+44 3"}])
    await desk.fhir(moved)
    await desk.fhir(patient(meta={"versionId": "2"}, telecom=[{"system": "phone", "value": "+44 2"}]))
    (registered,) = await desk.published("patient.registered")
    (updated,) = await desk.published("patient.updated")
    assert (registered["contact"]["name"], registered["contact"]["email"]) == ("Ada May Quist", "ada@example.org")
    assert (updated["revision"], updated["contact"]["phone"]) == (3, "+44 3")


@pytest.mark.parametrize(
    ("resource", "topic", "expected"),
    [
        (observation(), "measurement.recorded", {"reading": {"value": 6.0, "measure": "pain-nrs"}}),
        (observation(valueQuantity=None, valueInteger=4), "measurement.recorded", {"reading": {"value": 4.0}}),
        (observation(status="amended", meta={"versionId": "2"}), "measurement.corrected", {"revision": 2}),
        (observation(status="entered-in-error"), "measurement.voided", {"measurement_id": "o1"}),
        (procedure(), "session.logged", {"session_id": "s1", "minutes": 45}),
        (procedure(status="entered-in-error"), "session.voided", {"session_id": "s1"}),
        (
            {
                "resourceType": "Appointment",
                "id": "a1",
                "status": "noshow",
                "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
            },
            "appointment.change.requested",
            {"appointment_id": "a1", "change": "no-show"},
        ),
        (
            {
                "resourceType": "AdverseEvent",
                "id": "x1",
                "actuality": "actual",
                "subject": {"reference": "Patient/p1"},
                "event": {"text": "Fainting"},
                "date": "2026-03-03T09:20:00Z",
                "severity": {"coding": [{"system": "http://x", "code": "mild"}]},
                "seriousness": {"coding": [{"system": "http://x", "code": "Serious"}]},
            },
            "adverse_event.recorded",
            {"adverse_event": {"grade": 3, "term": "Fainting"}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_each_resource_becomes_its_fact(
    desk: Desk, resource: dict[str, Any], topic: str, expected: dict[str, Any]
) -> None:
    answer = await desk.fhir({key: value for key, value in resource.items() if value is not None})
    assert answer.status_code == 202, answer.text
    (fact,) = await desk.published(topic)
    for field, value in expected.items():
        assert fact[field] == value or value.items() <= fact[field].items()


@pytest.mark.parametrize(
    ("resource", "code", "expression"),
    [
        (observation(effectiveDateTime="2026-03-02"), "value", "Observation.effective"),
        (observation(effectiveDateTime="9999-12-31T23:59:59-14:00"), "value", "Observation.effective"),
        (observation(status="preliminary"), "business-rule", "Observation.status"),
        (
            observation(code={"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}),
            "not-supported",
            "Observation.code",
        ),
        (observation(valueQuantity={"value": 6, "code": "cm"}), "business-rule", "Observation.value.unit"),
        (observation(status=17), "structure", "Observation.status"),
        (observation(subject={"reference": "Group/p1"}), "required", "Observation.subject.reference"),
        (observation(subject={"reference": "Patient?identifier=a|b"}), "required", "Observation.subject.reference"),
        (patient(name=None), "required", "Patient.name"),
        (patient(telecom=[{"system": "email", "value": "no mail"}]), "value", "Patient.telecom"),
        (procedure(performedPeriod={"start": "2026-03-03T09:00:00Z"}), "required", "Procedure.performed.end"),
        (procedure(code={"text": "dental"}), "not-supported", "Procedure.code"),
        ({"resourceType": "Nonsense"}, "not-supported", "Nonsense.resourceType"),
        ({"resourceType": ["Patient"]}, "structure", "Resource.resourceType"),
        ({"resourceType": "Bundle", "type": "document"}, "not-supported", "Bundle.type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": 7}, "structure", "Bundle.entry"),
    ],
)
async def test_what_is_refused_says_what_and_where(
    desk: Desk, resource: dict[str, Any], code: str, expression: str
) -> None:
    answer = await desk.fhir({key: value for key, value in resource.items() if value is not None})
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert (issue["code"], issue["expression"]) == (code, [expression])
    assert "no mail" not in answer.text
    assert await desk.published() == []


async def test_a_reference_by_identifier_finds_the_patient_of_the_same_bundle(desk: Desk) -> None:
    known = patient(identifier=[{"system": "urn:mrn", "value": "77"}])
    reading = observation(subject={"reference": "Patient?identifier=urn:mrn|77"})
    assert statuses((await desk.fhir(bundle(reading, known, kind="batch"))).json()) == ["202 Accepted"] * 2
    (recorded,) = await desk.published("measurement.recorded")
    assert recorded["patient_id"] == "p1"


samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/samples is not here")


@samples
async def test_every_entry_of_the_sample_bundles_has_an_answer_and_again_is_a_repeat(desk: Desk) -> None:
    first: Counter[str] = Counter()
    for path in sorted(SAMPLES.glob("*.json")):
        posted = path.read_bytes()
        answer = await desk.fhir(posted)
        assert answer.status_code == 200
        entries = answer.json()["entry"]
        assert len(entries) == len(orjson.loads(posted)["entry"])
        assert all(entry["response"]["outcome"]["issue"][0]["diagnostics"] for entry in entries)
        first.update(statuses(answer.json()))
        assert "202 Accepted" not in statuses((await desk.fhir(posted)).json())
    assert first["202 Accepted"] >= 5
    assert set(first) == {"202 Accepted", "422 Unprocessable Entity"}
    assert len(await desk.published("patient.registered")) == 5
    assert len(await desk.published("measurement.recorded")) == 5


ODD: list[Any] = [
    None, "", "x" * 5000, -1, 1e300, True, [], {}, [[]], [None], {"a": 1}, "\u202eevil", "9999-99-99",
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "urn:uuid:", "Patient/../x", ["x"], [{"coding": "x"}],
    {"reference": 5}, {"coding": [None]},
]  # fmt: skip


def _mutate(value: Any, dice: random.Random) -> None:
    """Replace one random place somewhere below `value` by something odd."""
    while isinstance(value, dict | list) and value:
        key: Any = dice.choice(list(value)) if isinstance(value, dict) else dice.randrange(len(value))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or dice.random() < 0.3:
            value[key] = copy.deepcopy(dice.choice(ODD))
            return
        value = inner


@samples
@pytest.mark.parametrize("seed", range(4))
async def test_mutilated_bundles_are_answered_entry_by_entry(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    used = {"Patient", "Encounter", "Condition", "Observation", "Procedure"}
    known = [patient(), encounter(), condition(), observation(), procedure()]
    entries: list[Any] = []
    for path in sorted(SAMPLES.glob("1*.json")):
        found = orjson.loads(path.read_bytes())["entry"]
        entries += [e for e in found if e["resource"]["resourceType"] in used][:40]
    entries += bundle(*copy.deepcopy(known * 20))["entry"]
    for entry in entries:
        for _ in range(dice.randint(1, 3)):
            _mutate(entry, dice)
    answer = await desk.fhir({"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert answer.status_code == 200
    assert len(answer.json()["entry"]) == len(entries)
    assert set(statuses(answer.json())) <= {"202 Accepted", "200 OK", "422 Unprocessable Entity"}
