"""The settings in real Chromium: how the console looks, which keys there are, and where somebody is signed in."""

from playwright.async_api import Browser, Page, expect

from tests.browser.console import Console, violations
from tests.browser.test_inbox import story
from tests.handlers.console_desk import account_of


async def test_settings_are_reached_from_the_menu_and_change_language_and_colours(clinician: Page) -> None:
    await clinician.goto("/inbox")
    await clinician.get_by_text("Ada Lindqvist").first.click()
    await clinician.get_by_role("link", name="Settings").click()
    content = clinician.locator("#content")
    await expect(content.get_by_role("heading", name="Settings")).to_be_visible()
    await content.get_by_label("Language").select_option("de")
    await content.get_by_label("Colours").select_option("dark")
    await content.get_by_role("button", name="Use these").click()
    await expect(content.get_by_role("heading", name="Einstellungen")).to_be_visible()
    await expect(clinician.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(content).to_contain_text("Bis morgen zurückstellen")
    await expect(content).to_contain_text("Termin finden")
    for scheme in ("light", "dark"):
        assert await violations(clinician, scheme) == []


async def test_who_reads_german_reads_alerts_charts_and_courses_in_german(clinician: Page, console: Console) -> None:
    await console.admit(*story(console.clinic_id))
    await clinician.goto("/settings")
    await clinician.locator("#content").get_by_label("Language").select_option("de")
    await clinician.locator("#content").get_by_role("button", name="Use these").click()
    await clinician.goto("/inbox")
    await clinician.get_by_role("link", name="Meilenstein erreicht: Pain down by 40%").first.click()
    await expect(clinician.get_by_role("heading", level=1)).to_contain_text("Meilenstein erreicht:")
    await expect(clinician.locator("figure .chart")).to_contain_text("vor der Behandlung")
    await clinician.goto("/clinic")
    await expect(clinician.locator("figure .chart").first).to_contain_text("Besserung bis Sitzung 12")
    await expect(clinician.locator("#content")).not_to_contain_text("Week of")
    await clinician.goto("/courses/plan-1")
    await expect(clinician.get_by_role("heading", level=1)).to_contain_text("Mara Winter")


async def test_somebody_signs_out_everywhere_and_is_told_how_to_get_a_new_password(
    browser: Browser, console: Console
) -> None:
    async with console.as_(browser, "front-desk") as here, console.as_(browser, "front-desk") as elsewhere:
        page, other = await here.new_page(), await elsewhere.new_page()
        await page.goto("/settings")
        rows = page.get_by_role("row")
        await expect(rows.filter(has_text="This one")).to_have_count(1)
        await expect(rows.filter(has_text="Another one")).to_have_count(1)
        await expect(page.locator("#content")).to_contain_text(
            f"stride account reset {account_of('front-desk', console.clinic_id)}"
        )
        await expect(page.locator("#content")).to_contain_text("The patient accepts the offer")
        await page.get_by_role("button", name="Sign out everywhere").click()
        await expect(page).to_have_url(f"{console.url}/sign-in")
        await other.goto("/settings")
        await expect(other).to_have_url(f"{console.url}/sign-in")
