"""The work queue: what has no time carries proposals; staff take one or give the session up; else it closes itself."""

from collections.abc import AsyncGenerator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.calendars import CalendarChanged, Closure
from tests.domain.scheduling_examples import INTENSIVE, NOW, adjusted, ended, plan
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic
from tests.handlers.scheduling_http import as_, open_http

WEDNESDAYS = {"WE": [{"start": "08:00", "end": "12:00"}]}


@pytest_asyncio.fixture(loop_scope="session")
async def desk(engine: AsyncEngine, clinic_id: str) -> Desk:
    """Open on Wednesdays alone: of three sessions a week, two find no time within their bounds."""
    desk = Desk(engine, a_clinic(clinic_id, 1, 1, hours=WEDNESDAYS), Wall())
    await desk.take(plan(phases=[INTENSIVE], clinic=clinic_id))
    return desk


@pytest_asyncio.fixture(loop_scope="session")
async def http(desk: Desk, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_http(desk, tmp_path) as client:
        yield client


async def queue(http: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await http.get("/work-queue", params=query, headers=as_("desk"))
    assert answer.status_code == 200, answer.text
    return answer.json()["sessions"]


def place(proposal: dict[str, Any]) -> dict[str, str]:
    return {name: proposal[name] for name in ("start", "practitioner_id", "room_id")}


async def test_each_item_says_why_and_proposes_times_with_the_rules_that_they_break(http: httpx.AsyncClient) -> None:
    items = await queue(http)
    assert len(items) >= 2
    for item in items:
        assert item["unplaced"]["reason"] in ("clinic-closed", "fully-booked")
        assert len(item["proposals"]) == 3
        for proposal in item["proposals"]:
            assert datetime.fromisoformat(proposal["start"]).weekday() == 2
            assert {each["rule"] for each in proposal["breaks"]} <= {"spacing", "over-quota"}
            assert proposal["breaks"], "had it broken nothing, it would be booked"
            assert all(each["detail"] for each in proposal["breaks"])
        fewest = [len(proposal["breaks"]) for proposal in item["proposals"]]
        assert fewest == sorted(fewest)
    assert await queue(http, plan_id="other") == []
    assert len(await queue(http, limit="1")) == 1


async def test_staff_take_a_proposal_and_the_item_is_gone_and_the_patient_is_told(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    first, *others = await queue(http)
    url = f"/work-queue/{first['plan_id']}/{first['sequence']}/resolve"
    chosen = place(first["proposals"][0])
    keyed = as_("desk") | {"Idempotency-Key": "k"}
    answers = [await http.post(url, json=chosen, headers=keyed) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["sequence"] == first["sequence"]
    assert datetime.fromisoformat(answers[0].json()["start"]) == datetime.fromisoformat(chosen["start"])
    assert (await desk.published())[-3:] == ["slot.requested", "appointment.booked", "work_queue.changed"]
    assert [item["sequence"] for item in await queue(http)] == [item["sequence"] for item in others]
    taken = await http.post(
        f"/work-queue/{first['plan_id']}/{others[0]['sequence']}/resolve", json=chosen, headers=as_("desk")
    )
    assert taken.status_code == 409
    assert "practitioner pr-0 is taken" in taken.json()["detail"]
    assert await desk.overlaps() == 0


async def test_staff_give_a_session_up_with_a_reason_that_is_in_the_log(desk: Desk, http: httpx.AsyncClient) -> None:
    first, *others = await queue(http)
    url = f"/work-queue/{first['plan_id']}/{first['sequence']}/dismiss"
    assert (await http.post(url, json={"reason": "no reason"}, headers=as_("desk"))).status_code == 422
    gone = await http.post(url, json={"reason": "patient-declined"}, headers=as_("desk"))
    assert (gone.status_code, gone.json()["given_up"]) == (200, True)
    assert (await desk.published())[-2:] == ["session.given_up", "work_queue.changed"]
    assert [item["sequence"] for item in await queue(http)] == [item["sequence"] for item in others]
    assert (await http.post(url, json={"reason": "not-needed"}, headers=as_("desk"))).status_code == 409
    assert (await http.post(url, json={"reason": "x"}, headers=as_("stranger"))).status_code == 404


async def test_an_item_closes_by_itself_when_its_course_changes_or_ends(desk: Desk, http: httpx.AsyncClient) -> None:
    weekly = INTENSIVE.model_copy(update={"sessions_per_week": 1, "weeks": 4, "max_gap_days": 9})
    assert await queue(http)
    await desk.take(adjusted(2, [weekly], date(2026, 3, 4), clinic=desk.clinic_id))
    assert await queue(http) == []
    await desk.take(plan("p2", [INTENSIVE], clinic=desk.clinic_id))
    assert {item["patient_id"] for item in await queue(http)} == {"p2"}
    await desk.take(ended(NOW, "p2", desk.clinic_id))
    assert await queue(http) == []


async def test_a_proposal_may_break_what_the_patient_said_to_be_impossible(desk: Desk, http: httpx.AsyncClient) -> None:
    whole_day = {"weekday": "WE", "start": "00:00", "end": "23:59"}
    fact = plan("p3", [INTENSIVE.model_copy(update={"weeks": 1, "sessions_per_week": 1})], clinic=desk.clinic_id)
    fact = type(fact).model_validate(fact.model_dump() | {"impossible_times": [whole_day]})
    await desk.take(fact)
    (item,) = [each for each in await queue(http) if each["patient_id"] == "p3"]
    rules = [[each["rule"] for each in proposal["breaks"]] for proposal in item["proposals"]]
    assert rules == [["impossible-time"]] * 3


async def test_what_a_cancelled_closure_opens_is_proposed_again(desk: Desk, http: httpx.AsyncClient) -> None:
    """Proposals are looked for anew whenever the queue is read."""
    before = (await queue(http))[0]["proposals"]
    day = datetime.fromisoformat(before[0]["start"]).date()
    closed = CalendarChanged(
        clinic_id=desk.clinic_id,
        calendar_id="closed",
        revision=1,
        recorded_at=NOW,
        closed=(Closure(start=datetime.combine(day, time(0)), end=datetime.combine(day, time(23)), reason="closed"),),
    )
    await desk.take(closed)
    after = (await queue(http))[0]["proposals"]
    assert all(datetime.fromisoformat(each["start"]).date() != day for each in after)
