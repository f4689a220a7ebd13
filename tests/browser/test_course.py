"""A course's page as clinicians use it, in real Chromium."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved
from shared.events.intake import PatientRegistered
from shared.events.progress import MilestoneReached
from tests.browser.console import Console, violations
from tests.browser.test_inbox import alert
from tests.domain.progress_story import PLAN, Story, adverse_event, apply

IMPROVING = [6, 6, 6, 2, 2, 2, 2, 2, 2]


def story(clinic_id: str) -> list[Fact]:
    """A patient who improves, had a severe adverse event early on, and to whom less care is proposed."""
    told = Story(clinic_id, "patient-1")
    harmed = told.session(1, 6, adverse_events=[adverse_event("ae-1", 3, 0)])
    records = [told.plan(notes=("Gentle needling.",)), harmed, *told.course(IMPROVING[1:], first=2)]
    published = apply(told.patient, records)[1]
    alerts = [alert(told, fact) for fact in published if isinstance(fact, MilestoneReached)]
    contact = {"name": "Mara Winter", "email": "m@example.org"}
    return [
        told.fact(PatientRegistered, contact=contact, recorded_at="2026-01-01T00:00:00Z"),
        *records,
        *published,
        *alerts,
    ]


async def test_an_alert_leads_to_its_course_where_a_proposal_is_approved_live(
    clinician: Page, console: Console
) -> None:
    await console.admit(*story(console.clinic_id))
    await clinician.goto("/inbox")
    await clinician.get_by_role("link", name="Milestone reached: Pain down by 40%").click()
    await clinician.get_by_role("link", name="Timeline, measures and plan").click()
    await expect(clinician.get_by_role("heading", name="Mara Winter")).to_be_visible()
    await expect(clinician.get_by_text("Adverse event, grade 3").first).to_be_visible()
    await expect(clinician.get_by_role("img", name="Pain")).to_be_visible()
    await clinician.get_by_label("Reason (kept with the plan)").fill("Doing well.")
    await clinician.get_by_role("button", name="Approve").click()
    await expect(clinician.get_by_text("Being approved")).to_be_visible()
    (asked,) = await console.asked()
    assert (asked["plan_id"], asked["decided_by"], asked["reason"]) == (PLAN, "st-clinician", "Doing well.")
    await console.admit(PlanAdjustmentApproved.model_validate(asked))
    await expect(clinician.get_by_text("Approved by Ada Lindqvist")).to_be_visible()
    await expect(clinician.get_by_role("heading", name="Proposed: one step less care")).to_have_count(0)


async def test_why_a_milestone_was_reached_opens_in_the_timeline(clinician: Page, console: Console) -> None:
    await console.admit(*story(console.clinic_id))
    await clinician.goto("/courses?q=mara")
    await clinician.get_by_role("link", name="Mara Winter").click()
    await expect(clinician.locator("body")).to_have_attribute("data-live", "on")
    reached = clinician.locator(".timeline li", has_text="Milestone reached").filter(has_text="Pain down by 40%").last
    why = reached.get_by_text("Reached during care on 20 Jan 2026")
    await expect(why).to_have_count(1)
    # A change that comes while it is opened closes it: then once more.
    for _ in range(3):
        if not await why.is_visible():
            await reached.get_by_text("Why").first.click()
            await asyncio.sleep(0.5)
    await expect(why).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_a_course_and_on_the_search(clinician: Page, console: Console, scheme: str) -> None:
    await console.admit(*story(console.clinic_id))
    for path in (f"/courses/{PLAN}", "/courses?q=mara"):
        await clinician.goto(path)
        assert await violations(clinician, scheme) == [], path


async def test_it_fits_a_phone_and_prints_without_buttons(clinician: Page, console: Console) -> None:
    await console.admit(*story(console.clinic_id))
    await clinician.set_viewport_size({"width": 390, "height": 844})
    await clinician.goto(f"/courses/{PLAN}")
    assert await clinician.evaluate("document.documentElement.scrollWidth") <= 390
    await clinician.emulate_media(media="print")
    await expect(clinician.get_by_role("button", name="Approve")).to_be_hidden()
    await expect(clinician.locator(".only-print").first).to_be_visible()
    await expect(clinician.get_by_role("heading", name="Milestones")).to_be_visible()
