"""Calendar feeds, read by icalendar and by a second, plain reading of the lines."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import icalendar
import pytest_asyncio

from tests.domain.scheduling_examples import WEEKLY, change, plan
from tests.handlers.scheduling_desk import Desk
from tests.handlers.scheduling_http import as_, open_http


@pytest_asyncio.fixture(loop_scope="session")
async def http(desk: Desk, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    await desk.take(plan(phases=[WEEKLY], clinic=desk.clinic_id), plan("p2", [WEEKLY], clinic=desk.clinic_id))
    async with open_http(desk, tmp_path) as client:
        yield client


async def opened(http: httpx.AsyncClient, kind: str, name: str) -> dict[str, str]:
    answer = await http.post("/feeds", json={"kind": kind, "id": name}, headers=as_("desk"))
    assert answer.status_code == 201
    return answer.json()


async def test_a_feed_shows_the_appointments_of_one_and_nothing_about_anybody(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    feed = await opened(http, "patient", "p1")
    shown = await http.get(feed["path"])
    assert shown.headers["content-type"].startswith("text/calendar")
    events: list[Any] = icalendar.Calendar.from_ical(shown.content).walk("VEVENT")
    mine = await desk.appointments()
    assert [(str(e["UID"]), e["DTSTART"].dt) for e in events] == [(row.id, row.start_at) for row in mine]
    lines = shown.text.replace("\r\n ", "").split("\r\n")
    assert [line for line in lines if line.startswith("METHOD")] == []
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in lines
    assert {line for line in lines if line.startswith("SUMMARY")} == {"SUMMARY:Appointment"}
    assert "p1" not in {word for line in lines if not line.startswith("UID") for word in line.split(":")}
    assert max(len(line.encode()) for line in shown.text.split("\r\n")) <= 75


async def test_a_feed_has_a_tag_that_changes_with_its_appointments(desk: Desk, http: httpx.AsyncClient) -> None:
    feed = await opened(http, "patient", "p1")
    tag = (await http.get(feed["path"])).headers["etag"]
    assert (await http.get(feed["path"], headers={"If-None-Match": tag})).status_code == 304
    await desk.take(change((await desk.appointments())[0].id, clinic=desk.clinic_id, rebook=False))
    changed = await http.get(feed["path"], headers={"If-None-Match": tag})
    assert (changed.status_code, changed.text.count("BEGIN:VEVENT")) == (200, 3)


async def test_feeds_of_practitioners_and_rooms_hold_theirs_and_no_other_clinics(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    counts = [
        (await http.get((await opened(http, kind, name))["path"])).text.count("BEGIN:VEVENT")
        for kind, name in (("practitioner", "pr-0"), ("practitioner", "pr-1"), ("room", "room-0"), ("room", "room-1"))
    ]
    assert (counts[0] + counts[1], counts[2] + counts[3]) == (8, 8)


async def test_a_revoked_or_guessed_address_shows_nothing(http: httpx.AsyncClient) -> None:
    feed = await opened(http, "room", "room-0")
    assert (await http.delete(f"/feeds/{feed['feed_id']}", headers=as_("stranger"))).status_code == 404
    assert (await http.get(feed["path"])).status_code == 200
    assert (await http.delete(f"/feeds/{feed['feed_id']}", headers=as_("desk"))).status_code == 204
    assert (await http.get(feed["path"])).status_code == 404
    assert (await http.get("/feeds/guess.ics")).status_code == 404
