"""Who waits for an earlier time, which freed times are offered to whom, and how each offer stands."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from services.console.api import waiting_words
from services.console.api.desk import Desk
from services.console.api.visits import Visit
from services.console.api.waiting_cases import READERS, what_cases_show
from services.console.api.waiting_view import tabs
from services.console.api.waitlist_rows import Waits, freed_times, waits_of, who_waits
from services.console.domain.waiting import end_slot
from services.console.store import courses
from services.console.store.facts import kept

_MOST: Final = 400
_STILL_SHOWN: Final = timedelta(days=1)
"""So long after it, a freed time is still on the page."""


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The page, and the part of it that follows changes."""

    @app.get("/waiting/offers", include_in_schema=False)
    async def page(
        request: Request,
        q: Annotated[str, Query(max_length=100)] = "",
        most: Annotated[int, Query(ge=1, le=_MOST)] = 50,
        part: Annotated[bool, Query()] = False,
    ) -> Response:
        async with desk.visit(request, *READERS) as visit:
            shown = await _shown(visit, q.strip(), most)
            return visit.page("parts/waitlist.html" if part else "waitlist.html", **shown)


async def _shown(visit: Visit, words: str, most: int) -> dict[str, Any]:
    now = visit.desk.running.clock.now()
    times = await freed_times(visit, now - _STILL_SHOWN, most)
    waits = await who_waits(visit, most)
    found = await _found(visit, words, waits) if words else []
    seen = {one.patient_id for time in times for one in time.offered} | {one.patient_id for one in (*waits, *found)}
    await visit.saw("waitlist.listed", seen)
    longest = max(len(waits), sum(len(time.offered) for time in times))
    return {
        "times": times,
        "waits": waits,
        "found": found,
        "q": words,
        "most": most,
        "more": min(_MOST, 2 * most) if longest == most < _MOST else 0,
        **await tabs(visit),
        **what_waitlists_show(visit),
    }


async def _found(visit: Visit, words: str, known: list[Waits]) -> list[Waits]:
    """Courses beside those of the list: they go on, and mostly nobody has said anything of offers yet."""
    listed = {one.plan_id for one in known}
    rows = [row for row in await courses.find(visit.tx, visit.clinic_id, words) if row.episode_id not in listed]
    ends = {end_slot(visit.clinic_id, row.patient_id, row.episode_id): row for row in rows}
    over = await kept(visit.tx, visit.clinic_id, {row.patient_id for row in rows}, ends)
    return await waits_of(visit, [(row.patient_id, row.episode_id) for slot, row in ends.items() if slot not in over])


def what_waitlists_show(visit: Visit) -> dict[str, Any]:
    """What templates of the waitlist need beside the rows."""
    return {
        **what_cases_show(visit),
        "why_offered": waiting_words.WHY_OFFERED,
        "offer_states": waiting_words.OFFER_STATES,
    }
