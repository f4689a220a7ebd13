"""The clinic view through the real door on PostgreSQL, as page and as JSON."""

import random
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from shared.events.base import Fact
from shared.events.intake import SessionLogged, SessionVoided
from shared.messaging.door import Door
from tests.domain.progress_story import Story, apply, at
from tests.domain.test_console_weekly import FALLING
from tests.handlers.console_desk import admit, as_, pages


def clinic_of(clinic_id: str, patients: int) -> list[Fact]:
    """Patients whose courses begin one after another, with what progress says of them."""
    facts: list[Fact] = []
    for number in range(patients):
        story = Story(clinic_id, f"patient-{number}")
        told = [
            story.plan(f"plan-{number}"),
            *(_session(story, number, nth, value) for nth, value in enumerate(FALLING, start=1)),
        ]
        facts += [*told, *apply(story.patient, told)[1]]
    return facts


def _session(story: Story, patient: int, nth: int, value: float) -> Fact:
    """One of a kind within the clinic, as its ids must be; every third patient ends a point lower."""
    better = value - (patient % 3 == 1 and value == 2)
    session = story.session(nth, better, day=(nth - 1) * 2 + 7 * patient % 30, plan_id=f"plan-{patient}")
    taken = session.readings[0].model_copy(update={"measurement_id": f"m-{patient}-{nth}"})
    return session.model_copy(update={"session_id": f"s-{patient}-{nth}", "readings": (taken,)})


async def view(client: httpx.AsyncClient, token: str = "clinician") -> dict[str, Any]:
    answer = await client.get("/api/clinic", headers=as_(token))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_figures_of_a_protocol_come_by_week(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    await admit(door, clinic_of(clinic_id, 2))
    (protocol,) = (await view(client))["protocols"]
    assert protocol["protocol_id"] == "foot-drop"
    figures = {figure["figure"]: figure for figure in protocol["figures"]}
    assert {"outcome/pain", "milestone/pain-40", "milestone/sessions-6", "no-show"} <= set(figures)
    assert figures["outcome/pain"]["weeks"][0]["value"] == 4.0
    assert sum(week["number"] for week in figures["no-show"]["weeks"]) == 26
    assert {week["value"] for week in figures["no-show"]["weeks"]} == {0.0}
    assert figures["no-show"]["unit"] == "%"


async def test_any_order_in_any_batches_gives_the_same_view(door: Door, clinic_id: str, tmp_path: Path) -> None:
    views: list[Any] = []
    for seed in range(3):
        facts = clinic_of(f"{clinic_id}-{seed}", 3)
        random.Random(seed).shuffle(facts)
        size = (1, 7, len(facts))[seed]
        for start in range(0, len(facts), size):
            await admit(door, facts[start : start + size])
        await admit(door, facts)
        async with pages(door, f"{clinic_id}-{seed}", tmp_path) as client:
            views.append((await view(client))["protocols"])
    assert views[0] == views[1] == views[2]
    assert len(views[0][0]["figures"]) > 3


async def test_a_correction_takes_back_what_the_first_reading_had_added(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-0")
    await admit(door, clinic_of(clinic_id, 1))
    correction = story.corrected("m-0-12", 6, 22)
    await admit(door, [correction])
    (protocol,) = (await view(client))["protocols"]
    (outcome,) = (figure for figure in protocol["figures"] if figure["figure"] == "outcome/pain")
    assert outcome["weeks"][0]["value"] == 3.0


async def test_the_clinics_sums_are_those_of_its_courses_and_nothing_stays_of_a_week_that_has_none(
    door: Door, clinic_id: str
) -> None:
    facts = clinic_of(clinic_id, 2)
    await admit(door, facts)
    before = await _sums(door, clinic_id)
    assert before[0] == before[1] != []
    taken_back = [fact for fact in facts if isinstance(fact, SessionLogged)]
    story = Story(clinic_id, "patient-0")
    for session in taken_back:
        gone = story.fact(SessionVoided, session_id=session.session_id, voided_at=at(60))
        await admit(door, [gone.model_copy(update={"patient_id": session.patient_id})])
    assert (await _sums(door, clinic_id))[0] == (await _sums(door, clinic_id))[1] != before[1]


async def _sums(door: Door, clinic_id: str) -> tuple[list[Any], list[Any]]:
    """As they are kept, and as they follow from each course's part."""
    kept = "SELECT figure, unit, week, total, number FROM weekly_total WHERE clinic_id = :c ORDER BY 1, 2, 3"
    counted = """
        SELECT figure, unit, week, sum(round(CAST(total AS numeric), 9)), sum(number)
        FROM weekly WHERE clinic_id = :c GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    async with door.engine.connect() as tx:
        rows = [(await tx.execute(text(query), {"c": clinic_id})).all() for query in (kept, counted)]
    return [tuple(row) for row in rows[0]], [tuple(row) for row in rows[1]]


async def test_the_page_shows_a_chart_of_each_figure_and_asks_no_other_host(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, clinic_of(clinic_id, 8))
    answer = await client.get("/clinic", headers=as_("clinician", "text/html"))
    assert answer.status_code == 200
    figures = [figure for protocol in (await view(client))["protocols"] for figure in protocol["figures"]]
    assert answer.text.count('role="img"') == len(figures) + sum(figure["limits"] is not None for figure in figures)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<style" not in answer.text
    assert "<script" not in answer.text
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    for name in ("console.css", "charts.css"):
        assert f"/assets/{name}?" in answer.text
        assert (await client.get(f"/assets/{name}")).status_code == 200
    assert (await client.get("/assets/../desk.py")).status_code == 404


async def test_a_clinic_without_courses_is_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/clinic", headers=as_("clinician", "text/html"))
    assert "No course has come so far yet" in answer.text


async def test_who_may_not_see_it_is_told_so_and_a_browser_is_led_to_sign_in(client: httpx.AsyncClient) -> None:
    for token, status in (("nobody", 401), ("front-desk", 403)):
        answer = await client.get("/api/clinic", headers=as_(token))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get("/api/clinic", params={"weeks": 0}, headers=as_("clinician"))).status_code == 422
    led = await client.get("/clinic", headers={"accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in")
    refused = await client.get("/clinic", headers=as_("front-desk", "text/html"))
    assert (refused.status_code, "Not allowed" in refused.text) == (403, True)


async def test_another_clinic_sees_nothing_of_it(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    await admit(door, clinic_of(clinic_id, 1))
    assert (await view(client, "stranger"))["protocols"] == []


async def test_a_name_is_kept_once_and_only_the_newest(door: Door, clinic_id: str) -> None:
    from shared.events.intake import PatientRegistered, PatientUpdated

    story = Story(clinic_id, "patient-1")
    changed = story.fact(PatientUpdated, contact={"name": "New"}, revision=3, recorded_at=at(1))
    older = story.fact(PatientRegistered, contact={"name": "Old"}, recorded_at=at(0))
    await admit(door, [changed])
    await admit(door, [older])
    async with door.engine.connect() as tx:
        rows = await tx.execute(text("SELECT payload::text FROM fact WHERE clinic_id = :c"), {"c": clinic_id})
        (kept,) = rows.scalars()
    assert "New" in kept
