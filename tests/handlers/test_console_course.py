"""A course's page through the real door on PostgreSQL: what it shows, to whom, and that it is on record."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shared.alerting import alert_about
from shared.events.console import PlanAdjustmentApproved
from shared.events.notifications import AlertRaised
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.door import Door
from tests.domain.progress_story import PLAN, Story, at
from tests.handlers.console_desk import HTML, admit, as_, csrf_of, sign_in
from tests.handlers.test_console_fhir import told, whole

PAGE = f"/courses/{PLAN}"


async def test_a_course_is_shown_with_its_measures_milestones_plan_and_timeline(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, whole(clinic_id))
    await sign_in(client, door, "clinician", clinic_id)
    page = await client.get(PAGE, headers=HTML)
    assert page.status_code == 200
    for words in ("Ada Example", "Gentle needling.", "Pain down by 40%", "Measured", "discharged", "Milestone reached"):
        assert words in page.text
    assert page.text.count('class="chart"') == 1
    assert 'class="ring"' in page.text, "the milestone is marked"
    assert "<style" not in page.text
    assert " style=" not in page.text
    part = await client.get(f"{PAGE}?part=true", headers=HTML)
    assert "<html" not in part.text
    assert "Ada Example" in part.text


async def test_it_is_shown_in_german_too(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, told(story, story.plan(), *story.course([6, 6, 6, 2, 2, 2, 2, 2, 2])))
    page = await client.get(PAGE, headers={**as_("clinician", "text/html"), "accept-language": "de"})
    for words in ("Meilensteine", "erreicht", "vorher 6", "Vorschlag: eine Stufe weniger Behandlung"):
        assert words in page.text


async def test_a_correction_that_takes_a_milestone_back_shows_its_cause(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    records = [story.plan(), *story.course([6, 6, 6, 2, 2, 2]), story.corrected("m-5-0", 8, 12)]
    await admit(door, told(story, *records))
    page = await client.get(PAGE, headers=as_("clinician", "text/html"))
    assert "Taken back, because a reading that it rested on was corrected." in page.text
    assert 'class="cross"' in page.text


@pytest.mark.parametrize(
    ("token", "status"),
    [("front-desk", 403), ("operator", 403), ("auditor", 403), ("stranger", 404), ("clinician", 200)],
)
async def test_only_the_clinic_s_clinicians_see_a_course(
    client: httpx.AsyncClient, door: Door, *, clinic_id: str, token: str, status: int
) -> None:
    await admit(door, whole(clinic_id))
    assert (await client.get(PAGE, headers=as_(token, "text/html"))).status_code == status


async def test_whoever_saw_a_course_is_on_record(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    await admit(door, whole(clinic_id))
    await client.get(PAGE, headers=as_("clinician", "text/html"))
    async with door.engine.connect() as tx:
        rows = await tx.execute(text("SELECT action, patient_ids FROM audit WHERE clinic_id = :c"), {"c": clinic_id})
        assert [tuple(row) for row in rows] == [("course.viewed", ["patient-1"])]


async def test_a_course_that_there_is_not_is_not_found(client: httpx.AsyncClient, door: Door) -> None:
    assert (await client.get("/courses/none", headers=as_("clinician", "text/html"))).status_code == 404


IMPROVING = [6, 6, 6, 2, 2, 2, 2, 2, 2]


async def test_a_clinician_approves_a_proposal_once_and_it_goes_out_to_intake(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    facts = told(story, story.plan(), *story.course(IMPROVING))
    (proposal,) = (fact for fact in facts if isinstance(fact, PlanAdjustmentProposed))
    await admit(door, facts)
    await sign_in(client, door, "clinician", clinic_id)
    address = f"{PAGE}/proposals/{proposal.proposal_id}"
    form = {"csrf": await csrf_of(client, PAGE), "decision": "approve", "reason": "Doing well."}
    assert (await client.post(address, data={**form, "csrf": ""}, headers=HTML)).status_code == 403
    assert (await client.post(address, data={**form, "decision": "perhaps"}, headers=HTML)).status_code == 422
    assert (await client.post(f"{PAGE}/proposals/other", data=form, headers=HTML)).status_code == 422
    assert (await client.post(address, data=form, headers=HTML)).status_code == 303
    (asked,) = await handed_in(door, clinic_id)
    expected = {
        "proposal_id": proposal.proposal_id,
        "plan_id": PLAN,
        "decided_by": "st-clinician",
        "reason": "Doing well.",
    }
    assert expected.items() <= asked.items()
    assert "Being approved" in (await client.get(PAGE, headers=HTML)).text
    await admit(door, [PlanAdjustmentApproved.model_validate(asked)])
    page = (await client.get(PAGE, headers=HTML)).text
    assert "Proposed: one step less care" not in page
    assert "Approved by" in page
    assert (await client.post(address, data=form, headers=HTML)).status_code == 422


async def handed_in(door: Door, clinic_id: str) -> list[dict[str, Any]]:
    query = text("SELECT payload FROM outbox WHERE convert_from(aggregateid, 'UTF8') LIKE :mine ORDER BY position")
    async with door.engine.connect() as tx:
        return [json.loads(row.payload) for row in await tx.execute(query, {"mine": f"{clinic_id}/%"})]


async def test_who_decides_closes_the_alert_that_asked_for_it(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    facts = told(story, story.plan(), *story.course(IMPROVING))
    (proposal,) = (fact for fact in facts if isinstance(fact, PlanAdjustmentProposed))
    alert_id = alert_about(proposal.event_id)
    about: dict[str, Any] = {"clinic_id": clinic_id, "patient_id": "patient-1", "severity": "warning", "title": "T"}
    await admit(door, [*facts, AlertRaised(**about, alert_id=alert_id, kind="adjustment-proposed", raised_at=at(40))])
    await sign_in(client, door, "clinician", clinic_id)
    form = {"csrf": await csrf_of(client, PAGE), "decision": "decline"}
    assert (await client.post(f"{PAGE}/proposals/{proposal.proposal_id}", data=form, headers=HTML)).status_code == 303
    declined, closed = await handed_in(door, clinic_id)
    assert declined["proposal_id"] == proposal.proposal_id
    expected = {"alert_id": alert_id, "revision": 1, "action": "resolve", "requested_by": "st-clinician"}
    assert expected.items() <= closed.items()


async def test_a_course_is_found_by_its_patient(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    await admit(door, whole(clinic_id))
    page = (await client.get("/courses?q=exam", headers=as_("clinician", "text/html"))).text
    assert f'<a href="/courses/{PLAN}">Ada Example</a>' in page
    for nothing in ("/courses?q=nobody", "/courses"):
        assert "Ada Example" not in (await client.get(nothing, headers=as_("clinician", "text/html"))).text
    assert "Ada Example" not in (await client.get("/courses?q=exam", headers=as_("stranger", "text/html"))).text
