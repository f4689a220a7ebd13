"""The FHIR R4 edge: slots found, held, booked, moved and cancelled, once for each key, and never over another."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome

from services.scheduling.inbound.holds import sweep_holds
from tests.domain.scheduling_examples import WEEKLY, change, plan
from tests.handlers.scheduling_desk import Desk
from tests.handlers.scheduling_http import as_, open_http

FIND = {"patient": "p1", "plan": "plan-p1", "sequence": "1"}
BASE = "/fhir/Appointment"


@pytest_asyncio.fixture(loop_scope="session")
async def http(desk: Desk, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """A clinic where the first session of p1 has been given up, so that it can be booked by hand."""
    await desk.take(plan(phases=[WEEKLY], clinic=desk.clinic_id), plan("p2", [WEEKLY], clinic=desk.clinic_id))
    first = (await desk.appointments())[0]
    await desk.take(change(first.id, clinic=desk.clinic_id, rebook=False))
    async with open_http(desk, tmp_path) as client:
        yield client


def keyed(key: str, token: str = "desk", **more: str) -> dict[str, str]:
    return as_(token) | {"Idempotency-Key": key} | more


async def found(http: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await http.get(f"{BASE}/$find", params=FIND | query, headers=as_("desk"))
    assert answer.status_code == 200, answer.text
    Bundle.model_validate(answer.json())
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def test_what_is_found_can_be_held_and_confirmed_and_keeps_others_out(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    first, *_ = await found(http)
    assert first["status"] == "proposed"
    held = await http.post(f"{BASE}/$hold", json=first, headers=keyed("k1"))
    assert (held.status_code, held.json()["status"], held.headers["etag"]) == (201, "pending", 'W/"1"')
    Appointment.model_validate(held.json())
    assert first not in await found(http)
    taken = await http.post(f"{BASE}/$book", json=first, headers=keyed("k2"))
    assert taken.status_code == 409
    OperationOutcome.model_validate(taken.json())
    (issue,) = taken.json()["issue"]
    assert issue["code"] == "conflict"
    assert "practitioner pr-" in issue["diagnostics"]
    confirmed = await http.post(f"{BASE}/{held.json()['id']}/$confirm", headers=keyed("k3"))
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "booked")
    assert confirmed.json()["start"] == first["start"]
    assert (await desk.published())[-3:] == ["slot.requested", "slot.requested", "appointment.booked"]
    assert await desk.overlaps() == 0


async def test_a_key_books_once_and_gives_the_same_answer_again(desk: Desk, http: httpx.AsyncClient) -> None:
    first, second, *_ = await found(http)
    answers = [await http.post(f"{BASE}/$book", json=first, headers=keyed("same")) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await http.post(f"{BASE}/$book", json=second, headers=keyed("same"))).status_code == 422
    again = await http.post(f"{BASE}/$book", json=second, headers=keyed("other"))
    assert again.status_code == 409
    assert answers[0].json()["id"] in again.json()["issue"][0]["diagnostics"]
    booked = [row for row in await desk.appointments() if row.status == "booked" and row.sequence == 1]
    assert len(booked) == 1


async def test_a_hold_that_is_over_frees_its_slot_and_can_be_confirmed_no_more(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    first, *_ = await found(http, start="2026-03-10T00:00:00Z")
    held = (await http.post(f"{BASE}/$hold?minutes=10", json=first, headers=keyed("k1"))).json()
    desk.wall.moment += timedelta(minutes=10)
    assert (await http.post(f"{BASE}/{held['id']}/$confirm", headers=keyed("k2"))).status_code == 409
    await sweep_holds(desk.door)
    assert (await http.get(f"{BASE}/{held['id']}", headers=as_("desk"))).json()["status"] == "cancelled"
    assert (await http.post(f"{BASE}/$book", json=first, headers=keyed("k3"))).status_code == 201
    assert await desk.overlaps() == 0


async def test_a_released_hold_is_free_at_once(http: httpx.AsyncClient) -> None:
    first, *_ = await found(http)
    held = (await http.post(f"{BASE}/$hold", json=first, headers=keyed("k1"))).json()
    assert (await http.post(f"{BASE}/{held['id']}/$release", headers=keyed("k2"))).status_code == 200
    assert first in await found(http)


async def test_rescheduling_keeps_the_id_and_asks_for_the_version_that_was_read(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    mine = next(row for row in await desk.appointments() if row.status == "booked")
    read = await http.get(f"{BASE}/{mine.id}", headers=as_("desk"))
    target = (await found(http, sequence=str(mine.sequence), start="2026-03-20T00:00:00Z"))[0]
    url = f"{BASE}/{mine.id}/$reschedule"
    stale = await http.post(url, json=target, headers=keyed("k0") | {"If-Match": 'W/"7"'})
    assert stale.status_code == 412
    moved = await http.post(url, json=target, headers=keyed("k1") | {"If-Match": read.headers["etag"]})
    assert (moved.status_code, moved.json()["id"], moved.json()["start"]) == (200, mine.id, target["start"])
    assert moved.headers["etag"] == 'W/"2"'
    again = await http.post(url, json=target, headers=keyed("k1") | {"If-Match": read.headers["etag"]})
    assert (again.status_code, again.json()) == (200, moved.json()), "who lost the answer asks for it again"
    other = next(row for row in await desk.appointments("p2") if row.status == "booked")
    body = target | {"start": other.start_at.isoformat()}
    body["participant"] = [p | {} for p in target["participant"]]
    (who,) = await desk.rows("SELECT external_id FROM resource WHERE id = :id", id=other.practitioner)
    for each in body["participant"]:
        if each["actor"]["reference"].startswith("Practitioner/"):
            each["actor"] = {"reference": f"Practitioner/{who.external_id}"}
    assert (await http.post(url, json=body, headers=keyed("k2"))).status_code == 409
    assert await desk.overlaps() == 0


async def test_cancelling_gives_the_time_back(desk: Desk, http: httpx.AsyncClient) -> None:
    mine = next(row for row in await desk.appointments() if row.status == "booked")
    gone = await http.post(f"{BASE}/{mine.id}/$cancel?rebook=false", headers=keyed("k1"))
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert (await http.post(f"{BASE}/{mine.id}/$cancel", headers=keyed("k2"))).status_code == 409
    assert (await http.post(f"{BASE}/{mine.id}/$cancel?rebook=false", headers=keyed("k1"))).status_code == 200


async def test_what_is_wrong_in_itself_is_told_from_what_is_in_the_way(http: httpx.AsyncClient) -> None:
    first, *_ = await found(http)
    assert (await http.post(f"{BASE}/$book", json=first, headers=as_("desk"))).status_code == 400
    assert (await http.post(f"{BASE}/$book", content=b"{", headers=keyed("k1"))).status_code == 400
    assert (await http.post(f"{BASE}/$book", json={"resourceType": "Slot"}, headers=keyed("k1"))).status_code == 400
    off = first | {"start": first["start"].replace(":00Z", ":07Z")}
    assert (await http.post(f"{BASE}/$book", json=off, headers=keyed("k2"))).status_code in (409, 422)
    unknown = first | {"basedOn": [{"identifier": {"system": "urn:stride:plan", "value": "nobodys"}}]}
    assert (await http.post(f"{BASE}/$book", json=unknown, headers=keyed("k3"))).status_code == 422
    assert (await http.post(f"{BASE}/nothing/$cancel", headers=keyed("k4"))).status_code == 404


async def test_another_clinic_and_other_roles_see_and_change_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    mine = next(row for row in await desk.appointments() if row.status == "booked")
    assert (await http.get(f"{BASE}/{mine.id}", headers=as_("stranger"))).status_code == 404
    assert (await http.post(f"{BASE}/{mine.id}/$cancel", headers=keyed("k", "stranger"))).status_code == 404
    assert (await http.get(BASE, headers=as_("operator"))).status_code == 403
    assert (await http.get(BASE)).status_code == 401
    assert (await http.get(BASE, headers=as_("stranger"))).json().get("entry") is None


async def test_schedules_slots_and_searches_are_valid_bundles(desk: Desk, http: httpx.AsyncClient) -> None:
    schedules = (await http.get("/fhir/Schedule", headers=as_("desk"))).json()
    Bundle.model_validate(schedules)
    assert {each["resource"]["id"] for each in schedules["entry"]} == {
        "practitioner.pr-0", "practitioner.pr-1", "room.room-0", "room.room-1",
    }  # fmt: skip
    assert (await http.get("/fhir/Schedule/practitioner.pr-0", headers=as_("desk"))).status_code == 200
    query = {"schedule": "Schedule/practitioner.pr-0", "start": "2026-03-09T00:00:00Z", "days": "7"}
    slots = (await http.get("/fhir/Slot", params=query, headers=as_("desk"))).json()
    Bundle.model_validate(slots)
    kinds = {each["resource"]["status"] for each in slots["entry"]}
    assert "free" in kinds
    search = await http.get(BASE, params={"patient": "p2", "date": ["ge2026-03-01T00:00:00Z"]}, headers=as_("desk"))
    Bundle.model_validate(search.json())
    assert search.json()["total"] == 4


async def test_the_work_queue_names_what_has_no_time_and_where_times_are(desk: Desk, http: httpx.AsyncClient) -> None:
    nobody = plan("p9", [WEEKLY], clinic=desk.clinic_id, skill="juggling")
    await desk.take(nobody)
    queue = (await http.get("/work-queue", headers=as_("desk"))).json()["sessions"]
    assert [each["sequence"] for each in queue] == [1, 2, 3, 4]
    assert {each["unplaced"]["reason"] for each in queue} == {"no-practitioner-with-skill"}
    assert (await http.get(queue[0]["find"], headers=as_("desk"))).status_code == 200


async def test_a_preview_names_dates_and_conflicts_and_books_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    before = await desk.rows("SELECT count(*) AS n FROM claim")
    wished = {
        "starts_on": "2026-03-04",
        "phases": [WEEKLY.model_dump()],
        "skill": "acupuncture",
        "room_kind": "treatment",
        "impossible_times": [{"weekday": day, "start": "00:00", "end": "23:59"} for day in ("MO", "TU", "TH", "FR")],
    }
    shown = (await http.post("/courses/$preview", json=wished, headers=as_("desk"))).json()
    assert [each["sequence"] for each in shown["appointments"]] == [1, 2, 3, 4]
    assert shown["quality"]["left_out"] == 0
    none = (await http.post("/courses/$preview", json=wished | {"skill": "juggling"}, headers=as_("desk"))).json()
    assert [(each["sequence"], each["kind"]) for each in none["conflicts"]] == [(n, "no-time") for n in range(1, 5)]
    assert await desk.rows("SELECT count(*) AS n FROM claim") == before
    assert await desk.appointments("nobody") == []


async def test_a_new_patient_gets_a_first_consultation_by_hold_or_book(desk: Desk, http: httpx.AsyncClient) -> None:
    asked = {"patient": "new", "service": "acupuncture", "minutes": "60", "_count": "2"}
    answer = await http.get(f"{BASE}/$find", params=asked, headers=as_("desk"))
    first, second = [entry["resource"] for entry in answer.json()["entry"]]
    assert "basedOn" not in first
    assert first["minutesDuration"] == 60
    booked = [await http.post(f"{BASE}/$book", json=first, headers=keyed("c1")) for _ in range(2)]
    assert [each.status_code for each in booked] == [201, 201]
    assert booked[0].text == booked[1].text
    assert (booked[0].json()["status"], booked[0].json()["minutesDuration"]) == ("booked", 60)
    assert (await desk.published())[-2:] == ["slot.requested", "appointment.booked"]
    taken = await http.post(f"{BASE}/$book", json=first, headers=keyed("c2"))
    assert taken.status_code == 409
    other = second | {"participant": [*second["participant"]]}
    held = await http.post(f"{BASE}/$hold", json=other, headers=keyed("c3"))
    assert held.status_code in (201, 409), "beside the first, or in its way"
    identifier = booked[0].json()["id"]
    gone = await http.post(f"{BASE}/{identifier}/$cancel?rebook=false", headers=keyed("c4"))
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert (await http.get(f"{BASE}/$find", params={"patient": "new"}, headers=as_("desk"))).status_code == 400
    assert await desk.overlaps() == 0
