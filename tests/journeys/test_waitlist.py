"""From a cancellation to the next patient's new appointment: real mail, a signed link, a page, and a rebuild."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.front_desk import FrontDesk, open_front_desk
from tests.journeys.rebuilds import differing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360)]

WEDNESDAY, FRIDAY, MONDAY = (datetime(2026, 3, day, 8, tzinfo=UTC) for day in (4, 6, 9))
NEVER = [{"weekday": day, "start": "07:00", "end": "10:00"} for day in ("MO", "WE", "FR")]


async def test_freed_time_goes_by_mail_and_link_to_who_wants_it_and_a_rebuild_keeps_how_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_front_desk(tmp_path / "home", monkeypatch) as desk:
        for name in ("ann", "bob", "cleo", "dan"):
            await desk.patient(name)
        for name in ("eve", "fay"):
            await desk.patient(name, impossible_times=NEVER)
        assert [start(await desk.appointment(name)) for name in ("ann", "bob", "cleo")] == [WEDNESDAY, FRIDAY, MONDAY]
        await declined_and_expired(desk)
        await accepted(desk)
        await work_queue(desk)
        await rebuilt_and_taken(desk)


async def declined_and_expired(desk: FrontDesk) -> None:
    """Who gains most is asked first, then one more; nobody is moved who did not say yes."""
    assert await desk.cancel("ann") == WEDNESDAY
    assert (await desk.mails("ann"))[-1].event["STATUS"] == "CANCELLED"
    first = (await desk.mails("dan"))[-1]
    assert "Wednesday, 4 March 2026, 08:00" in first.text
    page = await desk.look(first.offer)
    assert (page.status_code, "Yes, I will come" in page.text) == (200, True)
    assert "Thank you" in (await desk.answer(first.offer, "no")).text
    second = (await desk.mails("cleo"))[-1]
    assert "Wednesday, 4 March 2026, 08:00" in second.text
    await desk.later(timedelta(minutes=61))
    assert [(one["patient_id"], one["state"]) for one in await offers(desk)] == [
        ("dan", "declined"),
        ("cleo", "expired"),
    ]
    for link, said in ((first.offer, "You have declined this time"), (second.offer, "This offer is over")):
        late = await desk.answer(link, "yes")
        assert (late.status_code, said in late.text) == (410, True)
    assert [start(await desk.appointment(name)) for name in ("bob", "cleo")] == [FRIDAY, MONDAY]
    assert (await desk.mails("cleo"))[-1] == second, "that an offer is over is no news"


async def accepted(desk: FrontDesk) -> None:
    """The appointment moves, its invitation is renewed, and its old time is offered in turn."""
    before = await desk.appointment("dan")
    invited = next(mail.event for mail in await desk.mails("dan") if mail.invitation)
    assert await desk.cancel("bob") == FRIDAY
    offer = (await desk.mails("dan"))[-1]
    assert "Friday, 6 March 2026, 08:00" in offer.text
    taken = await desk.answer(offer.offer, "yes")
    assert (taken.status_code, "The time is yours" in taken.text) == (200, True)
    after = await desk.appointment("dan")
    assert (after["id"], start(after), after["version"]) == (before["id"], FRIDAY, 2)
    renewed = (await desk.mails("dan"))[-1]
    assert renewed.invitation
    assert renewed.invitation["METHOD"] == "REQUEST"
    assert (renewed.event["UID"], renewed.event["SEQUENCE"]) == (invited["UID"], invited["SEQUENCE"] + 1)
    assert renewed.event["DTSTART"].dt == FRIDAY
    told = len(await desk.mails("dan"))
    assert (await desk.answer(offer.offer, "yes")).status_code == 200
    assert len(await desk.mails("dan")) == told, "a second click changes nothing"
    assert (await desk.look(offer.offer)).status_code == 410
    assert [one["patient_id"] for one in await offers(desk) if one["state"] == "open"] == []


async def work_queue(desk: FrontDesk) -> None:
    """Two sessions have no time: staff dismiss one, and the other stays in the queue; somebody asks to be told."""
    queue = (await desk.ask("/work-queue"))["sessions"]
    assert sorted(item["patient_id"] for item in queue) == ["eve", "fay"]
    eve = next(item for item in queue if item["patient_id"] == "eve")
    path = f"/work-queue/{eve['plan_id']}/{eve['sequence']}/dismiss"
    assert (await desk.do(path, {"reason": "patient-declined"})).is_success
    cleo = (await desk.appointment("cleo"))["plan_id"]
    assert (await desk.do("/waitlist", {"plan_id": cleo, "wanted": True})).is_success


async def rebuilt_and_taken(desk: FrontDesk) -> None:
    """With an offer open, scheduling is rebuilt and swapped; the offer is kept, and its link takes it."""
    assert await desk.cancel("dan") == FRIDAY
    offer = (await desk.mails("cleo"))[-1]
    assert "Friday, 6 March 2026, 08:00" in offer.text
    before, mails = await stands(desk), await desk.clinic.mails()
    rebuilt = await desk.clinic.rebuild("scheduling", swap=True)
    assert differing(rebuilt) == []
    assert await stands(desk) == before
    assert set(before["offers"].values()) == {"declined", "expired", "accepted", "open"}
    assert await desk.clinic.mails() == mails
    mine = await desk.appointment("cleo")
    taken = await desk.answer(offer.offer, "yes")
    assert (taken.status_code, "The time is yours" in taken.text) == (200, True)
    after = await desk.appointment("cleo")
    assert (after["id"], start(after)) == (mine["id"], FRIDAY)
    assert differing(await desk.clinic.rebuild("scheduling")) == []


async def stands(desk: FrontDesk) -> dict[str, Any]:
    """How offers, waitlist and work queue stand."""
    waitlist = await desk.ask("/waitlist")
    return {
        "offers": {one["offer_id"]: one["state"] for one in waitlist["offers"]},
        "waitlist": waitlist,
        "queue": (await desk.ask("/work-queue"))["sessions"],
        "appointments": (await desk.ask("/appointments"))["appointments"],
    }


async def offers(desk: FrontDesk) -> list[Any]:
    found = (await desk.ask("/waitlist"))["offers"]
    return sorted(found, key=lambda one: (one["start"], one["offered_at"]))


def start(appointment: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(appointment["start"])
