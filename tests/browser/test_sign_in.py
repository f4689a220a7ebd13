"""Signing in as people do: by the form, in a browser, without a link."""

from playwright.async_api import Browser, expect

from tests.browser.console import Console
from tests.handlers.console_desk import PASSWORD, account_of


async def test_who_knows_the_password_signs_in_by_the_form_and_out_again(browser: Browser, console: Console) -> None:
    page = await browser.new_page(base_url=console.url)
    await page.goto("/sign-in")
    await page.get_by_label("E-mail address").fill(account_of("clinician", console.clinic_id))
    await page.get_by_label("Password").fill("not this one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("don't belong together")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{console.url}/inbox")
    await page.get_by_text("Ada Lindqvist").first.click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{console.url}/sign-in")
    await page.close()
