"""The bench of the console: pages over many courses, facts that become visible, and what a first visit weighs."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from playwright.async_api import Browser, expect

from benchmarks.console.axe import violations
from benchmarks.console.chromium import chromium, installed
from benchmarks.console.ground import CLINIC, COURSE, Ground, ground
from benchmarks.workload import FIRST_DAY, outcomes
from shared.events.notifications import AlertRaised
from shared.schemas import prepare_schemas
from stride.embedded.addresses import External
from stride.embedded.servers import Servers

Figures = dict[str, Any]

PAGES: Final = (
    "/inbox", "/inbox?folder=resolved", "/inbox?folder=all&q=Patient+42", "/inbox?mine=true", "/clinic", "/audit",
    "/calendar", "/calendar?by=room", "/calendar?view=week&of=pr-3", "/calendar/appointments/ap-7-3",
    "/courses?q=Patient+42", f"/courses/{COURSE}", "/waiting", f"/waiting/cases/{COURSE}/3", "/waiting/offers",
    "/waiting/offers?q=Patient+42", "/settings",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured."""

    courses: int
    visits: int
    """Of each page."""
    events: int
    """That become visible, one after the other."""
    facts: int
    """That come at once."""


FULL, QUICK = Sizes(100_000, 30, 30, 20_000), Sizes(5_000, 10, 8, 3_000)
SECTIONS: Final = ("pages", "intake", "browser")


@dataclass(frozen=True, slots=True)
class Run:
    """What the bench needs; `home` is a folder for the server's data."""

    home: Path
    sizes: Sizes
    seed: int
    report: Callable[[str], None]


_ALONE: Final = External(kafka_bootstrap="127.0.0.1:9", smtp="smtp://127.0.0.1:9")
"""PostgreSQL is all that a page needs."""


async def bench(only: Sequence[str], run: Run, begin: Callable[[str], None]) -> Figures:
    """Measure the sections `only`; `begin` hears of each before it starts."""
    load = os.getloadavg()[0]
    found: Figures = {"courses": run.sizes.courses, "pages": len(PAGES)}
    async with Servers(run.home, durable=True, external=_ALONE) as servers:
        await prepare_schemas(servers.addresses.database_url)
        run.report(f"{run.sizes.courses:,} courses")
        async with ground(servers.addresses.database_url, run.home, run.sizes.courses) as place:
            for name in only:
                begin(name)
                found |= await _SECTIONS[name](place, run.sizes, run.seed)
    loads = {"before": round(load, 2), "after": round(os.getloadavg()[0], 2)}
    return {**found, "cores": os.cpu_count(), "load": loads, "python": platform.python_version()}


async def _pages(place: Ground, sizes: Sizes, seed: int) -> Figures:
    """Every page as whole answers over HTTP, in a random order, as a clinician would ask for them."""
    turns = [path for path in PAGES for _ in range(sizes.visits)]
    Random(seed).shuffle(turns)
    async with httpx.AsyncClient(base_url=place.url, follow_redirects=True, timeout=60) as client:
        await client.get(place.link)
        times: dict[str, list[float]] = {path: [] for path in PAGES}
        for path in turns:
            began = time.perf_counter()
            (await client.get(path, headers={"accept": "text/html"})).raise_for_status()
            times[path].append(1000 * (time.perf_counter() - began))
    by_page = {path: round(_p95(taken), 1) for path, taken in times.items()}
    return {
        "page_p95_ms": round(_p95([one for taken in times.values() for one in taken]), 1),
        "p95_ms_by_page": by_page,
    }


async def _intake(place: Ground, sizes: Sizes, seed: int) -> Figures:
    """Facts as they come from Kafka: batches of 500 through the door."""
    facts = list(outcomes(Random(seed), "bench-intake", sizes.facts // 10, sizes.facts))
    began = time.perf_counter()
    for start in range(0, len(facts), 500):
        await place.admit(facts[start : start + 500])
    return {"facts_per_s": round(len(facts) / (time.perf_counter() - began))}


async def _browser(place: Ground, sizes: Sizes, _: int) -> Figures:
    if installed() is None:
        return {"event_to_screen_s": None, "first_visit_kb": None, "axe_violations": None}
    async with chromium() as browser:
        weighed = await _first_visit(browser, place)
        return {**weighed, **await _event_to_screen(browser, place, sizes), **await _axe(browser, place)}


async def _first_visit(browser: Browser, place: Ground) -> Figures:
    """What goes over the wire when somebody comes for the first time, compressed as it is."""
    context = await browser.new_context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    sizes: list[float] = []

    def note(event: dict[str, Any]) -> None:
        sizes.append(event["encodedDataLength"])

    session.on("Network.loadingFinished", note)
    await session.send("Network.enable")
    await page.goto(await place.another_link(), wait_until="load")
    await page.wait_for_timeout(500)
    await context.close()
    return {"first_visit_kb": round(sum(sizes) / 1024, 1)}


async def _event_to_screen(browser: Browser, place: Ground, sizes: Sizes) -> Figures:
    """From the moment that an alert's fact has been fetched until somebody sees it."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(await place.another_link())
    await expect(page.locator("body")).to_have_attribute("data-live", "on")
    taken: list[float] = []
    for number in range(sizes.events):
        alert = AlertRaised(
            clinic_id=CLINIC, patient_id="p-1", alert_id=f"new-{number}", kind="adverse-event", severity="critical",
            title=f"Adverse event number {number}", raised_at=FIRST_DAY,
        )  # fmt: skip
        began = time.perf_counter()
        await place.admit([alert])
        await page.locator(f"#alert-new-{number}").wait_for()
        taken.append(time.perf_counter() - began)
    await context.close()
    return {"event_to_screen_s": round(_p95(taken), 3)}


async def _axe(browser: Browser, place: Ground) -> Figures:
    context = await browser.new_context(base_url=place.url)
    page = await context.new_page()
    await page.goto(await place.another_link())
    found: list[str] = []
    for path in (*PAGES, "/inbox/new-0"):
        for scheme in ("light", "dark"):
            await page.goto(path)
            found += await violations(page, scheme)
    await context.close()
    return {"axe_violations": len(found)}


_SECTIONS: Final = {"pages": _pages, "intake": _intake, "browser": _browser}


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]
