"""Progress over HTTP: one course, for those who may see it."""

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.progress.api import edge
from shared.events.base import Fact
from shared.events.intake import MeasurementVoided
from shared.messaging.door import Door
from shared.messaging.service import Running
from shared.settings import Settings
from tests.domain.progress_story import FASTER_25, PLAN, Story, at
from tests.handlers.test_progress_door import IMPROVING, admit, door_of


@pytest.fixture
def door(progress_engine: AsyncEngine) -> Door:
    return door_of(progress_engine)


@pytest_asyncio.fixture(loop_scope="session")
async def client(door: Door, clinic_id: str, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    bearers = {
        name: {"clinic_id": clinic, "system": name, "role": role}
        for name, clinic, role in (
            ("doctor", clinic_id, "clinician"),
            ("system", clinic_id, "clinic-system"),
            ("desk", clinic_id, "front-desk"),
            ("stranger", "elsewhere", "clinician"),
        )
    }
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({hashlib.sha256(name.encode()).hexdigest(): who for name, who in bearers.items()}))
    settings = Settings(kafka_bootstrap="none", database_url="none", stride_tokens=tokens)
    app = FastAPI()
    edge(Running(settings, door.engine, door.clock, door.relay, door), app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://progress") as client:
        yield client


async def ask(client: httpx.AsyncClient, token: str, plan_id: str = PLAN) -> httpx.Response:
    return await client.get(f"/courses/{plan_id}", headers={"authorization": f"Bearer {token}"})


async def test_a_course_shows_its_series_baseline_milestones_and_open_proposal(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, [story.plan(), *story.course(IMPROVING)])
    for token in ("doctor", "system"):
        answer = await ask(client, token)
        assert answer.status_code == 200
    course = answer.json()
    assert (course["plan_version"], course["step"], course["step_name"]) == (1, 0, "twice-weekly")
    assert (course["sessions"], course["ended"]) == (9, False)
    (series,) = course["series"]
    assert series["baseline"] == {"value": 6.0, "readings": ["m-1-0", "m-2-0"]}
    assert [reading["value"] for reading in series["readings"]] == IMPROVING
    states = {milestone["milestone"]: milestone["state"] for milestone in course["milestones"]}
    assert states == {
        "sessions-6": "reached",
        "sessions-12": "not-yet",
        "pain-40": "reached",
        "strength-20": "not-evaluable",
    }
    (proposal,) = course["proposals"]
    assert (proposal["state"], proposal["from_step"], proposal["to_step"]) == ("open", 0, 1)


async def test_who_may_not_see_a_course_gets_a_problem_that_says_so(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    await admit(door, [Story(clinic_id, "patient-1").plan()])
    cases = [("nobody", PLAN, 401), ("desk", PLAN, 403), ("stranger", PLAN, 404), ("doctor", "another", 404)]
    for token, plan_id, status in cases:
        answer = await ask(client, token, plan_id)
        assert answer.status_code == status, token
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["detail"]


async def test_each_verdict_is_explained_in_plain_words(client: httpx.AsyncClient, door: Door, clinic_id: str) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, [story.plan(), *story.course(IMPROVING)])
    course = (await ask(client, "doctor")).json()
    told = {milestone["milestone"]: milestone["explanation"] for milestone in course["milestones"]}
    # sigma^2 = (8 + 4^2/2) / (8 + 4); SE = 1.15 sqrt(.6^2/2 + 1/3) = .83; Phi(1.6 / .83) = .97.
    assert told["pain-40"] == (
        "Pain fell from 6 (mean of 2 readings before treatment) to 2 (mean of 3 readings, 14 Jan 2026 to "
        "20 Jan 2026); the target is 3.6. With a noise of 1.15 a reading, the chance that noise alone takes the mean "
        "beyond the target is 3%; the rule allows 10%. 3 of the 3 readings meet it on their own (2 have to). Reached "
        "during care on 20 Jan 2026 (rule version 1)."
    )
    assert told["sessions-6"].startswith("6 sessions were held")
    assert told["sessions-12"] == "Not reached yet."
    assert "nothing to compare with" in told["strength-20"]
    (proposal,) = course["proposals"]
    assert proposal["explanation"].startswith("A step forward is proposed, since the milestone is held: pain fell")


@pytest.mark.parametrize(
    ("cause", "because", "now"),
    [
        ("correction", "a reading that it rested on was corrected", (2, 8, 2)),
        ("void", "a record that it rested on was recorded in error", (6, 2, 2)),
        ("late", "a record came late that belongs before it", (9, 2, 2)),
        ("baseline_change", "the readings before treatment are other ones now", (2, 2, 2)),
    ],
)
async def test_a_milestone_that_was_taken_back_says_why_and_what_it_had_rested_on(
    client: httpx.AsyncClient, door: Door, *, clinic_id: str, cause: str, because: str, now: tuple[float, ...]
) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, [story.plan(), *story.course(IMPROVING[:6])])
    became: dict[str, Fact] = {
        "correction": story.corrected("m-5-0", 8, 12),
        "void": story.fact(MeasurementVoided, measurement_id="m-4-0", voided_at=at(20)),
        "late": story.taken("late", 9, 10.5),
        "baseline_change": story.corrected("m-1-0", 2, 0),
    }
    await admit(door, [became[cause]])
    (pain,) = (m for m in (await ask(client, "doctor")).json()["milestones"] if m["milestone"] == "pain-40")
    gone = pain["taken_back"]
    assert (pain["state"], gone["cause"], gone["occurrence"]) == ("not-yet", cause, 1)
    assert (gone["before"]["values"], gone["after"]["values"]) == ([2, 2, 2], list(now))
    assert pain["explanation"].startswith(f"Taken back, because {because}. It had rested on this: pain fell from 6")
    assert "What is known now: pain" in pain["explanation"]
    svg = await chart(client, "doctor")
    assert "Pain down by 40%: taken back on" in svg.text


async def test_a_milestone_along_an_expected_curve_is_judged_explained_and_drawn(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    faster = FASTER_25.model_copy(update={"measure": "pain", "title": "Faster than expected"})
    await admit(door, [story.plan(milestones=(faster,)), *story.course([6, 6, 6, 2, 2, 2])])
    (before,) = (await ask(client, "doctor")).json()["milestones"]
    assert (before["state"], before["reason"]) == ("not-evaluable", "no-expected-curve")
    await admit(door, [story.expected((8, 3))])
    (after,) = (await ask(client, "doctor")).json()["milestones"]
    assert (after["state"], after["evidence"]["begins_on"]) == ("reached", "2026-01-05")
    assert (
        "the target moves along the curve that a clinician expects from 5 Jan 2026 on, 25% faster"
        in after["explanation"]
    )
    lines = [
        node for node in ET.fromstring((await chart(client, "doctor")).content).iter() if node.tag.endswith("polyline")
    ]
    assert [line.attrib["class"] for line in lines] == ["target", "line"]


async def chart(client: httpx.AsyncClient, token: str, query: str = "") -> httpx.Response:
    return await client.get(f"/courses/{PLAN}/chart.svg{query}", headers={"authorization": f"Bearer {token}"})


async def test_a_course_is_a_picture_with_every_reading_for_those_who_may_see_it(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, [story.plan(), *story.course(IMPROVING)])
    answer = await chart(client, "doctor")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    dots = [node for node in ET.fromstring(answer.content).iter() if "dot" in node.attrib.get("class", "").split()]
    assert len(dots) == len(IMPROVING)
    assert "Pain down by 40%: reached on 20 Jan 2026" in answer.text
    assert (await chart(client, "doctor", "?measure=pain")).content == answer.content
    assert (await chart(client, "doctor", "?measure=strength")).status_code == 404
    assert (await chart(client, "stranger")).status_code == 404
    assert (await chart(client, "desk")).status_code == 403
