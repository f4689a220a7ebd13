"""iCalendar files over HTTP: what a clinic's own calendar says becomes `calendar.changed`."""

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.handlers.intake_desk import Desk, open_desk


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, tmp_path: Path, clinic_id: str) -> AsyncGenerator[Desk]:
    async with open_desk(database_url, tmp_path, clinic_id) as opened:
        yield opened


EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//other//EN
BEGIN:VEVENT
UID:team
DTSTAMP:20260101T000000Z
SUMMARY:Mrs Quist about her hip
DTSTART;TZID=Europe/London:20260316T120000
DTEND;TZID=Europe/London:20260316T130000
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/London:20260323T120000
END:VEVENT
BEGIN:VEVENT
UID:team
RECURRENCE-ID;TZID=Europe/London:20260330T120000
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20260330T150000
DTEND;TZID=Europe/London:20260330T160000
END:VEVENT
BEGIN:VEVENT
UID:holiday
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260706
DTEND;VALUE=DATE:20260718
END:VEVENT
BEGIN:VEVENT
UID:free
DTSTAMP:20260101T000000Z
TRANSP:TRANSPARENT
DTSTART:20260401T080000Z
DTEND:20260401T090000Z
END:VEVENT
BEGIN:VEVENT
UID:utc
DTSTAMP:20260101T000000Z
DTSTART:20260402T080000Z
DURATION:PT30M
END:VEVENT
END:VCALENDAR
"""
AVAILABILITY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//other//EN
BEGIN:VAVAILABILITY
UID:summer
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20260601T000000
DTEND;TZID=Europe/London:20260701T000000
BEGIN:AVAILABLE
UID:mornings
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20260602T090000
DTEND;TZID=Europe/London:20260602T120000
RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260701T000000Z
END:AVAILABLE
END:VAVAILABILITY
END:VCALENDAR
"""


async def put(desk: Desk, body: str | bytes, query: str = "practitioner=pr-ada", name: str = "ada") -> httpx.Response:
    content = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    headers = desk.headers() | {"content-type": "text/calendar; charset=utf-8"}
    return await desk.http.put(f"/calendars/{name}?{query}", content=content, headers=headers)


async def test_events_close_with_recurrences_exceptions_and_moved_instances(desk: Desk) -> None:
    answer = await put(desk, EVENTS)
    assert (answer.status_code, answer.json()["status"], answer.json()["closed"]) == (202, "accepted", 5)
    (fact,) = await desk.published("calendar.changed")
    assert fact["about"] == {"kind": "practitioner", "id": "pr-ada"}
    assert sorted((each["start"], each["end"], each.get("zone")) for each in fact["closed"]) == [
        ("2026-03-16T12:00:00", "2026-03-16T13:00:00", "Europe/London"),
        ("2026-03-30T15:00:00", "2026-03-30T16:00:00", "Europe/London"),
        ("2026-04-02T08:00:00", "2026-04-02T08:30:00", "UTC"),
        ("2026-04-06T12:00:00", "2026-04-06T13:00:00", "Europe/London"),
        ("2026-07-06T00:00:00", "2026-07-18T00:00:00", None),
    ]
    assert "Quist" not in str(fact)


async def test_availability_opens_just_what_it_names(desk: Desk) -> None:
    assert (await put(desk, AVAILABILITY)).status_code == 202
    (fact,) = await desk.published("calendar.changed")
    (layer,) = fact["availability"]
    assert (layer["during"]["start"], layer["during"]["end"]) == ("2026-06-01T00:00:00", "2026-07-01T00:00:00")
    assert [each["start"] for each in layer["open"]] == [
        f"2026-06-{day:02}T09:00:00" for day in (2, 4, 9, 11, 16, 18, 23, 25, 30)
    ]


async def test_a_calendar_is_withdrawn(desk: Desk) -> None:
    await put(desk, EVENTS)
    answer = await desk.http.delete("/calendars/ada?revision=9999999999999", headers=desk.headers())
    assert answer.status_code == 202
    assert [fact["withdrawn"] for fact in await desk.published("calendar.changed")] == [False, True]


async def test_a_revision_that_says_something_else_is_refused(desk: Desk) -> None:
    assert (await put(desk, EVENTS, "room=gym&revision=7")).status_code == 202
    assert (await put(desk, EVENTS, "room=gym&revision=7")).json()["status"] == "repeat"


EVENT = "BEGIN:VEVENT\nUID:u{}\nDTSTAMP:20260101T000000Z\nDTSTART:{}\nDURATION:PT1H\n{}END:VEVENT\n"
DAILY = EVENT.format(1, "20260301T080000Z", "RRULE:FREQ=DAILY\n")
WHOLE = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{}END:VCALENDAR\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "no iCalendar"),
        ("not a calendar", "no iCalendar"),
        (b"\xff\xfe\x00", "no iCalendar"),
        ("BEGIN:VEVENT\nEND:VEVENT\n", "no VCALENDAR"),
        (WHOLE.format(EVENT.format(1, "garbage", "")), "no iCalendar"),
        (WHOLE.format(EVENT.format(1, "20260301T080000Z", "RRULE:FREQ=SECONDLY\n")), "recurrence rule"),
        (WHOLE.format(EVENT.format(1, "19000101T080000Z", "RRULE:FREQ=DAILY\n")), "too long ago"),
        (WHOLE.format("BEGIN:VEVENT\n" * 6000), "components"),
        (
            WHOLE.format("".join(EVENT.format(n, "20260301T080000Z", "RRULE:FREQ=DAILY\n") for n in range(20))),
            "periods",
        ),
    ],
)
async def test_hostile_and_broken_files_get_a_clear_refusal_soon(desk: Desk, body: str | bytes, says: str) -> None:
    began = time.monotonic()
    answer = await put(desk, body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert time.monotonic() - began < 10
    assert await desk.published("calendar.changed") == []


async def test_other_types_and_sizes_are_refused_and_availability_has_to_be_somebodys(desk: Desk) -> None:
    headers = desk.headers() | {"content-type": "application/json"}
    assert (await desk.http.put("/calendars/x", content=b"{}", headers=headers)).status_code == 415
    assert (await put(desk, b"x" * 1_100_000)).status_code == 413
    assert (await put(desk, AVAILABILITY, "")).json()["errors"][0]["pointer"] == "/availability"
    assert (await put(desk, EVENTS, name="with space")).status_code == 422
