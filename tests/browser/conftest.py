"""One browser for all tests here, and a console with a clinic of its own for each."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from benchmarks.console.chromium import chromium, installed
from shared.clock import FileClock
from shared.database import open_engine
from shared.settings import ROOT
from tests.browser.console import Console, serving
from tests.browser.waiting_scene import Scene, scene
from tests.domain.progress_story import at
from tests.handlers.console_desk import ROLES, door_of

expect.set_options(timeout=20_000)
"""A busy machine is slow: what does not come at all fails, what comes late does not."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """Real Chromium."""
    if installed() is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def console(database_url: str, clinic_id: str, tmp_path: Path) -> AsyncGenerator[Console]:
    """A console of an empty clinic, on day 60 of `progress_story`."""
    engine = open_engine(database_url, "console")
    door = door_of(engine, FileClock.create(tmp_path / "clock", at(60)))
    async with serving(door, clinic_id, tmp_path, clinic_file(tmp_path / "clinics", clinic_id)) as running:
        yield running
    await engine.dispose()


def clinic_file(folder: Path, clinic_id: str) -> Path:
    """The clinic as a file: riverside's, under this id and with the tests' staff."""
    folder.mkdir()
    staff = "\n".join(
        f"  - {{id: st-{role}, name: {name}, email: {role}@{clinic_id}.example, roles: [{role}]}}"
        for role, name in zip(ROLES, ("Ada Lindqvist", "Eve Marsh", "Omar Haddad", "Ivy Chen"), strict=True)
    )
    head, _, rest = (ROOT / "clinics" / "riverside.yaml").read_text(encoding="utf-8").partition("staff:\n")
    _, _, tail = rest.partition("roster:\n")
    for role in ("clinician", "front-desk", "operator"):
        tail = "\n".join(
            f"  {role}: [st-{role}]" if line.startswith(f"  {role}:") else line for line in tail.splitlines()
        )
    named = head.replace("clinic_id: riverside", f"clinic_id: {clinic_id}")
    (folder / f"{clinic_id}.yaml").write_text(f"{named}staff:\n{staff}\nroster:\n{tail}\n")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def clinician(browser: Browser, console: Console) -> AsyncGenerator[Page]:
    """A page of a clinician who has signed in; it may ask no other host for anything."""
    async with console.as_(browser, "clinician") as context:
        page = await context.new_page()
        strangers: list[str] = []
        page.on("request", lambda request: strangers.append(request.url) if not _own(request.url, console) else None)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        yield page
        assert strangers == []
        assert errors == []


def _own(url: str, console: Console) -> bool:
    return url.startswith((console.url, "data:", "about:"))


@pytest_asyncio.fixture(loop_scope="session")
async def front(database_url: str, clinic_id: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    async with scene(database_url, clinic_id, tmp_path, clinic_file(tmp_path / "clinics", clinic_id)) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def eve(browser: Browser, front: Scene) -> AsyncGenerator[Page]:
    """A page of the front desk."""
    async with front.console.as_(browser, "front-desk") as context:
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert errors == []
