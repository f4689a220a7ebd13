"""The waitlist: freed time is offered to one patient after another, and goes to exactly one of them."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.inbound.holds import sweep_holds
from services.scheduling.inbound.offers import Offers
from shared.clinics import Clinic
from shared.events.calendars import CalendarChanged, Closure, ResourceName
from shared.events.clinical import Phase
from shared.links import Signer
from tests.domain.scheduling_examples import NOW, change, ended, plan
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic
from tests.handlers.scheduling_http import as_, open_http

ONCE = Phase(name="once", sessions_per_week=1, weeks=1, min_gap_days=1, max_gap_days=9)
MONDAY = date(2026, 3, 9)
_ONE_AT_A_TIME = {day: [{"start": "08:00", "end": "09:00"}] for day in ("MO", "WE", "FR")}


def at_eight(days: int) -> datetime:
    """So many days after that Monday."""
    return datetime.combine(MONDAY + timedelta(days=days), time(8), tzinfo=NOW.tzinfo)


class Front:
    """A clinic with one session a day, three patients on Monday, Wednesday and Friday, and what makes offers."""

    def __init__(self, desk: Desk, clinic: Clinic, http: httpx.AsyncClient, signer: Signer) -> None:
        self.desk, self.clinic, self.http, self.signer = desk, clinic, http, signer

    async def offer(self) -> list[Any]:
        """Let offers be made, and give all there are, oldest first."""
        await sweep_holds(self.desk.door)
        await Offers(self.desk.door, {self.clinic.clinic_id: self.clinic}).make()
        return await self.desk.rows(
            "SELECT * FROM hold WHERE clinic_id = :clinic AND offered_at IS NOT NULL ORDER BY offered_at, hold_id"
        )

    async def first(self, patient: str) -> Any:
        return next(row for row in await self.desk.appointments(patient) if row.status == "booked")

    def link(self, offer: Any) -> str:
        return "/o/" + self.signer.offer_token(self.clinic.clinic_id, offer.patient_id, offer.hold_id, offer.start_at)

    async def answer(self, offer: Any, said: str, **headers: str) -> httpx.Response:
        return await self.http.post(self.link(offer), data={"answer": said}, headers=headers)


@pytest_asyncio.fixture(loop_scope="session")
async def front(engine: AsyncEngine, clinic_id: str, tmp_path: Path) -> AsyncGenerator[Front]:
    policy = {"open_minutes": 60, "notice_minutes": 120, "at_most": 2}
    clinic = a_clinic(clinic_id, 1, 1, waitlist=policy, hours=_ONE_AT_A_TIME)
    desk = Desk(engine, clinic, Wall())
    for number in (1, 2, 3):
        await desk.take(plan(f"p{number}", [ONCE], clinic=clinic_id, starts_on=MONDAY))
    async with open_http(desk, tmp_path) as http:
        yield Front(desk, clinic, http, Signer.of("", tmp_path / "tokens.json"))


async def cancelled(front: Front, patient: str = "p1") -> Any:
    """The patient gives up the first session."""
    gone = await front.first(patient)
    await front.desk.take(change(gone.id, patient=patient, clinic=front.clinic.clinic_id, rebook=False))
    return gone


async def test_a_cancelled_time_is_offered_to_whom_it_serves_and_who_accepts_moves_there(front: Front) -> None:
    assert await front.offer() == []
    gone = await cancelled(front)
    (offer,) = await front.offer()
    before = await front.first(offer.patient_id)
    assert offer.patient_id == "p3", "who waits longest gains most"
    assert (offer.start_at, offer.moves, offer.sequence) == (gone.start_at, before.id, 1)
    assert offer.expires_at == NOW + timedelta(hours=1)
    assert (await front.desk.published())[-1] == "waitlist.offered"
    assert await front.offer() == [offer], "one offer of a time stands at once"
    page = await front.http.get(front.link(offer))
    assert page.status_code == 200
    assert 'method="post"' in page.text
    assert "Monday, 9 March 2026, 08:00" in page.text
    assert (await front.first(offer.patient_id)).version == 1, "a GET changes nothing"
    taken = await front.answer(offer, "yes")
    assert (taken.status_code, "The time is yours" in taken.text) == (200, True)
    after = await front.first(offer.patient_id)
    assert (after.id, after.start_at, after.version) == (before.id, gone.start_at, 2)
    assert (await front.desk.published())[-3:] == ["slot.requested", "appointment.moved", "waitlist.answered"]
    assert await front.desk.overlaps() == 0
    again = await front.answer(offer, "yes")
    assert again.status_code == 200, "a second click gets the same answer"
    used = await front.http.get(front.link(offer), headers={"accept-language": "de-AT,de;q=0.9"})
    assert (used.status_code, "Sie haben diesen Termin genommen" in used.text) == (410, True)
    assert (await front.answer(offer, "no")).status_code == 410


async def test_the_time_of_who_accepted_is_offered_in_turn(front: Front) -> None:
    await front.http.post("/waitlist", json={"plan_id": "plan-p2"}, headers=as_("desk"))
    await cancelled(front)
    (offer,) = await front.offer()
    assert (offer.patient_id, (await front.answer(offer, "yes")).status_code) == ("p2", 200)
    _, second = sorted(await front.offer(), key=lambda each: each.start_at)
    assert (second.patient_id, second.start_at) == ("p3", at_eight(2))


async def test_who_declines_or_does_not_answer_makes_way_for_the_next_and_after_the_most_nobody_is_asked(
    front: Front,
) -> None:
    await cancelled(front)
    (first,) = await front.offer()
    declined = await front.answer(first, "no")
    assert (declined.status_code, "Thank you" in declined.text) == (200, True)
    (second,) = [each for each in await front.offer() if each.state == "open"]
    assert second.patient_id != first.patient_id
    front.desk.wall.moment += timedelta(hours=1)
    over = await front.http.get(front.link(second))
    assert (over.status_code, "This offer is over" in over.text) == (410, True)
    assert (await front.answer(second, "yes")).status_code == 410
    assert len(await front.offer()) == 2, "two is the most"
    assert await front.desk.rows("SELECT * FROM freed_time WHERE clinic_id = :clinic") == []
    assert (await front.first(first.patient_id)).version == 1


async def test_of_answers_at_once_exactly_one_wins(front: Front, engine: AsyncEngine) -> None:
    await cancelled(front)
    (offer,) = await front.offer()
    staff = as_("desk")
    answers = await asyncio.gather(
        *(front.answer(offer, said) for said in ("yes", "no", "yes", "no")),
        *(front.http.post(f"/offers/{offer.hold_id}", json={"answer": said}, headers=staff) for said in ("yes", "no")),
    )
    moved = (await front.first(offer.patient_id)).version == 2
    yes, no = (answers[0], answers[2], answers[4]), (answers[1], answers[3], answers[5])
    assert {each.status_code for each in (yes if moved else no)} == {200}
    assert {each.status_code for each in (no if moved else yes)} <= {409, 410}
    assert await front.desk.overlaps() == 0


async def test_one_slot_goes_to_the_link_or_to_the_desk_never_to_both(front: Front) -> None:
    gone = await cancelled(front)
    (offer,) = await front.offer()
    find = {"patient": "p1", "plan": "plan-p1", "sequence": "1"}
    found = await front.http.get("/fhir/Appointment/$find", params=find, headers=as_("desk"))
    slots = [entry["resource"] for entry in found.json()["entry"]]
    assert all(slot["start"] != gone.start_at.isoformat().replace("+00:00", "Z") for slot in slots), "it is kept"
    body = slots[0] | {"start": gone.start_at.isoformat(), "end": gone.end_at.isoformat()}
    keyed = as_("desk") | {"Idempotency-Key": "k"}
    booked, taken = await asyncio.gather(
        front.http.post("/fhir/Appointment/$book", json=body, headers=keyed), front.answer(offer, "yes")
    )
    assert (booked.status_code, taken.status_code) == (409, 200)
    assert await front.desk.overlaps() == 0


async def test_leave_that_is_withdrawn_and_a_plan_that_ended_set_time_free(front: Front) -> None:
    def leave(revision: int, *, withdrawn: bool) -> CalendarChanged:
        day = datetime.combine(MONDAY, time(0))
        return CalendarChanged(
            clinic_id=front.clinic.clinic_id,
            calendar_id="leave",
            revision=revision,
            recorded_at=NOW,
            about=ResourceName(kind="practitioner", id="pr-0"),
            closed=(Closure(start=day, end=day + timedelta(days=3), reason="leave"),),
            withdrawn=withdrawn,
        )

    await front.desk.take(leave(1, withdrawn=False))
    assert await front.offer() == []
    await front.desk.take(leave(2, withdrawn=True))
    times = await front.desk.rows("SELECT * FROM freed_time WHERE clinic_id = :clinic ORDER BY start_at")
    assert [row.start_at for row in times] == [at_eight(0), at_eight(2)]
    assert sorted(row.start_at for row in await front.offer()) == [at_eight(0), at_eight(2)]
    mine = await front.first("p3")
    await front.desk.take(ended(at=NOW, patient="p3", clinic=front.clinic.clinic_id))
    freed = await front.desk.rows("SELECT start_at FROM freed_time WHERE clinic_id = :clinic AND 'p3' = ANY(left_by)")
    assert mine.start_at in {row.start_at for row in freed}


async def test_who_does_not_want_offers_gets_none_and_who_asked_comes_first(front: Front) -> None:
    for patient, wanted in (("p2", False), ("p3", True)):
        body = {"plan_id": f"plan-{patient}", "wanted": wanted}
        assert (await front.http.post("/waitlist", json=body, headers=as_("desk"))).status_code == 200
    assert (await front.http.post("/waitlist", json={"plan_id": "no"}, headers=as_("desk"))).status_code == 404
    await cancelled(front)
    (offer,) = await front.offer()
    assert offer.patient_id == "p3"
    shown = (await front.http.get("/waitlist", headers=as_("doctor"))).json()
    assert [(one["patient_id"], one["wanted"]) for one in shown["waiting"]] == [("p2", False), ("p3", True)]
    assert [(one["offer_id"], one["state"]) for one in shown["offers"]] == [(offer.hold_id, "open")]
    assert shown["free_times"][0]["looked_at_again"] == "2026-03-02T10:00:00Z"
    assert (await front.http.get("/waitlist", headers=as_("stranger"))).json()["offers"] == []
    await front.answer(offer, "no")
    front.desk.wall.moment += timedelta(minutes=31)
    assert await front.offer() == await front.offer()
    assert len(await front.offer()) == 1, "p2 is never asked"


async def test_nobody_is_asked_by_night_nor_about_a_time_that_is_too_near(front: Front) -> None:
    gone = await cancelled(front)
    front.desk.wall.moment = datetime(2026, 3, 4, 22, tzinfo=NOW.tzinfo)
    assert await front.offer() == []
    front.desk.wall.moment = datetime(2026, 3, 5, 8, tzinfo=NOW.tzinfo)
    assert len(await front.offer()) == 1
    front.desk.wall.moment = gone.start_at - timedelta(hours=2)
    assert len(await front.offer()) == 1


@pytest.mark.parametrize("token", ["x", "x.y", "bm9ib2R5.c2lnbmVk"])
async def test_a_link_that_nobody_signed_is_answered_kindly(front: Front, token: str) -> None:
    for answer in (await front.http.get(f"/o/{token}"), await front.http.post(f"/o/{token}", data={"answer": "yes"})):
        assert (answer.status_code, "This link is not valid" in answer.text) == (404, True)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
