"""The calendar through the real door on PostgreSQL: in any order of facts, to whom, on record, and what is asked."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text

from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ResourceName
from shared.events.intake import AppointmentChangeRequested, PatientRegistered, SessionLogged, SessionVoided
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFact,
    AppointmentMissed,
    AppointmentMoved,
    CourseUnschedulable,
)
from shared.messaging.door import Door
from tests.browser.conftest import clinic_file
from tests.domain.progress_story import Story, at
from tests.handlers.console_desk import HTML, admit, as_, csrf_of, pages, sign_in
from tests.handlers.serving import serving
from tests.handlers.test_console_course import handed_in

DAY = "2026-03-06"
"""Day 60 of `progress_story`: today, a Friday."""
NAMES = ("Mara Winter", "Noor Haddad", "Olga Berg", "Pia Lund")
TABLES = ("appointment", "appointment_request", "attendance", "calendar")


def appointment(
    story: Story, number: int, hour: float, *, kind: type[AppointmentFact] = AppointmentBooked, **changes: Any
) -> Fact:
    """An appointment of day 60, with Ada in room 1 unless `changes` say otherwise."""
    start = at(60) + timedelta(hours=hour - 9)
    about: dict[str, Any] = {
        "appointment_id": f"{story.patient_id}-ap-{number}", "appointment_version": 1, "plan_id": "plan-1",
        "plan_version": 1, "sequence": number, "start": start, "end": start + timedelta(minutes=45),
    }  # fmt: skip
    where = {"practitioner_id": "pr-ada", "room_id": "room-1"}
    more: dict[type[Fact], dict[str, Any]] = {
        AppointmentBooked: {**where, "booking_id": "b-1", "booking_size": 1},
        AppointmentMoved: {**where, "previous_start": start, "reason": "requested"},
        AppointmentCancelled: {"reason": "requested"},
        AppointmentMissed: {},
    }
    return story.fact(kind, **{**about, **more[kind], **changes})


def named(story: Story, name: str) -> Fact:
    return story.fact(PatientRegistered, contact={"name": name, "email": "m@example.org"}, recorded_at=at(0))


def a_day(clinic_id: str) -> list[Fact]:
    """Mara at nine, held; Noor at eleven, moved there from ten; Olga cancelled at two; Pia missed at eight."""
    mara, noor, olga, pia = (Story(clinic_id, f"patient-{n}") for n in range(1, 5))
    asked = {"request_id": "rq-1", "appointment_id": "patient-2-ap-1", "change": "move", "appointment_version": 2}
    return [
        *(
            named(story, name)
            for story, name in zip(
                (mara, noor, olga, pia), ("Mara Winter", "Noor Haddad", "Olga Berg", "Pia Lund"), strict=True
            )
        ),
        appointment(mara, 1, 9),
        mara.fact(SessionLogged, session_id="s-1", started_at=at(60), minutes=45),
        mara.fact(SessionLogged, session_id="s-2", started_at=at(61), minutes=45),
        mara.fact(SessionVoided, session_id="s-2", voided_at=at(61)),
        appointment(noor, 1, 10),
        appointment(noor, 1, 11, kind=AppointmentMoved, appointment_version=2, practitioner_id="pr-ben"),
        noor.fact(AppointmentChangeRequested, **asked, requested_at=at(59), start=at(60.1)),
        refused(noor, "practitioner-taken"),
        appointment(olga, 1, 14),
        appointment(olga, 1, 14, kind=AppointmentCancelled, appointment_version=2),
        appointment(pia, 1, 8),
        appointment(pia, 1, 8, kind=AppointmentMissed, appointment_version=2),
        leave(clinic_id, 1, "pr-ada"),
        leave(clinic_id, 2, "pr-dora"),
    ]


def refused(story: Story, reason: str, request_id: str = "rq-1") -> Fact:
    unplaced = {"sequence": 1, "earliest": at(60), "latest": at(61), "reason": reason}
    return story.fact(
        CourseUnschedulable, plan_id="plan-1", plan_version=1, report_id=request_id, unplaced=(unplaced,),
        request_id=request_id,
    )  # fmt: skip


def leave(clinic_id: str, revision: int, practitioner: str) -> Fact:
    closed = {"start": "2026-03-06T00:00:00", "end": "2026-03-07T00:00:00", "reason": "leave"}
    about = ResourceName(kind="practitioner", id=practitioner)
    return CalendarChanged.model_validate(
        {"clinic_id": clinic_id, "calendar_id": "leave", "revision": revision, "recorded_at": at(1), "about": about,
         "closed": [closed]}
    )  # fmt: skip


async def rows(door: Door, clinic_id: str) -> list[tuple[Any, ...]]:
    async with door.engine.connect() as tx:
        found = [
            (table, *row[1:])
            for table in TABLES
            for row in await tx.execute(
                text(f"SELECT * FROM {table} WHERE clinic_id = :c ORDER BY 1, 2, 3"), {"c": clinic_id}
            )
        ]
    return [tuple("" if isinstance(value, str) and len(value) > 30 else value for value in row) for row in found]


@pytest.mark.parametrize("seed", range(4))
async def test_facts_in_any_order_in_any_batches_and_twice_give_the_same_rows(
    door: Door, clinic_id: str, seed: int
) -> None:
    await admit(door, a_day(clinic_id))
    other = f"{clinic_id}-{seed}"
    facts, chance = a_day(other) * 2, random.Random(seed)
    chance.shuffle(facts)
    while facts:
        size = chance.choice([1, 2, 5, 20])
        await admit(door, facts[:size])
        facts = facts[size:]
    assert await rows(door, other) == await rows(door, clinic_id)


@pytest.fixture
def clinics(tmp_path: Path, clinic_id: str) -> Path:
    return clinic_file(tmp_path / "clinics", clinic_id)


async def page_of(door: Door, clinic_id: str, folder: Path, path: str, token: str = "front-desk") -> httpx.Response:
    async with pages(door, clinic_id, folder, stride_clinics=folder / "clinics") as client:
        return await client.get(path, headers=as_(token, "text/html"))


async def test_a_day_shows_who_is_with_whom_where_and_how_it_stands(door: Door, clinic_id: str, clinics: Path) -> None:
    await admit(door, a_day(clinic_id))
    page = (await page_of(door, clinic_id, clinics.parent, f"/calendar?day={DAY}")).text
    ada, ben, dora = (page.partition(f'id="of-pr-{name}-{DAY}"')[2].partition("</section>")[0]
                      for name in ("ada", "ben", "dora"))  # fmt: skip
    assert "Mara Winter" in ada
    assert ">held<" in ada
    assert ">missed<" in ada
    assert "Room 1" in ada
    assert "Noor Haddad" in ben
    assert "not moved" in ben
    assert "Leave" in dora
    assert "Leave" not in ada
    assert "Olga Berg" not in page
    everything = (await page_of(door, clinic_id, clinics.parent, f"/calendar?day={DAY}&cancelled=true")).text
    assert "Olga Berg" in everything
    assert " style=" not in page


async def test_a_week_is_of_one_and_rooms_are_columns_too(door: Door, clinic_id: str, clinics: Path) -> None:
    await admit(door, a_day(clinic_id))
    week = (await page_of(door, clinic_id, clinics.parent, f"/calendar?day={DAY}&view=week&of=pr-ben")).text
    assert "Noor Haddad" in week
    assert "Mara Winter" not in week
    assert week.count('class="column"') == 5, "nobody works at the weekend"
    by_room = (await page_of(door, clinic_id, clinics.parent, f"/calendar?day={DAY}&by=room")).text
    assert "Ada Lindqvist" in by_room.partition(f'id="of-room-1-{DAY}"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("token", "status"), [("front-desk", 200), ("clinician", 200), ("operator", 403), ("auditor", 403)]
)
async def test_only_front_desk_and_clinicians_see_it(
    door: Door, *, clinic_id: str, clinics: Path, token: str, status: int
) -> None:
    await admit(door, a_day(clinic_id))
    for path in ("/calendar", "/calendar/sheet", "/calendar/appointments/patient-1-ap-1"):
        assert (await page_of(door, clinic_id, clinics.parent, path, token)).status_code == status
    stranger = await page_of(door, clinic_id, clinics.parent, f"/calendar?day={DAY}", "stranger")
    assert "Mara Winter" not in stranger.text
    one = await page_of(door, clinic_id, clinics.parent, "/calendar/appointments/patient-1-ap-1", "stranger")
    assert one.status_code == 404


async def test_whoever_was_seen_is_on_record(door: Door, clinic_id: str, clinics: Path) -> None:
    await admit(door, a_day(clinic_id))
    for path in (f"/calendar?day={DAY}", "/calendar/appointments/patient-1-ap-1"):
        await page_of(door, clinic_id, clinics.parent, path)
    async with door.engine.connect() as tx:
        found = await tx.execute(text("SELECT action, patient_ids FROM audit WHERE clinic_id = :c ORDER BY number"),
                                 {"c": clinic_id})  # fmt: skip
        assert [tuple(row) for row in found] == [
            ("calendar.viewed", ["patient-1", "patient-2", "patient-4"]),
            ("appointment.viewed", ["patient-1"]),
        ]


async def test_a_change_is_asked_for_once_shown_as_pending_and_its_refusal_in_words(
    door: Door, clinic_id: str, clinics: Path
) -> None:
    noor = Story(clinic_id, "patient-2")
    await admit(door, [appointment(noor, 1, 11)])
    one = "/calendar/appointments/patient-2-ap-1"
    async with pages(door, clinic_id, clinics.parent, stride_clinics=clinics) as client:
        await sign_in(client, door, "front-desk", clinic_id)
        form = {"csrf": await csrf_of(client, one), "version": "1", "slot": "2026-03-06T16:00+00:00|pr-ben|room-2"}
        assert (await client.post(f"{one}/move", data={**form, "csrf": ""}, headers=HTML)).status_code == 403
        for slot in ("tomorrow|pr-ben|room-2", "2026-03-06T16:00|nobody|room-2", "2026-03-06T11:00|pr-ada|room-1",
                     "2026-03-05T11:00|pr-ada|room-1"):  # fmt: skip
            assert (await client.post(f"{one}/move", data={**form, "slot": slot}, headers=HTML)).status_code == 422
        assert (await client.post(f"{one}/move", data={**form, "version": "2"}, headers=HTML)).status_code == 422
        for _ in range(2):
            assert (await client.post(f"{one}/move", data=form, headers=HTML)).status_code == 303
        assert "Being moved" in (await client.get(f"/calendar?day={DAY}", headers=HTML)).text
        asked, again = await handed_in(door, clinic_id)
        assert asked["request_id"] == again["request_id"]
        expected = {"change": "move", "appointment_version": 1, "practitioner_id": "pr-ben", "room_id": "room-2"}
        assert expected.items() <= asked.items()
        request = AppointmentChangeRequested.model_validate(asked)
        await admit(door, [request, refused(noor, "practitioner-taken", request.request_id)])
        panel = (await client.get(one, headers=HTML)).text
        assert "the practitioner has been booked meanwhile." in panel
        assert (await client.post(f"{one}/move", data=form, headers=HTML)).status_code == 303
        assert (await handed_in(door, clinic_id))[-1]["request_id"] != request.request_id, "it is asked anew"


async def test_a_cancellation_needs_a_reason_and_a_missed_one_has_to_have_begun(
    door: Door, clinic_id: str, clinics: Path
) -> None:
    story = Story(clinic_id, "patient-1")
    await admit(door, [appointment(story, 1, 11), appointment(story, 2, 8)])
    async with pages(door, clinic_id, clinics.parent, stride_clinics=clinics) as client:
        await sign_in(client, door, "clinician", clinic_id)
        ahead, past = (f"/calendar/appointments/patient-1-ap-{n}" for n in (1, 2))
        form = {"csrf": await csrf_of(client, ahead), "version": "1"}
        assert (await client.post(f"{ahead}/cancel", data=form, headers=HTML)).status_code == 422
        assert (await client.post(f"{ahead}/no-show", data=form, headers=HTML)).status_code == 422
        assert (
            await client.post(f"{ahead}/cancel", data={**form, "reason": "patient-ill"}, headers=HTML)
        ).status_code == 303
        assert (await client.post(f"{past}/no-show", data=form, headers=HTML)).status_code == 303
    asked = [(one["change"], one.get("reason"), one["rebook"]) for one in await handed_in(door, clinic_id)]
    assert asked == [("cancel", "patient-ill", False), ("no-show", "", True)]


async def test_free_times_are_those_that_scheduling_finds_and_without_it_a_time_is_typed(
    door: Door, clinic_id: str, clinics: Path
) -> None:
    await admit(door, [appointment(Story(clinic_id, "patient-1"), 1, 11)])
    asked: list[dict[str, str]] = []
    scheduling = FastAPI()

    @scheduling.get("/fhir/Appointment/$find")
    async def find(request: Request) -> dict[str, Any]:
        asked.append(dict(request.query_params))
        actors = ("Patient/patient-1", "Practitioner/pr-ben", "Location/room-2")
        resource = {"start": "2026-03-09T14:00:00Z", "participant": [{"actor": {"reference": one}} for one in actors]}
        return {"entry": [{"resource": resource}]} if asked[-1]["start"] > "2026-03-07" else {}

    times = "/calendar/appointments/patient-1-ap-1/times"
    async with serving(scheduling) as url:
        more = {"stride_clinics": clinics, "stride_services": f"scheduling={url}"}
        async with pages(door, clinic_id, clinics.parent, **more) as client:
            await sign_in(client, door, "front-desk", clinic_id)
            monday = (await client.get(f"{times}?on=2026-03-09&practitioner=pr-ben", headers=HTML)).text
            friday = (await client.get(f"{times}?on={DAY}", headers=HTML)).text
    assert 'value="2026-03-09T14:00:00+00:00|pr-ben|room-2"' in monday
    assert (asked[0]["practitioner"], asked[0]["appointment"]) == ("pr-ben", "patient-1-ap-1")
    assert "The next free time is on Mon 9 Mar 2026" in friday
    async with pages(door, clinic_id, clinics.parent, stride_clinics=clinics) as client:
        await sign_in(client, door, "front-desk", clinic_id)
        assert 'type="time"' in (await client.get(f"{times}?on={DAY}", headers=HTML)).text
