"""What waits at the front desk, through the console's real door on PostgreSQL: who sees it, what is asked for."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.console.store import waiting
from shared.events.base import Fact
from shared.events.intake import PatientRegistered, PlanEnded
from shared.events.scheduling import (
    AppointmentBooked,
    DeskActionAnswered,
    WaitlistAnswered,
    WaitlistChanged,
    WaitlistOffered,
    WorkQueueChanged,
)
from shared.messaging.door import Door
from tests.domain.progress_story import PLAN, Story, at
from tests.handlers.console_desk import HTML, admit, as_, csrf_of, sign_in
from tests.handlers.test_console_course import handed_in

CASE = f"/waiting/cases/{PLAN}/4"


def story(clinic_id: str, number: int = 1) -> Story:
    return Story(clinic_id, f"patient-{number}")


def registered(told: Story, name: str = "Mara Winter") -> Fact:
    return told.fact(PatientRegistered, contact={"name": name, "email": "m@example.org"}, recorded_at=at(0))


def queue(told: Story, revision: int, *sequences: int, plan_id: str = PLAN) -> WorkQueueChanged:
    waiting = [
        {"sequence": each, "earliest": at(58), "latest": at(65), "reason": "fully-booked", "detail": "All are taken."}
        for each in sequences
    ]
    more = {"plan_id": plan_id, "revision": revision, "waiting": waiting, "changed_at": at(50 + revision)}
    return told.fact(WorkQueueChanged, **more)


def wish(told: Story, request: str, *, wanted: bool, day: float = 50, plan_id: str = PLAN) -> WaitlistChanged:
    return told.fact(WaitlistChanged, request_id=request, plan_id=plan_id, wanted=wanted, recorded_at=at(day))


def booked(told: Story, sequence: int, day: float) -> AppointmentBooked:
    fields = {
        "appointment_id": f"ap-{sequence}", "appointment_version": 1, "plan_id": PLAN, "plan_version": 1,
        "sequence": sequence, "start": at(day), "end": at(day) + timedelta(minutes=45), "practitioner_id": "pr-ben",
        "room_id": "room-1", "booking_id": "b-1", "booking_size": 3,
    }  # fmt: skip
    return told.fact(AppointmentBooked, **fields)


def offer(told: Story, name: str = "hold:1", *, days: float = 61, **more: Any) -> WaitlistOffered:
    fields = {
        "offer_id": name, "plan_id": PLAN, "sequence": 4, "start": at(days), "end": at(days) + timedelta(minutes=45),
        "practitioner_id": "pr-ben", "room_id": "room-1", "offered_at": at(60) - timedelta(minutes=20),
        "expires_at": at(60) + timedelta(minutes=40), "round": 1, "why": "first-session",
    }  # fmt: skip
    return told.fact(WaitlistOffered, **{**fields, **more})


def said(told: Story, name: str = "hold:1", answer: str = "accepted") -> WaitlistAnswered:
    return told.fact(WaitlistAnswered, offer_id=name, plan_id=PLAN, sequence=4, answer=answer, answered_at=at(60))


def answered(told: Story, request: str, outcome: str = "refused", *, hours: int = 0, **more: Any) -> DeskActionAnswered:
    fields = {
        "request_id": request, "action": "book", "plan_id": PLAN, "sequence": 4, "requested_by": "st-front-desk",
        "outcome": outcome, "reasons": ("practitioner-taken",) if outcome == "refused" else (),
        "answered_at": at(60) + timedelta(hours=hours),
    }  # fmt: skip
    return told.fact(DeskActionAnswered, **{**fields, **more})


async def rows(door: Door, clinic_id: str) -> dict[str, list[Any]]:
    async with door.engine.connect() as tx:
        return {
            table: [
                tuple(row)
                for row in await tx.execute(
                    text(f"SELECT * FROM {table} WHERE clinic_id = :c ORDER BY 1, 2, 3"), {"c": clinic_id}
                )
            ]
            for table in ("work_queue", "waitlist", "offer", "desk_answer")
        }


def orders(told: Story) -> Sequence[Sequence[Fact]]:
    facts = [
        queue(told, 1, 4, 5),
        queue(told, 2, 5),
        wish(told, "w1", wanted=True),
        wish(told, "w2", wanted=False, day=51),
        offer(told),
        said(told),
        answered(told, "r1"),
        answered(told, "r2", "done", hours=1),
    ]
    chosen = list(permutations(facts))[:: 40320 // 7]
    return [order for order in chosen if order]


async def test_in_any_order_and_repeated_the_same_rows_stand(door: Door, clinic_id: str) -> None:
    seen: list[dict[str, list[Any]]] = []
    for number, order in enumerate(orders(story(clinic_id))):
        told = story(f"{clinic_id}-{number}")
        renamed = [fact.model_copy(update={"clinic_id": told.clinic_id}) for fact in order]
        for fact in renamed:
            await admit(door, [fact])
        await admit(door, renamed)
        found = await rows(door, told.clinic_id)
        ids = {"end_slot"}
        assert ids
        seen.append({table: [row[1:] for row in kept] for table, kept in found.items()})
        seen[-1]["waitlist"] = [row[:-1] for row in seen[-1]["waitlist"]]
    assert all(one == seen[0] for one in seen)
    assert (seen[0]["work_queue"][0][2], seen[0]["work_queue"][0][3]) == (2, 1)
    assert seen[0]["offer"][0][-2] == "accepted"


async def test_the_front_desk_sees_sessions_without_a_time_in_plain_words(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    told = story(clinic_id)
    await admit(door, [registered(told), told.plan(), queue(told, 1, 4, 5)])
    await sign_in(client, door, "front-desk", clinic_id)
    page = (await client.get("/waiting", headers=HTML)).text
    for words in ("Mara Winter", "session 4", "session 5", "All who could treat, all rooms or the patient are taken"):
        assert words in page
    assert "<style" not in page
    assert " style=" not in page
    german = (await client.get("/waiting", headers={**HTML, "accept-language": "de"})).text
    assert "Sitzungen ohne Termin" in german
    assert "Mara Winter" in (await client.get("/waiting?q=wint", headers=HTML)).text
    assert "Mara Winter" not in (await client.get("/waiting?q=nobody", headers=HTML)).text
    part = (await client.get("/waiting?part=true", headers=HTML)).text
    assert "<html" not in part
    await admit(door, [queue(told, 2)])
    assert "Every session has a time" in (await client.get("/waiting", headers=HTML)).text


@pytest.mark.parametrize(
    ("token", "status"), [("front-desk", 200), ("clinician", 200), ("operator", 403), ("auditor", 403)]
)
async def test_only_staff_who_book_see_it(
    client: httpx.AsyncClient, door: Door, *, clinic_id: str, token: str, status: int
) -> None:
    told = story(clinic_id)
    await admit(door, [registered(told), told.plan(), queue(told, 1, 4)])
    for path in ("/waiting", CASE, "/waiting/offers"):
        assert (await client.get(path, headers=as_(token, "text/html"))).status_code == status
    assert (await client.get(CASE, headers=as_("stranger", "text/html"))).status_code == 404
    assert "Mara Winter" not in (await client.get("/waiting", headers=as_("stranger", "text/html"))).text


async def test_a_time_is_booked_once_however_often_it_is_pressed_and_shown_until_it_is_answered(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    told = story(clinic_id)
    await admit(door, [registered(told), told.plan(), queue(told, 1, 4)])
    await sign_in(client, door, "front-desk", clinic_id)
    form = {"csrf": await csrf_of(client, CASE), "slot": "2026-06-01T09:00:00Z pr-ben room-1"}
    assert (await client.post(f"{CASE}/book", data={**form, "csrf": ""}, headers=HTML)).status_code == 403
    assert (await client.post(f"{CASE}/book", data={**form, "slot": "soon"}, headers=HTML)).status_code == 422
    for _ in range(2):
        assert (await client.post(f"{CASE}/book", data=form, headers=HTML)).status_code == 303
    first, second = await handed_in(door, clinic_id)
    assert first["request_id"] == second["request_id"]
    expected = {"action": "book", "plan_id": PLAN, "sequence": 4, "practitioner_id": "pr-ben", "room_id": "room-1"}
    assert expected.items() <= first.items()
    assert first["requested_by"] == "st-front-desk"
    assert "Being booked" in (await client.get("/waiting", headers=HTML)).text
    await admit(door, [answered(told, first["request_id"])])
    refused = (await client.get(CASE, headers=HTML)).text
    assert "the practitioner has been booked meanwhile" in refused
    assert "Being booked" not in refused
    await client.post(f"{CASE}/book", data=form, headers=HTML)
    assert (await handed_in(door, clinic_id))[-1]["request_id"] != first["request_id"], "asked again after a no"
    await admit(door, [answered(told, "other", "done", hours=1), queue(told, 2)])
    over = (await client.get(CASE, headers=HTML)).text
    assert "Nothing is open here" in over
    assert (await client.post(f"{CASE}/book", data=form, headers=HTML)).status_code == 422


async def test_it_is_booked_by_a_wish_or_settled_with_the_patient(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    told = story(clinic_id)
    await admit(door, [registered(told), told.plan(), queue(told, 1, 4, 5)])
    await sign_in(client, door, "front-desk", clinic_id)
    csrf = {"csrf": await csrf_of(client, CASE)}
    wished = {"not_before": "2026-06-01", "start": "09:00", "end": "12:00", "weekday-MO": "on", "practitioner_id": ""}
    assert (await client.post(f"{CASE}/book-by-wish", data={**csrf, **wished}, headers=HTML)).status_code == 303
    (asked,) = await handed_in(door, clinic_id)
    assert asked["wish"] == {"not_before": "2026-06-01", "weekdays": ["MO"], "start": "09:00:00", "end": "12:00:00"}
    for wrong in ({"start": "noon"}, {"start": "13:00"}, {"not_after": "2026-05-01"}):
        refused = await client.post(f"{CASE}/book-by-wish", data={**csrf, **wished, **wrong}, headers=HTML)
        assert refused.status_code == 422
    other = CASE.replace("/4", "/5")
    assert (await client.post(f"{other}/give-up", data={**csrf, "reason": "x"}, headers=HTML)).status_code == 422
    settled = {**csrf, "reason": "patient-declined"}
    assert (await client.post(f"{other}/give-up", data=settled, headers=HTML)).status_code == 303
    assert (await handed_in(door, clinic_id))[-1]["reason"] == "patient-declined"
    async with door.engine.connect() as tx:
        actions = await tx.scalars(
            text("SELECT action FROM audit WHERE clinic_id = :c ORDER BY number"), {"c": clinic_id}
        )
        assert {"waiting.viewed", "waiting.book-by-wish", "waiting.give-up"} <= set(actions)


async def test_offers_show_who_was_asked_and_how_each_stands(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    first, second = story(clinic_id), story(clinic_id, 2)
    facts = [registered(first), first.plan(), registered(second, "Otto Berg"), second.plan("plan-2")]
    over = offer(first, expires_at=at(60) - timedelta(minutes=5), offered_at=at(60) - timedelta(hours=1))
    await admit(door, [*facts, over, offer(second, "hold:2", plan_id="plan-2", round=2)])
    await sign_in(client, door, "front-desk", clinic_id)
    page = (await client.get("/waiting/offers", headers=HTML)).text
    assert page.index("Mara Winter") < page.index("Otto Berg")
    for words in ("not answered in time", "open until", "the course begins sooner"):
        assert words in page
    csrf = {"csrf": await csrf_of(client, "/waiting/offers")}
    assert (await client.post("/waiting/offers/hold:1/accept-offer", data=csrf, headers=HTML)).status_code == 422
    assert (await client.post("/waiting/offers/none/accept-offer", data=csrf, headers=HTML)).status_code == 404
    assert (await client.post("/waiting/offers/hold:2/accept-offer", data=csrf, headers=HTML)).status_code == 303
    (asked,) = await handed_in(door, clinic_id)
    assert {"action": "accept-offer", "offer_id": "hold:2", "sequence": 4, "plan_id": "plan-2"}.items() <= asked.items()
    assert "Being accepted" in (await client.get("/waiting/offers", headers=HTML)).text
    await admit(door, [said(second, "hold:2")])
    assert "accepted" in (await client.get("/waiting/offers", headers=HTML)).text


async def test_a_course_is_put_on_the_waitlist_and_taken_off_until_it_is_over(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    told = story(clinic_id)
    await admit(door, [registered(told), told.plan()])
    await sign_in(client, door, "front-desk", clinic_id)
    found = (await client.get("/waiting/offers?q=winter", headers=HTML)).text
    assert "Put on the waitlist<" in found
    csrf = {"csrf": await csrf_of(client, "/waiting/offers?q=winter")}
    assert (await client.post(f"/waiting/courses/{PLAN}/wait", data=csrf, headers=HTML)).status_code == 303
    (asked,) = await handed_in(door, clinic_id)
    assert (asked["action"], asked["plan_id"]) == ("wait", PLAN)
    await admit(door, [wish(told, "w1", wanted=True)])
    listed = (await client.get("/waiting/offers", headers=HTML)).text
    assert "waits since" in listed
    assert (await client.post(f"/waiting/courses/{PLAN}/stop-waiting", data=csrf, headers=HTML)).status_code == 303
    assert (await handed_in(door, clinic_id))[-1]["action"] == "stop-waiting"
    assert (await client.post("/waiting/courses/none/wait", data=csrf, headers=HTML)).status_code == 404
    await admit(door, [told.fact(PlanEnded, plan_id=PLAN, reason="completed", ended_at=at(59))])
    over = (await client.get("/waiting/offers", headers=HTML)).text
    assert "waits since" not in over
    assert "No other course of such a patient" in (await client.get("/waiting/offers?q=winter", headers=HTML)).text


async def test_offers_of_another_clinic_are_nobodys_here(door: Door, clinic_id: str) -> None:
    told = story(clinic_id)
    await admit(door, [offer(told)])
    async with door.engine.connect() as tx:
        assert await waiting.offer(tx, "elsewhere", "hold:1") is None
        assert await waiting.offer(tx, clinic_id, "hold:1") is not None
        stored = await tx.scalar(text("SELECT payload::text FROM fact WHERE clinic_id = :c"), {"c": clinic_id})
        assert json.loads(stored or "{}")["offer_id"] == "hold:1"


async def test_the_waitlist_shows_some_rows_at_first_and_when_each_patient_comes_next(
    client: httpx.AsyncClient, door: Door, clinic_id: str
) -> None:
    first, second = story(clinic_id), Story(clinic_id, "p2")
    await admit(door, [registered(first), first.plan(), wish(first, "w1", wanted=True)])
    await admit(
        door,
        [
            registered(second, "Otto Berg"),
            second.plan("plan-2"),
            wish(second, "w2", wanted=True, day=55, plan_id="plan-2"),
        ],
    )
    await admit(door, [booked(first, 1, day=59), booked(first, 3, day=64), booked(first, 2, day=62)])
    await sign_in(client, door, "front-desk", clinic_id)
    page = (await client.get("/waiting/offers", headers=HTML)).text
    assert f"{at(62):%a %-d %b %Y, %H:%M}" in page.split("next appointment")[1]
    assert page.count("no appointment is booked") == 1
    assert "Show more" not in page
    short = (await client.get("/waiting/offers?most=1", headers=HTML)).text
    assert (short.count("waits since"), "most=2" in short) == (1, True)
    found = (await client.get("/waiting/offers?most=1&q=otto", headers=HTML)).text
    assert found.count("waits since") == 2
