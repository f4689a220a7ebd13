"""A move from the calendar, with a real scheduling that finds free times and decides."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.waiting_scene import Scene


@pytest.mark.parametrize("refused", [False, True], ids=["moved", "refused"])
async def test_an_appointment_goes_to_the_free_time_that_was_chosen_or_stays(
    eve: Page, front: Scene, refused: bool
) -> None:
    await front.comes("p1", "Mara Winter")
    await eve.goto("/calendar?day=2026-03-11")
    mara = eve.get_by_role("link", name="Mara Winter")
    before = await mara.inner_text()
    await mara.click()
    panel = eve.get_by_role("dialog")
    await panel.get_by_role("link", name="Move").click()
    free = panel.locator("button[name=slot]").last
    time = await free.inner_text()
    assert time not in before
    await free.click()
    await expect(panel).to_contain_text("Being moved")
    if refused:
        front.desk.wall.moment += timedelta(days=200)
    await front.fulfil()
    if refused:
        await expect(panel.get_by_role("alert")).to_contain_text("Not moved")
    await eve.keyboard.press("Escape")
    await expect(mara).to_contain_text(before.split()[0] if refused else time)
    await expect(eve.get_by_text("Being moved")).to_have_count(0)
