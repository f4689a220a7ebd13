"""`python -m benchmarks.console.pictures`: photographs the console over a demo, for README and docs/console.md."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from PIL import Image
from playwright.async_api import Browser, BrowserContext, ViewportSize

from benchmarks.console.chromium import chromium
from stride.cli.entrances import links_by_role
from stride.cli.output import Output
from stride.cli.stack import stack_settings
from stride.demo.run import Scenario, prepare_clock, run_scenario
from stride.demo.view import audience
from stride.embedded import External, Stack

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
_SCENARIO: Final = Scenario(patients=24, days=98)
_BUSY_AFTER_SECONDS: Final = 40
_LOOKS_AT_HOUR: Final = 12
_DESK: Final = (1200, 750)
_PHONE: Final = (390, 780)
_SCALE: Final = 1.5
"""Pixels of the picture to one of the page: sharp on most screens, and small as a file."""

_COLOURS: Final = 96


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: who looks at which page, and how."""

    name: str
    role: Literal["clinician", "front-desk", "operator"]
    path: str
    follow: str = ""
    """Words of the link to click from there; empty where the page itself is meant."""

    shows: str = "main"
    """What has to be there before the picture is taken."""

    once: str = ""
    """What comes and goes: in the course of the demo, the picture is taken when this is on the page."""

    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = _DESK


_URGENT: Final = "[data-row].critical"
_BUSY_DAY: Final = ".entry >> nth=9"

SHOTS: Final = (
    Shot("inbox", "clinician", "/inbox", once=_URGENT),
    Shot("inbox-dark", "clinician", "/inbox", once=_URGENT, scheme="dark"),
    Shot("inbox-phone", "clinician", "/inbox", once=_URGENT, size=_PHONE),
    Shot("evidence", "clinician", "/inbox?q=pain", follow="Pain down by 40%", shows="figure .chart"),
    Shot("calendar", "front-desk", "/calendar", once=_BUSY_DAY),
    Shot("calendar-dark", "front-desk", "/calendar?view=week", once=_BUSY_DAY, scheme="dark"),
    Shot("calendar-phone", "front-desk", "/calendar", once=_BUSY_DAY, size=_PHONE),
    Shot("waiting", "front-desk", "/waiting", once="#waiting [data-row] >> nth=2"),
    Shot("waiting-case", "front-desk", "/waiting", "Find a time", "#times [data-row]", once="#waiting [data-row]"),
    Shot("offers", "front-desk", "/waiting/offers", once=".freed form"),
    Shot("clinic", "clinician", "/clinic?weeks=26", shows="figure .chart"),
    Shot("operations", "operator", "/operations", shows=".flow text:text-matches('[1-9].*/s')"),
)


async def main() -> None:
    """Live through the demo; operators look at it while it is busy, clinicians at its end.

    Raises:
        playwright.async_api.TimeoutError: a page does not show what it should.
    """
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="stride-pictures-") as folder:
        home = Path(folder)
        settings = replace(stack_settings(external=External()), durable=False, environment=prepare_clock(home))
        async with Stack(home, settings) as stack, chromium() as browser:
            links = await links_by_role(stack.addresses, home / "secrets")
            seen = {role: await _signed_in(browser, link) for role, link in links.items()}
            with audience(Output(as_json=False).human, _SCENARIO.days) as watching:
                async with asyncio.TaskGroup() as going_on:
                    scenario = run_scenario(_SCENARIO, home, stack.addresses, watching, Lookout(seen))
                    going_on.create_task(scenario)
                    await asyncio.sleep(_BUSY_AFTER_SECONDS)
                    await photograph(seen, "operator")
            for role in ("clinician", "front-desk"):
                await photograph(seen, role)


async def photograph(seen: Mapping[str, BrowserContext], role: str) -> None:
    """Take the pictures of what `role` sees at any time."""
    for shot in SHOTS:
        if shot.role == role and not shot.once:
            await _keep(seen[role], shot)


class Lookout:
    """Looks now and then, between two steps of the demo, for what comes and goes."""

    def __init__(self, seen: Mapping[str, BrowserContext]) -> None:
        self._seen = seen
        self._left = [shot for shot in SHOTS if shot.once]

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        """Take those pictures that can be taken now."""
        if moment.hour == _LOOKS_AT_HOUR:
            self._left = [shot for shot in self._left if not await self._take(shot)]

    async def _take(self, shot: Shot) -> bool:
        page = await self._seen[shot.role].new_page()
        await page.goto(shot.path)
        found = await page.locator(shot.once).count() > 0
        await page.close()
        if found:
            await _keep(self._seen[shot.role], shot)
        return found


async def _signed_in(browser: Browser, link: str) -> BrowserContext:
    """A browser of whoever the link signs in."""
    console = link.partition("/enter/")[0]
    context = await browser.new_context(base_url=console, device_scale_factor=_SCALE)
    entrance = await context.new_page()
    await entrance.goto(link)
    await entrance.close()
    return context


async def _keep(context: BrowserContext, shot: Shot) -> None:
    file = FOLDER / f"{shot.name}.png"
    file.write_bytes(compressed(await _taken(context, shot)))
    print(f"{file.name}: {file.stat().st_size / 1024:.0f} KB")  # noqa: T201  # what it is run for


async def _taken(context: BrowserContext, shot: Shot) -> bytes:
    """What is seen without scrolling."""
    page = await context.new_page()
    await page.set_viewport_size(ViewportSize(width=shot.size[0], height=shot.size[1]))
    await page.emulate_media(color_scheme=shot.scheme)
    await page.goto(shot.path)
    if shot.follow:
        await page.get_by_role("link", name=shot.follow).first.click()
    await page.locator(shot.shows).first.wait_for()
    await page.locator("body[data-live=on]").wait_for()
    picture = await page.screenshot(animations="disabled")
    await page.close()
    return picture


def compressed(png: bytes) -> bytes:
    """The same picture in fewer colours: about a third of the size, and text stays sharp."""
    with Image.open(io.BytesIO(png)) as picture, io.BytesIO() as file:
        few = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(file, "PNG", optimize=True)
        return file.getvalue()


if __name__ == "__main__":
    asyncio.run(main())
