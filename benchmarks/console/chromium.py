"""Chromium, as it is installed on this machine, driven by Playwright's Python package."""

import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def installed(names: Sequence[str] = NAMES) -> str | None:
    """Where it is; None where there is none."""
    return next((path for path in map(shutil.which, names) if path), None)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A browser of its own, in a new profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed(), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
