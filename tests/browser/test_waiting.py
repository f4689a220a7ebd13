"""The front desk in real Chromium: sessions without a time, the waitlist and offers, with a real scheduling beside."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from shared.events.scheduling import WaitlistOffered
from tests.browser.console import violations
from tests.browser.waiting_scene import Scene
from tests.domain.progress_story import at
from tests.domain.scheduling_examples import WEEKLY


async def test_a_session_without_a_time_appears_by_itself_and_is_booked(eve: Page, front: Scene) -> None:
    await eve.goto("/waiting")
    await expect(eve.get_by_text("Every session has a time")).to_be_visible()
    await expect(eve.locator("body")).to_have_attribute("data-live", "on")
    await front.comes("p1", "Mara Winter")
    row = eve.locator("[data-row]").first
    await expect(row).to_contain_text("Mara Winter")
    waiting = await eve.locator("[data-row]").count()
    await row.get_by_role("link", name="Find a time").click()
    await expect(eve.get_by_role("heading", name="Times that are free now")).to_be_visible()
    time = eve.locator("#times [data-row]").first
    await expect(time).to_contain_text("Ben Okafor, Room 1")
    await expect(time).to_contain_text("not as far from the next session as the plan asks")
    await time.get_by_role("button", name="Book").click()
    await expect(eve.get_by_text("Being booked")).to_be_visible()
    await front.fulfil()
    await expect(eve.get_by_text("Nothing is open here")).to_be_visible()
    await eve.get_by_role("link", name="All sessions without a time").click()
    await expect(eve.locator("[data-row]")).to_have_count(waiting - 1)


async def test_a_time_that_has_gone_meanwhile_is_refused_in_plain_words(eve: Page, front: Scene) -> None:
    await front.comes("p1", "Mara Winter")
    await eve.goto("/waiting")
    await eve.get_by_role("link", name="Find a time").first.click()
    time = eve.locator("#times [data-row]").first
    await expect(time).to_be_visible()
    await time.get_by_role("button", name="Book").click()
    await expect(eve.get_by_text("Being booked")).to_be_visible()
    front.desk.wall.moment = at(60) + timedelta(days=200)
    await front.fulfil()
    await expect(eve.get_by_role("alert")).to_contain_text("Not done: it is too soon")
    await eve.goto("/waiting")
    await expect(eve.locator("[data-row]").first).to_contain_text("it is too soon: the clinic needs more notice")


async def test_other_times_are_shown_by_a_wish_and_the_best_is_booked(eve: Page, front: Scene) -> None:
    await front.comes("p1", "Mara Winter")
    await eve.goto("/waiting")
    await eve.get_by_role("link", name="Find a time").first.click()
    times = eve.locator("#times [data-row]")
    await expect(times.first).to_be_visible()
    await eve.get_by_label("Mon").check()
    await expect(eve.get_by_text("No free time suits this.")).to_be_visible()
    await eve.get_by_label("Mon").uncheck()
    await eve.get_by_label("From").fill("2026-04-20")
    await eve.get_by_label("Not before").fill("10:00")
    await expect(times.first).to_contain_text("10:00")
    await expect(times.first).to_contain_text("Wed 22 Apr 2026")
    await eve.get_by_role("button", name="Book the best of them").click()
    await expect(eve.get_by_text("A time is being looked for")).to_be_visible()
    await front.fulfil()
    await expect(eve.get_by_role("cell", name="Wed 22 Apr 2026, 10:00")).to_be_visible()


async def test_a_session_is_settled_by_keys_and_menu(eve: Page, front: Scene) -> None:
    await front.comes("p1", "Mara Winter")
    await eve.goto("/waiting")
    await eve.keyboard.press("j")
    row = eve.locator("[data-row]").first
    await expect(row).to_be_focused()
    number = await row.get_attribute("id")
    await row.locator("summary").click()
    await row.get_by_role("combobox").select_option(label="it is held elsewhere")
    await row.get_by_role("button", name="Settle it").click()
    await expect(row).to_contain_text("Being settled")
    await front.fulfil()
    await expect(eve.locator(f"#{number}")).to_have_count(0)
    assert front.asked[-1]["reason"] == "treated-elsewhere"
    await eve.keyboard.press("g")
    await eve.keyboard.press("a")
    await expect(eve).to_have_url(f"{front.console.url}/inbox")


def offered(front: Scene, patient: str, name: str) -> WaitlistOffered:
    """An earlier time, tomorrow week, with the session that the patient has first."""
    start = at(67) - timedelta(hours=1)
    return WaitlistOffered.model_validate(
        {
            "clinic_id": front.console.clinic_id, "patient_id": patient, "offer_id": name,
            "plan_id": f"plan-{patient}", "sequence": 1, "start": start, "end": start + timedelta(minutes=45),
            "practitioner_id": "pr-ben", "room_id": "room-1", "offered_at": at(60) - timedelta(minutes=10),
            "expires_at": at(60) + timedelta(minutes=50), "why": "first-session",
        }
    )  # fmt: skip


async def test_offers_go_out_are_answered_by_phone_and_shown_as_they_end(eve: Page, front: Scene) -> None:
    await front.comes("p1", "Mara Winter")
    await eve.goto("/waiting/offers")
    await expect(eve.get_by_text("No freed time is on offer")).to_be_visible()
    await expect(eve.locator("body")).to_have_attribute("data-live", "on")
    await front.console.admit(offered(front, "p1", "hold:1"))
    row = eve.locator("[data-row]", has_text="the course begins sooner")
    await expect(row).to_contain_text("open until 09:50")
    await eve.keyboard.press("j")
    await expect(row).to_be_focused()
    await eve.keyboard.press("n")
    await expect(row).to_contain_text("Being declined")
    await front.fulfil()
    await expect(row).to_contain_text("Not done")
    await expect(row).to_contain_text("the offer is over or has been answered")


async def test_a_course_is_put_on_the_waitlist_and_taken_off(eve: Page, front: Scene) -> None:
    await front.comes("p1", "Mara Winter", WEEKLY)
    await eve.goto("/waiting/offers")
    await eve.get_by_label("Put on the waitlist: patient").fill("mara")
    await eve.get_by_role("button", name="Find").click()
    await eve.get_by_role("button", name="Put on the waitlist").click()
    await expect(eve.get_by_text("Being put on the waitlist")).to_be_visible()
    await front.fulfil()
    row = eve.locator("[data-row]", has_text="waits since")
    await expect(row).to_contain_text("Mara Winter")
    front.passes(timedelta(minutes=1))
    await row.get_by_role("button", name="Take off").click()
    await expect(eve.get_by_text("Being taken off the waitlist")).to_be_visible()
    await front.fulfil()
    await expect(eve.locator("[data-row]", has_text="does not want to be asked")).to_be_visible()
    assert [each["action"] for each in front.asked] == ["wait", "stop-waiting"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_a_phone_is_wide_enough(eve: Page, front: Scene, scheme: str) -> None:
    await front.comes("p1", "Mara Winter")
    await front.console.admit(offered(front, "p1", "hold:1"))
    await eve.goto("/waiting")
    case = await eve.get_by_role("link", name="Find a time").first.get_attribute("href")
    assert case
    for path in ("/waiting", case, "/waiting/offers", "/waiting/offers?q=mara", "/waiting?q=nobody"):
        await eve.goto(path)
        if path == case:
            await expect(eve.locator("#times [data-row]").first).to_be_visible()
        assert await violations(eve, scheme) == [], path
        await eve.set_viewport_size({"width": 390, "height": 800})
        assert await eve.evaluate("document.documentElement.scrollWidth") <= 390, path  # pyright: ignore[reportUnknownMemberType]
        await eve.set_viewport_size({"width": 1280, "height": 800})
    await eve.emulate_media(media="print")
    await expect(eve.get_by_role("button").first).to_be_hidden()
