"""FHIR R4 reads of a patient: valid by the library's models, from the token's clinic, the same in any order."""

import random
from typing import Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import text

from services.console.api.fhir.everything import everything
from shared.events.base import Fact
from shared.events.clinical import NeedlePoint, Side
from shared.events.intake import MeasurementVoided, PatientRegistered, PlanEnded, SessionVoided
from shared.messaging.door import Door
from shared.protocols import load_protocols
from shared.settings import ROOT
from tests.domain.progress_story import FASTER_25, PLAN, Story, adverse_event, apply, at
from tests.handlers.console_desk import admit, as_

PROTOCOLS = load_protocols(ROOT / "protocols")
IMPROVING = [6, 6, 6, 2, 2, 2, 2, 2, 2]
STATUS = "http://terminology.hl7.org/CodeSystem/goal-achievement"


def told(story: Story, *records: Fact) -> list[Fact]:
    """The records and what progress says of them."""
    return [*records, *apply(story.patient, records)[1]]


def whole(clinic_id: str = "clinic") -> list[Fact]:
    """A patient of whom everything that a resource can show was recorded."""
    story = Story(clinic_id, "patient-1")
    needled = story.session(3, 6, adverse_events=[adverse_event("ae-1", 3, 6)]).model_copy(
        update={
            "practitioner_id": "dr-1",
            "points": (
                NeedlePoint(point="ST36", side=Side.RIGHT, depth_mm=25, response="de-qi", stimulation="manual"),
                NeedlePoint(point="GB34", stimulation="electrical", frequency_hz=2, current_ma=1.5),
            ),
        }
    )
    contact = {"name": "Ada Example", "email": "ada@example.org", "phone": "+3225550100", "birth_date": "1980-02-29"}
    return [
        story.fact(PatientRegistered, contact=contact, recorded_at=at(-1)),
        *told(
            story,
            story.plan(side=Side.RIGHT, notes=("Gentle needling.",)),
            story.session(1, 6),
            story.session(2, 6),
            needled,
            *story.course([2, 2, 2, 2, 2, 2], first=4),
            story.session(10, 9),
            story.corrected("m-9-0", 1, 24),
            story.corrected("m-8-0", 2, 21.2),
            story.taken("home-1", 2, 26, None),
            story.fact(MeasurementVoided, measurement_id="m-7-0", voided_at=at(40)),
            story.fact(SessionVoided, session_id="s-10", voided_at=at(40)),
            story.adjusted(2, 1, day=30),
            story.fact(PlanEnded, plan_id=PLAN, reason="discharged", ended_at=at(50)),
        ),
    ]


def validated(resource: dict[str, Any]) -> dict[str, Any]:
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


def made(facts: list[Fact]) -> dict[str, dict[str, Any]]:
    """The resources by type and id, each valid."""
    resources = [validated(one) for one in everything("patient-1", facts, PROTOCOLS)]
    return {f"{one['resourceType']}/{one['id']}": one for one in resources}


def achievement(facts: list[Fact], goal: str = f"Goal/{PLAN}.pain-40") -> str:
    return made(facts)[goal]["achievementStatus"]["coding"][0]["code"]


def test_every_kind_of_resource_is_there_and_valid_and_references_lead_somewhere() -> None:
    resources = made(whole())
    kinds = {name.split("/")[0] for name in resources}
    assert kinds == {
        "AdverseEvent", "CarePlan", "Encounter", "EpisodeOfCare", "Goal", "Observation", "Patient", "Procedure"
    }  # fmt: skip
    referred = {found for one in resources.values() for found in references(one)}
    assert referred <= set(resources)
    assert len(referred) > 20


def references(content: Any) -> list[str]:
    if isinstance(content, list):
        return [found for inner in content for found in references(inner)]
    if not isinstance(content, dict):
        return []
    own = [content["reference"]] if "reference" in content else []
    return own + [found for inner in content.values() for found in references(inner)]


def test_observations_say_whether_they_were_amended_corrected_or_entered_in_error() -> None:
    resources = made(whole())
    states = {
        name: resources[f"Observation/{name}"]["status"] for name in ("m-1-0", "m-7-0", "m-8-0", "m-9-0", "m-10-0")
    }
    assert states == {
        "m-1-0": "final",
        "m-7-0": "entered-in-error",
        "m-8-0": "amended",
        "m-9-0": "corrected",
        "m-10-0": "entered-in-error",
    }
    assert resources["Observation/m-9-0"]["valueQuantity"]["value"] == 1
    assert resources["Procedure/s-10"]["status"] == resources["Encounter/s-10"]["status"] == "entered-in-error"


def test_a_taper_replaces_the_plan_before_it_and_sessions_follow_the_plan_of_their_day() -> None:
    resources = made(whole())
    first, second = resources[f"CarePlan/{PLAN}.1"], resources[f"CarePlan/{PLAN}.2"]
    assert second["replaces"] == [{"reference": f"CarePlan/{PLAN}.1"}]
    assert (first["status"], second["status"]) == ("revoked", "completed")
    repeat = first["activity"][0]["detail"]["scheduledTiming"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (2, 1, "wk")
    assert resources["Procedure/s-3"]["basedOn"] == [{"reference": f"CarePlan/{PLAN}.1"}]
    assert resources[f"EpisodeOfCare/{PLAN}"]["status"] == "finished"


def test_a_session_shows_its_points_and_an_adverse_event_its_grade() -> None:
    resources = made(whole())
    points = resources["Procedure/s-3"]["bodySite"]
    assert [point["text"] for point in points] == ["ST36 right", "GB34"]
    depth = points[0]["extension"][0]["extension"][0]
    assert (depth["url"], depth["valueQuantity"]["value"], depth["valueQuantity"]["code"]) == ("depth", 25, "mm")
    assert resources["AdverseEvent/ae-1"]["severity"]["text"] == "CTCAE 5.0 grade 3"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([6, 6, 6], "in-progress"),
        ([6, 6, 6, 2, 2, 2], "achieved"),
        (IMPROVING, "sustaining"),
        ([6, 6, 6, 2, 2, 2, 2, 2, 2, 8, 8, 8], "worsening"),
        ([6] * 12, "no-progress"),
        ([4, 4, 4, 4, 4, 4, 4, 9, 9, 9], "worsening"),
    ],
)
def test_a_goal_stands_as_its_milestone_does(values: list[float], status: str) -> None:
    story = Story(patient_id="patient-1")
    assert achievement(told(story, story.plan(), *story.course(values))) == status


def test_a_goal_that_can_not_be_judged_or_was_not_reached_says_so() -> None:
    story = Story(patient_id="patient-1")
    facts = told(story, story.plan(), *story.course([6] * 7))
    assert achievement(facts, f"Goal/{PLAN}.strength-20") == "not-attainable"
    ended = told(
        story,
        story.plan(),
        *story.course([6, 6, 6]),
        story.fact(PlanEnded, plan_id=PLAN, reason="withdrawn", ended_at=at(20)),
    )
    goal = made(ended)[f"Goal/{PLAN}.pain-40"]
    assert (goal["lifecycleStatus"], achievement(ended)) == ("cancelled", "not-achieved")


def test_a_goal_along_an_expected_curve_is_not_attainable_until_a_clinician_enters_it() -> None:
    story, goal = Story(patient_id="patient-1"), f"Goal/{PLAN}.faster"
    faster = FASTER_25.model_copy(update={"milestone": "faster", "measure": "pain"})
    records = [story.plan(milestones=(faster,)), *story.course([6, 6, 6])]
    assert achievement(told(story, *records), goal) == "not-attainable"
    records += [story.expected((8, 3), milestone="faster")]
    assert achievement(told(story, *records), goal) == "in-progress"
    reached = told(story, *records, *story.course([2, 2, 2], first=4))
    assert achievement(reached, goal) == "achieved"


def test_a_milestone_that_was_taken_back_is_a_goal_in_progress() -> None:
    story = Story(patient_id="patient-1")
    records = [story.plan(), *story.course([6, 6, 6, 2, 2, 2]), story.corrected("m-5-0", 8, 12)]
    assert achievement(told(story, *records)) == "in-progress"


def test_any_order_gives_the_same_resources_and_versions() -> None:
    facts = whole()
    expected = everything("patient-1", facts, PROTOCOLS)
    for seed in range(5):
        shuffled = [*facts]
        random.Random(seed).shuffle(shuffled)
        assert everything("patient-1", shuffled, PROTOCOLS) == expected


async def test_everything_of_a_patient_and_of_a_course_is_one_valid_bundle(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    other = Story(clinic_id, "patient-1").plan("plan-2", starts_on="2027-01-04", consultation_id="c-2")
    await admit(door, [*whole(clinic_id), other])
    for token in ("clinician", "clinic-system"):
        answer = await client.get("/fhir/Patient/patient-1/$everything", headers=as_(token))
        assert answer.headers["content-type"] == "application/fhir+json"
    bundle = validated(answer.json())
    course = validated((await client.get(f"/fhir/EpisodeOfCare/{PLAN}/$everything", headers=as_("clinician"))).json())
    names = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]}
    of_course = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in course["entry"]}
    of_other = {"EpisodeOfCare/plan-2", "CarePlan/plan-2.1"} | {n for n in names if n.startswith("Goal/plan-2")}
    assert names - of_course == of_other
    assert bundle["total"] == len(bundle["entry"]) == len(names)


async def test_each_resource_can_be_read_alone_and_is_not_sent_twice(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, whole(clinic_id))
    bundle = (await client.get("/fhir/Patient/patient-1/$everything", headers=as_("clinician"))).json()
    for entry in bundle["entry"]:
        resource = entry["resource"]
        path = f"/fhir/{resource['resourceType']}/{resource['id']}"
        answer = await client.get(path, headers=as_("clinician"))
        assert answer.json() == resource, path
        etag = answer.headers["etag"]
        assert etag == f'W/"{resource["meta"]["versionId"]}"'
        again = await client.get(path, headers={**as_("clinician"), "if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")
    before = (await client.get("/fhir/Observation/m-6-0", headers=as_("clinician"))).headers["etag"]
    await admit(door, [Story(clinic_id, "patient-1").corrected("m-6-0", 3, 15)])
    after = await client.get("/fhir/Observation/m-6-0", headers={**as_("clinician"), "if-none-match": before})
    assert (after.status_code, after.json()["status"]) == (200, "corrected")


async def test_a_search_narrows_down_by_type_id_and_status(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, whole(clinic_id))

    async def total(query: str) -> int:
        return validated((await client.get(f"/fhir/{query}", headers=as_("clinic-system"))).json())["total"]

    assert await total("Observation?patient=Patient/patient-1") == 11
    assert await total("Observation?patient=patient-1&status=entered-in-error") == 2
    assert await total("Procedure?patient=patient-1&_id=s-3") == 1
    assert await total("Goal?patient=nobody") == 0


@pytest.mark.parametrize("path", ["Observation?patient=patient-1", "Patient/patient-1/$everything?_offset=0"])
async def test_a_bundle_comes_page_by_page_where_a_count_is_given(
    client: httpx.AsyncClient, door: Door, clinic_id: str, path: str
) -> None:
    await admit(door, whole(clinic_id))

    async def ask(url: str) -> dict[str, Any]:
        return validated((await client.get(url, headers=as_("clinic-system"))).json())

    all_of_it = await ask(f"/fhir/{path}")
    assert [link["relation"] for link in all_of_it["link"]] == ["self"]
    pages, url = list[dict[str, Any]](), f"/fhir/{path}&_count=4"
    while url:
        pages.append(await ask(url))
        url = next((link["url"] for link in pages[-1]["link"] if link["relation"] == "next"), "")
    assert {page["total"] for page in pages} == {all_of_it["total"]}
    assert max(len(page["entry"]) for page in pages) == 4
    assert [entry for page in pages for entry in page["entry"]] == all_of_it["entry"]
    links = {link["relation"]: link["url"] for link in pages[1]["link"]}
    assert set(links) == {"self", "first", "previous", "next", "last"}
    assert (await ask(links["previous"]))["entry"] == pages[0]["entry"]
    assert (await ask(links["last"]))["entry"] == pages[-1]["entry"]
    assert "entry" not in await ask(f"/fhir/{path}&_count=0")


async def test_what_can_not_be_read_is_an_operation_outcome(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, whole(clinic_id))
    cases = [
        ("nobody", "Goal?patient=patient-1", 401),
        ("front-desk", "Goal?patient=patient-1", 403),
        ("stranger", "Patient/patient-1/$everything", 404),
        ("stranger", f"Goal/{PLAN}.pain-40", 404),
        ("clinician", "Observation/none", 404),
        ("clinician", "Goal?patient=patient-1&unknown=1", 422),
        ("clinician", "Goal?patient=patient-1&_count=-1", 422),
        ("clinician", "Medication/1", 422),
    ]
    for token, path, status in cases:
        answer = await client.get(f"/fhir/{path}", headers=as_(token))
        assert answer.status_code == status, path
        assert validated(answer.json())["resourceType"] == "OperationOutcome"
    assert (await client.get("/fhir/Goal?patient=patient-1", headers=as_("stranger"))).json()["total"] == 0
    validated((await client.get("/fhir/metadata")).json())


async def test_names_of_resources_are_kept_once(door: Door, clinic_id: str) -> None:
    await admit(door, whole(clinic_id))
    async with door.engine.connect() as tx:
        named = await tx.execute(text("SELECT type, id FROM resource WHERE clinic_id = :c"), {"c": clinic_id})
        found = {f"{row.type}/{row.id}" for row in named}
    assert found == set(made(whole(clinic_id))) - {"Patient/patient-1"}
