"""The alert inbox as staff use it, in real Chromium."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from shared.alerting import alert_about
from shared.events.base import Fact
from shared.events.intake import PatientRegistered
from shared.events.notifications import AlertAcknowledged, AlertAssigned, AlertRaised
from shared.events.progress import MilestoneReached
from stride.embedded.ports import LOOPBACK
from tests.browser.console import Console, violations
from tests.domain.progress_story import Story, apply, at
from tests.domain.test_console_weekly import FALLING
from tests.faults.proxy import Proxy


def story(clinic_id: str, number: int = 1, name: str = "Mara Winter") -> list[Fact]:
    """A patient whose pain falls, with what progress says of it, and alerts of the milestones."""
    told = Story(clinic_id, f"patient-{number}")
    facts: list[Fact] = [
        told.fact(PatientRegistered, contact={"name": name, "email": "m@example.org"}, recorded_at=at(0)),
        told.plan(f"plan-{number}"),
    ]
    sessions = [
        told.session(nth, value, day=(nth - 1) * 2, plan_id=f"plan-{number}") for nth, value in enumerate(FALLING, 1)
    ]
    published = apply(told.patient, [facts[1], *sessions])[1]
    raised = [alert(told, fact) for fact in published if isinstance(fact, MilestoneReached)]
    return [*facts, *sessions, *published, *raised]


def alert(told: Story, fact: MilestoneReached) -> AlertRaised:
    return AlertRaised(
        clinic_id=told.clinic_id,
        patient_id=told.patient_id,
        alert_id=alert_about(fact.event_id),
        kind="milestone",
        severity="info",
        plan_id=fact.plan_id,
        owner="st-clinician",
        title=f"Milestone reached: {fact.title or fact.milestone}",
        raised_at=at(59),
    )


def critical(clinic_id: str, number: int = 9) -> AlertRaised:
    return AlertRaised(
        clinic_id=clinic_id,
        patient_id="patient-1",
        alert_id=f"al-{number}",
        kind="adverse-event",
        severity="critical",
        title="Adverse event reported, grade 3",
        raised_at=at(59.9),
    )


async def test_an_alert_appears_by_itself_is_opened_and_taken(clinician: Page, console: Console) -> None:
    await clinician.goto("/inbox")
    await expect(clinician.get_by_text("Nothing to do")).to_be_visible()
    await expect(clinician.locator("body")).to_have_attribute("data-live", "on")
    facts = story(console.clinic_id)
    await console.admit(*facts)
    row = clinician.get_by_role("listitem", name="info: Milestone reached: Pain down by 40%")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("Mara Winter")
    await row.get_by_role("link", name="Milestone reached: Pain down by 40%").click()
    await expect(clinician.get_by_role("heading", name="What it rests on")).to_be_visible()
    await expect(clinician.get_by_text("Reached during care")).to_be_visible()
    await expect(clinician.get_by_role("img")).to_be_visible()
    await clinician.get_by_role("button", name="Take", exact=True).click()
    await expect(clinician.get_by_text("Being taken")).to_be_visible()
    (asked,) = await console.asked()
    assert (asked["action"], asked["requested_by"], asked["revision"]) == ("acknowledge", "st-clinician", 1)
    taken = {"acknowledged_by": "st-clinician", "acknowledged_at": at(60), "revision": 2}
    await console.admit(
        Story(console.clinic_id, "patient-1").fact(AlertAcknowledged, alert_id=asked["alert_id"], **taken)
    )
    await expect(clinician.locator("#alert")).to_contain_text("Taken")


async def test_alerts_are_handled_by_keys_alone(clinician: Page, console: Console) -> None:
    await console.admit(*story(console.clinic_id), critical(console.clinic_id))
    await clinician.goto("/inbox")
    await clinician.keyboard.press("?")
    await expect(clinician.get_by_role("dialog")).to_contain_text("Next, previous alert")
    await clinician.keyboard.press("Escape")
    await expect(clinician.get_by_role("dialog")).to_have_count(0)
    await clinician.keyboard.press("j")
    first = clinician.locator("[data-row]").first
    await expect(first).to_be_focused()
    await expect(first).to_contain_text("Adverse event reported, grade 3")
    await clinician.keyboard.press("t")
    await expect(first).to_contain_text("Being taken")
    await clinician.keyboard.press("j")
    await clinician.keyboard.press("e")
    await expect(clinician.locator("[data-row]").nth(1)).to_contain_text("Being closed")
    assert [one["action"] for one in await console.asked()] == ["acknowledge", "resolve"]
    await clinician.keyboard.press("/")
    await clinician.keyboard.type("winter")
    await clinician.keyboard.press("Enter")
    await expect(clinician).to_have_url(f"{console.url}/inbox?folder=to-do&q=winter&severity=")
    await clinician.locator("h1").click()
    await clinician.keyboard.press("g")
    await clinician.keyboard.press("c")
    await expect(clinician).to_have_url(f"{console.url}/clinic")


async def test_an_alert_is_handed_on_put_off_and_found_again(clinician: Page, console: Console) -> None:
    await console.admit(*story(console.clinic_id))
    await clinician.goto("/inbox?q=pain")
    row = clinician.locator("[data-row]")
    await expect(row).to_have_count(1)
    await row.locator("summary").click()
    await row.get_by_label("Hand on to").select_option(label="Eve Marsh")
    await row.get_by_role("button", name="Hand on", exact=True).click()
    await expect(row).to_contain_text("Being handed on")
    (wanted,) = await console.asked()
    handed = {"revision": 2, "owner": "st-front-desk", "assigned_by": "st-clinician", "assigned_at": at(60)}
    told = Story(console.clinic_id, "patient-1")
    await console.admit(told.fact(AlertAssigned, alert_id=wanted["alert_id"], **handed))
    await expect(row).to_contain_text("Eve Marsh")
    await row.locator("summary").click()
    await row.get_by_label("Put it off").select_option(label="In 3 days at 8")
    await row.get_by_role("button", name="Put it off", exact=True).click()
    await expect(row).to_contain_text("Being put off")
    assigned, snoozed = await console.asked()
    assert (assigned["owner"], snoozed["revision"]) == ("st-front-desk", 2)
    assert snoozed["until"].startswith((at(60) + timedelta(days=3)).date().isoformat())
    await clinician.goto("/inbox?q=nobody")
    await expect(clinician.get_by_text("No alert matches.")).to_be_visible()


async def test_eight_tabs_share_one_stream_and_all_stay_live(browser: Browser, console: Console) -> None:
    async with console.as_(browser, "clinician") as context:
        opened: list[str] = []
        context.on("request", lambda request: opened.append(request.url))
        tabs = [await context.new_page() for _ in range(8)]
        for tab in tabs:
            await tab.goto("/inbox")
            await expect(tab.locator("body")).to_have_attribute("data-live", "on")
        assert len([url for url in opened if url.endswith("/live")]) == 1
        await tabs[0].close()
        await console.admit(critical(console.clinic_id))
        for tab in tabs[1:]:
            await expect(tab.get_by_text("Adverse event reported, grade 3").first).to_be_visible()
        assert len([url for url in opened if url.endswith("/live")]) == 2


async def test_a_stream_that_broke_is_taken_up_again_and_nothing_is_missed(browser: Browser, console: Console) -> None:
    reported = "Adverse event reported, grade 3"
    async with Proxy(int(console.url.rpartition(":")[2])) as wire:
        through = replace(console, url=f"http://{LOOPBACK}:{wire.port}")
        async with through.as_(browser, "clinician") as context:
            page = await context.new_page()
            await page.goto("/inbox")
            await expect(page.locator("body")).to_have_attribute("data-live", "on")
            await wire.refuse()
            await console.admit(critical(console.clinic_id))
            await asyncio.sleep(1)
            await expect(page.get_by_text(reported)).to_have_count(0)
            await wire.heal()
            await expect(page.get_by_text(reported).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible(browser: Browser, console: Console, scheme: str) -> None:
    facts = story(console.clinic_id)
    await console.admit(*facts, critical(console.clinic_id))
    alert_id = next(fact.alert_id for fact in facts if isinstance(fact, AlertRaised))
    pages = {
        "clinician": ("/inbox", "/inbox?folder=resolved", f"/inbox/{alert_id}", "/clinic"),
        "auditor": ("/audit", "/nowhere"),
    }
    found: list[str] = []
    for role, paths in pages.items():
        async with console.as_(browser, role) as context:
            page = await context.new_page()
            for path in paths:
                await page.goto(path)
                found += await violations(page, scheme)
            await page.keyboard.press("?")
            found += await violations(page, scheme)
    stranger = await browser.new_page(base_url=console.url)
    await stranger.goto("/sign-in")
    found += await violations(stranger, scheme)
    await stranger.close()
    assert found == []
