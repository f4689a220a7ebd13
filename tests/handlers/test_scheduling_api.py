"""Reading appointments and courses over HTTP, within the token's clinic."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared.events.base import Fact
from tests.domain.scheduling_examples import WEEKLY, change, plan
from tests.handlers.scheduling_desk import Desk
from tests.handlers.scheduling_http import as_, open_http


@pytest_asyncio.fixture(loop_scope="session")
async def http(desk: Desk, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_http(desk, tmp_path) as client:
        yield client


async def booked(desk: Desk, *facts: Fact) -> None:
    await desk.take(plan(phases=[WEEKLY], clinic=desk.clinic_id), *facts)


async def test_a_course_is_shown_with_its_sessions_and_appointments(desk: Desk, http: httpx.AsyncClient) -> None:
    await booked(desk)
    first = (await desk.appointments())[0]
    await desk.take(change(first.id, clinic=desk.clinic_id))
    course = (await http.get("/courses/plan-p1", headers=as_("desk"))).json()
    assert (course["state"], course["plan_version"], len(course["sessions"])) == ("active", 1, 4)
    cancelled, replacement = sorted(
        (a for a in course["appointments"] if a["sequence"] == 1), key=lambda a: str(a["status"]), reverse=True
    )
    assert (cancelled["status"], cancelled["cancelation_reason"]) == ("cancelled", "requested")
    assert (replacement["status"], replacement["replaces"]) == ("booked", first.id)
    assert replacement["practitioner_id"].startswith("pr-")
    assert replacement["room_id"].startswith("room-")
    assert replacement["start"].endswith("Z")


async def test_appointments_are_found_by_plan_patient_status_and_time(desk: Desk, http: httpx.AsyncClient) -> None:
    await booked(desk, plan("p2", [WEEKLY], clinic=desk.clinic_id))
    for query, count in (
        ({}, 8),
        ({"plan_id": "plan-p1"}, 4),
        ({"patient_id": "p2"}, 4),
        ({"patient_id": "p2", "plan_id": "plan-p1"}, 0),
        ({"status": "cancelled"}, 0),
        ({"from": "2026-03-10T00:00:00Z", "to": "2026-03-17T00:00:00+00:00"}, 2),
    ):
        answer = await http.get("/appointments", params=query, headers=as_("doctor"))
        assert (answer.status_code, len(answer.json()["appointments"])) == (200, count), query
        assert answer.json()["more"] is False


async def test_another_clinic_sees_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    await booked(desk)
    assert (await http.get("/appointments", headers=as_("stranger"))).json()["appointments"] == []
    answer = await http.get("/courses/plan-p1", headers=as_("stranger"))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/appointments", None, 401),
        ("/appointments", "guessed", 401),
        ("/appointments", "operator", 403),
        ("/courses/unknown", "desk", 404),
        ("/courses/x%00y", "desk", 422),
        ("/appointments?from=yesterday", "desk", 422),
        ("/appointments?from=2026-03-10T00:00:00", "desk", 422),
        ("/appointments?patient=p1", "desk", 422),
        ("/appointments?status=maybe", "desk", 422),
        ("/appointments?plan_id=%00", "desk", 422),
    ],
)
async def test_every_no_is_a_problem_with_a_reason(
    http: httpx.AsyncClient, path: str, token: str | None, status: int
) -> None:
    answer = await http.get(path, headers=as_(token) if token else {})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert ("www-authenticate" in answer.headers) == (status == 401)
