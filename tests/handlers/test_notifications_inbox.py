"""The alert inbox over HTTP: each clinic sees its own, the first to acknowledge has it."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.notifications.sender import Alarm
from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import Desk, desk_at
from tests.handlers.notifications_web import as_, open_web


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id, f"{clinic_id}-other") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_web(desk, monkeypatch) as client:
        yield client


async def alerts(web: httpx.AsyncClient, clinic: str, **query: Any) -> list[dict[str, Any]]:
    answer = await web.get("/alerts", params=query, headers=as_(clinic))
    assert answer.status_code == 200
    return answer.json()["alerts"]


async def test_alerts_are_listed_newest_first_and_filtered(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.reached(), ann.adverse(), ann.unschedulable())
    assert [a["kind"] for a in await alerts(web, clinic_id)] == ["course-unschedulable", "adverse-event", "milestone"]
    (critical,) = await alerts(web, clinic_id, severity="critical", state="open")
    assert (critical["owner"], critical["patient_id"], critical["state"]) == ("st-ada", "p-1", "open")
    assert [a["kind"] for a in await alerts(web, clinic_id, kind="milestone")] == ["milestone"]
    assert await alerts(web, clinic_id, state="acknowledged") == []


async def test_a_long_list_comes_page_by_page(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(*(Example(clinic_id, f"p-{n}").adverse() for n in range(5)))
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = (await web.get("/alerts", params={"limit": 2, "after": after}, headers=as_(clinic_id))).json()
        seen += [alert["patient_id"] for alert in page["alerts"]]
        after = page["next"]
    assert seen == ["p-4", "p-3", "p-2", "p-1", "p-0"]


async def test_one_alert_comes_with_its_evidence(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(Example(clinic_id).reached())
    (listed,) = await alerts(web, clinic_id)
    assert "evidence" not in listed
    alert = (await web.get(f"/alerts/{listed['alert_id']}", headers=as_(clinic_id))).json()
    assert alert["evidence"]["evidence"]["probability"] == 0.94


async def test_the_first_to_acknowledge_has_it_and_asking_again_changes_nothing(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(Example(clinic_id).adverse())
    (alert,) = await alerts(web, clinic_id)
    path = f"/alerts/{alert['alert_id']}/acknowledge"
    for who in ("clinician", "clinician", "clinician/ben"):
        answer = await web.post(path, headers=as_(clinic_id, who))
        assert answer.status_code == 202
        assert (answer.json()["state"], answer.json()["acknowledged_by"]) == ("acknowledged", "clinician")
    assert len(await desk.published("alert.acknowledged")) == 1
    assert await desk.states("alert") == [("superseded", "acknowledged")]


async def test_an_alert_is_handed_on_put_off_and_resolved_by_whoever_saw_it_as_it_is(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(Example(clinic_id).unschedulable())
    (alert,) = await alerts(web, clinic_id)
    path, headers = f"/alerts/{alert['alert_id']}", as_(clinic_id)
    seen = await web.get(path, headers=headers)
    tag = {**headers, "If-Match": seen.headers["ETag"]}
    given = await web.post(f"{path}/assign", json={"owner": "st-ada"}, headers=tag)
    assert (given.status_code, given.json()["owner"], given.headers["ETag"]) == (202, "st-ada", '"2"')
    assert (await web.post(f"{path}/assign", json={"owner": "st-ben"}, headers=tag)).status_code == 412
    assert (await web.post(f"{path}/assign", json={"owner": "st-nobody"}, headers=headers)).status_code == 422
    weak = {**headers, "If-Match": f"W/{given.headers['ETag']}"}
    assert (await web.post(f"{path}/assign", json={"owner": "st-ada"}, headers=weak)).status_code == 202
    until = (desk.clock.now() + timedelta(days=2)).isoformat()
    for _ in range(2):
        put_off = await web.post(f"{path}/snooze", json={"until": until}, headers=headers)
        assert (put_off.status_code, put_off.json()["state"]) == (202, "snoozed")
    too_long = (desk.clock.now() + timedelta(days=20)).isoformat()
    refused = await web.post(f"{path}/snooze", json={"until": too_long}, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    for resolution in ("not-needed", "done"):
        over = await web.post(f"{path}/resolve", json={"resolution": resolution}, headers=headers)
        assert (over.json()["state"], over.json()["resolution"]) == ("resolved", "not-needed")
    for name in ("alert.assigned", "alert.snoozed", "alert.resolved"):
        assert len(await desk.published(name)) == 1
    assert await alerts(web, clinic_id, state="unresolved") == []
    assert [a["alert_id"] for a in await alerts(web, clinic_id, state="resolved", owner="st-ada")] == [
        alert["alert_id"]
    ]


async def test_alerts_are_found_by_words_and_by_patient(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(Example(clinic_id).reached(), Example(clinic_id, "p-2").adverse())
    for question, kinds in (
        ({"q": "pain 40"}, ["milestone"]), ({"q": "ADVERSE"}, ["adverse-event"]), ({"q": "%"}, []),
        ({"patient_id": "p-2"}, ["adverse-event"]), ({"q": "nothing"}, []),
    ):  # fmt: skip
        assert [a["kind"] for a in await alerts(web, clinic_id, **question)] == kinds


async def test_an_alert_climbs_when_its_time_has_come_and_not_once_somebody_has_it(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(Example(clinic_id).adverse(), Example(clinic_id, "p-2").adverse())
    alarm = Alarm(desk.door, None)
    assert await alarm.wake() == 0
    taken, left = await alerts(web, clinic_id)
    await web.post(f"/alerts/{taken['alert_id']}/acknowledge", headers=as_(clinic_id))
    desk.clock.moment += timedelta(minutes=10)
    assert await alarm.wake() == 1
    assert await Alarm(desk.door, None).wake() == 0
    (climbed,) = await desk.published("alert.escalated")
    assert (climbed["alert_id"], climbed["owner"], climbed["reason"]) == (left["alert_id"], "st-ben", "unacknowledged")


async def test_a_clinic_sees_and_touches_nothing_of_another(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(Example(clinic_id).adverse())
    (alert,) = await alerts(web, clinic_id)
    other = f"{clinic_id}-other"
    assert await alerts(web, other) == []
    for method, path in (("GET", f"/alerts/{alert['alert_id']}"), ("POST", f"/alerts/{alert['alert_id']}/acknowledge")):
        answer = await web.request(method, path, headers=as_(other))
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (await web.get("/deliveries", headers=as_(other, "operator"))).json()["deliveries"] == []
    assert (await alerts(web, clinic_id))[0]["state"] == "open"


async def test_deliveries_are_for_operators_and_hold_no_address_and_no_text(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.booked(), Example(clinic_id, "p-2").booked(start=ann.booked().start))
    answer = await web.get("/deliveries", params={"patient_id": "p-1"}, headers=as_(clinic_id, "operator"))
    assert sorted(d["topic"] for d in answer.json()["deliveries"]) == ["booked", "reminder", "reminder"]
    assert "example.org" not in answer.text
    assert "Ann" not in answer.text
    planned = await web.get("/deliveries", params={"state": "planned"}, headers=as_(clinic_id, "operator"))
    assert {d["patient_id"] for d in planned.json()["deliveries"]} == {"p-2"}
    assert (await web.get("/deliveries", headers=as_(clinic_id))).status_code == 403


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 401), ({"Authorization": "Bearer nobody"}, 401), ({"Authorization": "Basic eA=="}, 401),
])  # fmt: skip
async def test_without_a_valid_token_there_is_no_answer(
    web: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    for path in ("/alerts", "/alerts/x", "/deliveries"):
        answer = await web.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (status, "Bearer")


async def test_a_clinic_system_reads_no_alerts(web: httpx.AsyncClient, clinic_id: str) -> None:
    assert (await web.get("/alerts", headers=as_(clinic_id, "clinic-system"))).status_code == 403


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "after=-1", "severity=terrible", "state=maybe", "kind=%00"])
async def test_a_malformed_question_is_answered_with_what_is_wrong(
    web: httpx.AsyncClient, clinic_id: str, query: str
) -> None:
    answer = await web.get(f"/alerts?{query}", headers=as_(clinic_id))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"].endswith(query.partition("=")[0])


async def test_staff_record_choices_in_a_ledger_that_is_only_added_to(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(Example(clinic_id).registered())
    path = "/patients/p-1/choices"
    for value in ("off", "on"):
        desk.clock.moment += timedelta(minutes=1)
        answer = await web.post(path, json={"choices": {"topic.reminder": value}}, headers=as_(clinic_id, "front-desk"))
        assert answer.status_code == 202
    ledger = (await web.get(path, headers=as_(clinic_id))).json()["choices"]
    assert [(entry["value"], entry["way"], entry["recorded_by"]) for entry in ledger] == [
        ("off", "staff", "front-desk"), ("on", "staff", "front-desk")
    ]  # fmt: skip
    wrong = await web.post(path, json={"choices": {"topic.booked": "off"}}, headers=as_(clinic_id, "front-desk"))
    assert wrong.status_code == 422
    assert (await web.get(path, headers=as_(f"{clinic_id}-other"))).json()["choices"] == []
    for change in ("UPDATE consent SET value = 'on'", "DELETE FROM consent"):
        with pytest.raises(DBAPIError):
            async with desk.engine.begin() as tx:
                await tx.execute(text(change))
