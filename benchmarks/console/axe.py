"""axe-core, run in the page itself: what is wrong with it for people who can't see, point or tell colours apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

_SCRIPT: Final = Path(__file__).parent / "vendor" / "axe.min.js"


async def violations(page: Page, scheme: str) -> list[str]:
    """What it finds on the page as it is, in light or dark."""
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if await page.evaluate("typeof axe === 'undefined'"):
        await page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    found: Sequence[dict[str, Any]] = await page.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']} ({scheme}): {node['html'][:200]}" for one in found for node in one["nodes"]]
