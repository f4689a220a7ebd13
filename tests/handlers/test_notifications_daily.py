"""What staff get once a day, and how often they are interrupted."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import pytest_asyncio

from services.notifications.domain.handling import AcknowledgementGiven
from services.notifications.sender import DailyRound
from shared.alerting import Shift
from shared.events.operations import EventsReleased, EventsStranded
from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import Desk, Post, desk_at
from tests.handlers.notifications_web import as_, open_web


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


async def test_a_digest_lists_what_waits_once_a_day_and_nothing_else(desk: Desk, post: Post, clinic_id: str) -> None:
    desk.clock.moment = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)  # 07:00 in London
    first, second = Example(clinic_id, "p-1"), Example(clinic_id, "p-2", "plan-2")
    await desk.admit(first.reached(), second.reached())
    await desk.send_all(post)
    assert post.subjects() == [], "a milestone interrupts nobody"
    rounds = DailyRound(desk.door, desk.clinics)
    await rounds.go()
    assert await desk.deliveries("digest") == [], "not before its time"
    desk.clock.moment = datetime(2026, 5, 4, 6, 31, tzinfo=UTC)
    await rounds.go()
    await DailyRound(desk.door, desk.clinics).go()
    await desk.send_all(post)
    (digest,) = post.messages()
    assert digest["Subject"] == "[Stride] 2 alerts wait for you"
    assert digest["To"].addresses[0].addr_spec == "ada@riverside.example"
    body = digest.get_body(("plain",))
    assert body is not None
    assert "Patient: p-1" in body.get_content()
    assert "Patient: p-2" in body.get_content()
    desk.clock.forward(hours=2)
    await rounds.go()
    assert len(await desk.deliveries("digest")) == 1
    desk.clock.forward(days=1)
    await rounds.go()
    assert len(await desk.deliveries("digest")) == 2


async def test_who_took_all_their_alerts_gets_no_digest(desk: Desk, clinic_id: str) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.reached())
    (raised,) = await desk.published("alert.raised")
    taken = AcknowledgementGiven(**ann.who, alert_id=raised["alert_id"], given_by="st-ada", revision=1)
    await desk.admit(taken)
    await DailyRound(desk.door, desk.clinics).go()
    assert await desk.deliveries("digest") == []


async def test_a_gap_in_the_roster_is_an_alert_seven_days_ahead_and_only_one(desk: Desk, clinic_id: str) -> None:
    clinic = desk.clinics[clinic_id]
    shifts = (Shift(role="clinician", staff=("st-ada",), start=time(0), end=time(0), last=date(2026, 5, 9)),)
    clinics = {clinic_id: clinic.model_copy(update={"shifts": shifts})}
    await DailyRound(desk.door, clinics).go()
    (gap,) = await desk.published("alert.raised")
    assert (gap["kind"], gap["patient_id"], gap["owner"], gap["severity"]) == (
        "roster-gap", "_clinic", "st-omar", "warning"
    )  # fmt: skip
    assert gap["title"] == "Nobody is on duty as clinician: 09 May 23:00 to 11 May 08:00 UTC"
    desk.clock.forward(days=1)
    await DailyRound(desk.door, clinics).go()
    assert len(await desk.published("alert.raised")) == 1, "tomorrow it is the same gap"
    assert [fact["role"] for fact in await desk.published("roster.gap.found")] == ["clinician"]


async def test_an_operator_gets_one_mail_of_what_strands_and_none_of_what_was_released(
    desk: Desk, post: Post, clinic_id: str
) -> None:
    told: dict[str, Any] = {"clinic_id": clinic_id, "patient_id": "_clinic", "service": "progress", "cause": "failed",
            "topic": "session.logged", "noted_at": desk.clock.now()}  # fmt: skip
    facts = [EventsStranded(**told, stranding_id=f"s-{number}", about=f"p-{number}") for number in range(3)]
    await desk.admit(*facts)
    await desk.admit(EventsReleased(**facts[0].model_dump(), released_at=desk.clock.now()))
    desk.clock.forward(seconds=31)
    await desk.send_all(post)
    (mail,) = post.messages()
    assert mail["To"].addresses[0].addr_spec == "ops@riverside.example"
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert [f"about: p-{number}" in text for number in range(3)] == [False, True, True]
    assert "service: progress" in text
    assert "https://console.example/inbox/" in text


async def test_fatigue_is_told_for_each_member_of_staff(
    desk: Desk, post: Post, clinic_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Example(clinic_id, "p-1"), Example(clinic_id, "p-2")
    await desk.admit(one.adverse(), two.adverse(), two.reached())
    await desk.send_all(post)
    desk.clock.forward(minutes=9)
    (alert_id, *_) = [fact["alert_id"] for fact in await desk.published("alert.raised")]
    await desk.admit(AcknowledgementGiven(**one.who, alert_id=alert_id, given_by="st-ada", revision=1))
    async with open_web(desk, monkeypatch) as web:
        answer = await web.get("/alerts/fatigue?days=2", headers=as_(clinic_id))
        assert (await web.get("/alerts/fatigue", headers=as_(clinic_id, "clinic-system"))).status_code == 403
    (ada,) = answer.json()["staff"]
    assert ada == {
        "owner": "st-ada", "interruptions": 2, "most_a_day": 2, "days_over": 0, "alerts": 3, "critical": 2,
        "taken": 1, "interruptions_per_day": 1.0, "median_minutes_to_take": 9.0,
    }  # fmt: skip
