"""The operators' pages in real Chromium: the flow, what is stranded, taking it up, mending; axe in light and dark."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from shared.database import open_engine
from tests.browser.conftest import clinic_file
from tests.browser.console import Console, serving, violations
from tests.handlers.console_desk import door_of
from tests.handlers.operations_scene import Operated, operated
from tests.messaging.stranding import NAME, mendable_letter, park
from tests.messaging.test_door import Door, door

__all__ = ["door"]


@pytest_asyncio.fixture(loop_scope="session")
async def at(door: Door, kafka_bootstrap: str, tmp_path: Path) -> AsyncGenerator[Operated]:
    async with operated(door, kafka_bootstrap, tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def console(
    at: Operated, database_url: str, kafka_bootstrap: str, clinic_id: str, tmp_path: Path
) -> AsyncGenerator[Console]:
    engine = open_engine(database_url, "console")
    known = {"kafka_bootstrap": kafka_bootstrap, "stride_services": at.services}
    clinics = clinic_file(tmp_path / "clinics", clinic_id)
    async with serving(door_of(engine), clinic_id, tmp_path, clinics, **known) as running:
        yield running
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def operator(browser: Browser, console: Console) -> AsyncGenerator[Page]:
    async with console.as_(browser, "operator") as context:
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert errors == []


async def clean(page: Page) -> None:
    assert [*await violations(page, "light"), *await violations(page, "dark")] == []


async def test_the_flow_is_drawn_and_renews_itself(operator: Page, at: Operated, clinic_id: str) -> None:
    await operator.goto("/operations")
    await expect(operator.locator("svg.flow .node")).to_have_count(6)
    await expect(operator.get_by_text("no answer")).to_be_visible()
    await clean(operator)
    await park(at.door, clinic_id, "transferred")
    link = operator.get_by_role("row", name="progress").get_by_role("link")
    await expect(link).to_be_visible()
    await link.click()
    await expect(operator.get_by_role("link", name=f"progress:key:{clinic_id}/p")).to_be_visible()


async def test_what_is_parked_is_tried_and_taken_up_with_a_click(operator: Page, at: Operated, clinic_id: str) -> None:
    await park(at.door, clinic_id, "transferred", "completed")
    await operator.goto(f"/operations/stranded?key={clinic_id}/*")
    await operator.get_by_label(f"Pick progress:key:{clinic_id}/p").check()
    await operator.get_by_role("button", name="Take up what is ticked").click()
    await expect(operator.get_by_text("can't be taken up")).to_be_visible()
    await clean(operator)
    at.mend_the_cause()
    await operator.get_by_role("button", name="Try what is ticked").click()
    await expect(operator.get_by_text("A try: nothing was changed.")).to_be_visible()
    await operator.get_by_role("button", name="Take up what is ticked").click()
    await expect(operator.get_by_text("1 was taken up.")).to_be_visible()
    await operator.reload()
    await expect(operator.get_by_text("Nothing is stranded that matches.")).to_be_visible()


async def test_a_letter_is_mended_without_seeing_what_is_in_it(
    operator: Page, kafka_bootstrap: str, clinic_id: str
) -> None:
    letter, _, _ = await mendable_letter(kafka_bootstrap, clinic_id)
    await operator.goto(f"/operations/stranded?kind=letter&key={clinic_id}/*")
    await operator.get_by_role("link", name=letter).click()
    await expect(operator.get_by_text('"reason": "text"')).to_be_visible()
    assert NAME not in await operator.content()
    await operator.get_by_label("Path").fill("/reason")
    await operator.get_by_label("New value, as JSON").fill('"completed"')
    await operator.get_by_role("button", name="Put back").click()
    await expect(operator.get_by_text("1 was taken up.")).to_be_visible()
    await clean(operator)


async def test_the_pages_fit_a_phone(browser: Browser, console: Console, kafka_bootstrap: str, clinic_id: str) -> None:
    letter, _, _ = await mendable_letter(kafka_bootstrap, clinic_id)
    async with console.as_(browser, "operator", viewport={"width": 390, "height": 800}) as context:
        page = await context.new_page()
        for path in ("/operations", f"/operations/stranded?key={clinic_id}/*", f"/operations/stranded/{letter}"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
