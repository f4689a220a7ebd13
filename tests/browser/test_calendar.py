"""The calendar as the front desk uses it, in real Chromium."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from playwright.async_api import Browser, Page, expect

from shared.clock import FileClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.events.intake import AppointmentChangeRequested
from shared.events.scheduling import AppointmentCancelled, AppointmentMoved
from tests.browser.conftest import clinic_file
from tests.browser.console import Console, serving, violations
from tests.domain.progress_story import Story, at
from tests.handlers.console_desk import door_of
from tests.handlers.serving import serving as served
from tests.handlers.test_console_calendar import DAY, a_day, appointment, named, refused

FREE = ("12:00", "12:15", "13:30")


@pytest_asyncio.fixture(loop_scope="session")
async def console(database_url: str, clinic_id: str, tmp_path: Path) -> AsyncGenerator[Console]:
    """A console whose scheduling finds three free times with Ben in room 2 on day 60, and none on any other."""
    scheduling = FastAPI()

    @scheduling.get("/fhir/Appointment/$find")
    async def find(request: Request) -> dict[str, Any]:
        actors = ("Patient/p", "Practitioner/pr-ben", "Location/room-2")
        participants = [{"actor": {"reference": one}} for one in actors]
        found: list[dict[str, Any]] = [{"start": f"{DAY}T{time}:00Z", "participant": participants} for time in FREE]
        return {"entry": [{"resource": one} for one in found if request.query_params["start"] <= one["start"]]}

    engine = open_engine(database_url, "console")
    door = door_of(engine, FileClock.create(tmp_path / "clock", at(60)))
    clinics = clinic_file(tmp_path / "clinics", clinic_id)
    async with (
        served(scheduling) as url,
        serving(door, clinic_id, tmp_path, clinics, stride_services=f"scheduling={url}") as running,
    ):
        yield running
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, console: Console) -> AsyncGenerator[Page]:
    """The front desk's page, on a day with some appointments."""
    await console.admit(*a_day(console.clinic_id), appointment(patient(console, 5), 1, 15), *names(console))
    async with console.as_(browser, "front-desk") as context:
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"/calendar?day={DAY}")
        await expect(page.locator("body")).to_have_attribute("data-live", "on")
        yield page
        assert errors == []


def patient(console: Console, number: int) -> Story:
    return Story(console.clinic_id, f"patient-{number}")


def names(console: Console) -> list[Fact]:
    return [named(patient(console, 5), "Rosa Blum")]


async def asked(console: Console) -> AppointmentChangeRequested:
    return AppointmentChangeRequested.model_validate((await console.asked())[-1])


async def test_the_day_is_read_by_practitioner_by_room_and_as_somebody_s_week(desk: Page) -> None:
    ada = desk.get_by_role("region", name="Ada Lindqvist", exact=False)
    await expect(ada.get_by_role("link", name="Mara Winter")).to_contain_text("held")
    await expect(ada.get_by_role("link", name="Rosa Blum")).to_be_visible()
    await desk.get_by_role("link", name="Rooms").click()
    room = desk.get_by_role("region", name="Room 1", exact=False)
    await expect(room.get_by_role("link", name="Rosa Blum")).to_contain_text("Ada Lindqvist")
    await desk.keyboard.press("b")
    await expect(ada).to_be_visible()
    await desk.keyboard.press("w")
    await expect(
        desk.get_by_role("region", name="Fri 6 Mar 2026").get_by_role("link", name="Rosa Blum")
    ).to_be_visible()
    await desk.keyboard.press("p")
    await expect(desk.get_by_role("heading", name="Ada Lindqvist, 23 Feb 2026")).to_be_visible()
    await desk.get_by_label("Date").fill(DAY)
    await desk.get_by_role("combobox", name="Practitioner").select_option(label="Ben Okafor")
    await desk.get_by_role("button", name="Show").click()
    await expect(desk.get_by_role("link", name="Noor Haddad")).to_be_visible()


async def test_an_appointment_is_moved_by_keys_alone_to_a_free_time_and_comes_back_moved(
    desk: Page, console: Console
) -> None:
    for _ in range(3):
        await desk.keyboard.press("j")
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_be_focused()
    await desk.keyboard.press("Enter")
    panel = desk.get_by_role("dialog", name="Rosa Blum")
    await expect(panel).to_contain_text("15:00–15:45")
    await panel.get_by_role("link", name="Move").press("Enter")
    await panel.get_by_role("button", name="13:30").press("Enter")
    await expect(panel).to_contain_text("Being moved")
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_contain_text("Being moved")
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_be_focused()
    request = await asked(console)
    assert (request.start, request.practitioner_id, request.room_id) == (at(60.1875), "pr-ben", "room-2")
    moved = {"practitioner_id": "pr-ben", "room_id": "room-2", "appointment_version": 2}
    await console.admit(request, appointment(patient(console, 5), 1, 13.5, kind=AppointmentMoved, **moved))
    ben = desk.get_by_role("region", name="Ben Okafor", exact=False)
    await expect(ben.get_by_role("link", name=re.compile("13:30.*14:15.*Rosa Blum"))).to_be_visible()
    await expect(desk.get_by_text("Being moved")).to_have_count(0)


async def test_a_refused_move_says_why_in_the_open_panel(desk: Page, console: Console) -> None:
    await desk.get_by_role("link", name="Rosa Blum").click()
    panel = desk.get_by_role("dialog")
    await panel.get_by_role("link", name="Move").click()
    await panel.get_by_role("button", name="12:15").click()
    await expect(panel).to_contain_text("Being moved")
    request = await asked(console)
    await console.admit(request, refused(patient(console, 5), "practitioner-taken", request.request_id))
    await expect(panel.get_by_role("alert")).to_contain_text("the practitioner has been booked meanwhile")
    await panel.get_by_role("button", name="Close").click()
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_contain_text("not moved")


async def test_an_appointment_is_cancelled_with_a_reason(desk: Page, console: Console) -> None:
    await desk.get_by_role("link", name="Rosa Blum").click()
    panel = desk.get_by_role("dialog")
    await panel.get_by_text("Cancel it").click()
    await panel.get_by_label("Why").select_option(label="the patient is ill")
    await panel.get_by_label("Look for another time").uncheck()
    await panel.get_by_role("button", name="Cancel the appointment").click()
    await expect(panel).to_contain_text("Being cancelled")
    request = await asked(console)
    assert (request.change, request.reason, request.rebook) == ("cancel", "patient-ill", False)
    await console.admit(
        request, appointment(patient(console, 5), 1, 15, kind=AppointmentCancelled, appointment_version=2)
    )
    await expect(panel).to_contain_text("cancelled")
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_have_count(0)


async def test_what_is_wrong_with_a_form_is_said_in_the_panel(desk: Page, console: Console) -> None:
    await desk.get_by_role("link", name="Rosa Blum").click()
    panel = desk.get_by_role("dialog")
    await panel.get_by_role("link", name="Move").click()
    moved = {"appointment_version": 2, "practitioner_id": "pr-ben"}
    await expect(panel.get_by_role("button", name="12:15")).to_be_visible()
    await console.admit(appointment(patient(console, 5), 1, 16, kind=AppointmentMoved, **moved))
    await panel.get_by_role("button", name="12:15").click()
    await expect(panel.get_by_text("The appointment has changed since you opened it")).to_be_visible()
    assert await console.asked() == []


async def test_what_is_booked_meanwhile_appears_by_itself(desk: Page, console: Console) -> None:
    story = patient(console, 6)
    await console.admit(named(story, "Tom Weiss"), appointment(story, 1, 17, practitioner_id="pr-dora", room_id="gym"))
    dora = desk.get_by_role("region", name="Dora Novak", exact=False)
    await expect(dora.get_by_role("link", name="Tom Weiss")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(desk: Page, scheme: str) -> None:
    paths = (
        f"/calendar?day={DAY}",
        f"/calendar?day={DAY}&view=week&by=room&cancelled=true",
        "/calendar?day=2026-03-07",
    )
    for path in paths:
        await desk.goto(path)
        assert await violations(desk, scheme) == [], path
    await desk.goto(f"/calendar?day={DAY}")
    await desk.get_by_role("link", name="Rosa Blum").click()
    await desk.get_by_role("dialog").get_by_role("link", name="Move").click()
    await expect(desk.get_by_role("button", name="12:15")).to_be_visible()
    assert await violations(desk, scheme) == []
    await desk.goto("/calendar/appointments/patient-5-ap-1")
    assert await violations(desk, scheme) == []


async def test_it_fits_a_phone_and_a_day_prints_on_one_page(desk: Page) -> None:
    await desk.set_viewport_size({"width": 390, "height": 844})
    assert await desk.evaluate("document.documentElement.scrollWidth") <= 390
    await expect(desk.get_by_role("link", name="Rosa Blum")).to_be_visible()
    await desk.set_viewport_size({"width": 1200, "height": 800})
    sheet = await desk.pdf(format="A4", landscape=True, print_background=True)
    assert sheet.count(b"/Type /Page\n") == 1
    await desk.emulate_media(media="print")
    await expect(desk.get_by_role("link", name="Today")).to_be_hidden()
