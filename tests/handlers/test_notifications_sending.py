"""What is due goes out once, over real SMTP, whatever the mail server or a crash does."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import Mail, Patience
from services.notifications.store.ledger import Handing, Ledger, Result
from services.notifications.store.published import Published
from stride.embedded.ports import LOOPBACK
from tests.domain.notifications_examples import FIRST, NOW, Example
from tests.handlers.notifications_desk import Desk, Post, desk_at


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


@pytest.fixture
def ann(clinic_id: str) -> Example:
    return Example(clinic_id)


async def test_a_booked_course_is_told_in_one_mail_that_lists_all_its_appointments(
    desk: Desk, post: Post, ann: Example
) -> None:
    await desk.admit(*ann.course(3), ann.registered(zone="America/New_York"))
    await desk.send_all(post)
    assert post.messages() == []  # It is four in the morning there.
    assert await desk.states("booked") == [("deferred", "quiet-hours")]
    desk.clock.moment = NOW + timedelta(hours=4)
    await desk.send_all(post)
    (mail,) = post.messages()
    assert (mail["To"], mail["Subject"]) == ("Ann Example <ann@example.org>", "Your appointments are booked")
    assert mail["Auto-Submitted"] == "auto-generated"
    (delivery,) = await desk.deliveries("booked")
    assert mail["X-Stride-Delivery"] == delivery.delivery_id
    assert mail["Message-ID"] == f"<{delivery.delivery_id}@riverside.example>"
    assert mail["Date"].datetime == NOW + timedelta(hours=4)
    body, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None
    assert html is not None
    starts = ["Monday, 18 May 2026, 09:30", "Monday, 25 May 2026, 09:30", "Monday, 1 June 2026, 09:30"]
    listed = [line for line in body.get_content().splitlines() if "with Ada Lindqvist" in line]
    assert [line.removeprefix("- ").partition(" to ")[0] for line in listed] == starts
    assert all(start in html.get_content() for start in starts)
    for part in (body.get_content(), html.get_content()):
        assert "All times are New York time." in part
    (sent,) = await desk.published("notification.sent")
    assert (sent["topic"], sent["recipient"], sent["delivery_id"]) == ("booked", "patient", delivery.delivery_id)


async def test_a_course_of_events_is_told_step_by_step_and_in_order(desk: Desk, post: Post, ann: Example) -> None:
    async with desk.sending(*desk.sender(post)):
        await desk.admit(ann.registered(), *ann.course(2))
        await desk.quiet()
        await desk.admit(ann.moved(0, 2, FIRST + timedelta(days=1)))
        await desk.quiet()
        await desk.admit(ann.cancelled(1), ann.reached())
        await desk.quiet()
        await desk.admit(ann.missed(0, 3))
        await desk.quiet()
        await desk.admit(ann.ended())
        await desk.quiet()
    assert [s for s in post.subjects() if not s.startswith("[Stride]")] == [
        "Your appointments are booked", "Your appointment has changed", "Your appointment is cancelled",
        "A step forward", "We missed you", "Your course with us has ended",
    ]  # fmt: skip
    assert post.doubled() == []


async def test_reminders_go_when_the_clock_reaches_them(desk: Desk, post: Post, ann: Example) -> None:
    await desk.admit(ann.registered(), ann.booked())
    async with desk.sending(*desk.sender(post)):
        await desk.quiet()
        assert len(post.messages()) == 1
        desk.clock.moment = FIRST - timedelta(days=3)
        await desk.quiet()
        desk.clock.moment = FIRST - timedelta(days=1)
        await desk.quiet()
        desk.clock.moment = FIRST
        await desk.quiet()
    assert post.subjects()[1:] == ["A reminder of your appointment"] * 2


async def test_a_reminder_of_a_cancelled_appointment_is_never_sent(desk: Desk, post: Post, ann: Example) -> None:
    await desk.admit(ann.registered(), ann.booked())
    await desk.send_all(post)
    await desk.admit(ann.cancelled(0))
    desk.clock.moment = FIRST - timedelta(days=1)
    await desk.send_all(post)
    assert post.subjects() == ["Your appointment is booked", "Your appointment is cancelled"]
    assert {state for state, _ in await desk.states("reminder")} == {"superseded"}


async def test_even_a_reminder_that_nobody_took_back_is_judged_before_it_goes(
    desk: Desk, post: Post, ann: Example
) -> None:
    """As when it was on its way when the cancellation came, and came back unsent."""
    await desk.admit(ann.registered(), ann.booked(), ann.cancelled(0))
    async with desk.engine.begin() as tx:
        await tx.execute(text("SELECT set_config('stride.from_log', 'on', true)"))
        await tx.execute(text("UPDATE delivery SET state = 'scheduled' WHERE topic = 'reminder'"))
        await desk.store.touch(tx, [ann.registered().key])
    desk.clock.moment = FIRST - timedelta(hours=30)
    await desk.send_all(post)
    assert "A reminder of your appointment" not in post.subjects()


class Interrupted(Ledger):
    """Lets something happen between the claim and the last look."""

    happening = staticmethod(lambda: asyncio.sleep(0))

    async def hand_over(
        self, tx: AsyncConnection, handings: Sequence[Handing], fresh_seconds: float
    ) -> tuple[set[str], set[str]]:
        if handings:
            happening, type(self).happening = self.happening, staticmethod(lambda: asyncio.sleep(0))
            await happening()
        return await super().hand_over(tx, handings, fresh_seconds)


async def test_what_changes_between_the_claim_and_the_last_look_stops_the_message(
    desk: Desk, post: Post, ann: Example
) -> None:
    await desk.admit(ann.registered(), *ann.course(2))

    async def cancel() -> None:
        await desk.admit(ann.cancelled(0))

    Interrupted.happening = staticmethod(cancel)
    await desk.send_all(post, ledger=Interrupted)
    (mail,) = post.messages()
    body = mail.get_body(("plain",))
    assert body is not None
    assert "25 May" in body.get_content()
    assert "18 May" not in body.get_content()
    assert [reason for _, reason in await desk.states("cancelled")] == ["not-told"]


@pytest.mark.parametrize("script", [["451"], ["451", "451"]])
async def test_a_message_that_is_put_off_is_tried_again_later(
    desk: Desk, post: Post, ann: Example, script: list[str]
) -> None:
    post.script = list(script)
    await desk.admit(ann.registered(), ann.booked())
    for _ in script:
        await desk.send_all(post)
        assert post.messages() == []
        desk.clock.forward(minutes=3)
    await desk.send_all(post)
    assert post.subjects() == ["Your appointment is booked"]


@pytest.mark.parametrize("fault", ["550", "refuse"])
async def test_a_refused_message_fails_and_the_next_goes_on_the_same_line(
    desk: Desk, post: Post, ann: Example, fault: str
) -> None:
    post.script = [fault]
    await desk.admit(ann.registered(), ann.booked())
    await desk.send_all(post)
    assert await desk.states("booked") == [("failed", "smtp-550")]
    (failed,) = await desk.published("notification.failed")
    assert (failed["state"], failed["reason"]) == ("failed", "smtp-550")
    await desk.admit(ann.reached())
    await desk.send_all(post)
    assert "A step forward" in post.subjects()


@pytest.mark.parametrize("fault", ["drop-before", "drop-taken", "drop-lost"])
async def test_a_lost_connection_with_an_inbox_to_ask_ends_in_exactly_one_message(
    desk: Desk, post: Post, ann: Example, fault: str
) -> None:
    post.script = [fault]
    await desk.admit(ann.registered(), ann.booked())
    await desk.send_all(post)
    assert post.subjects() == ["Your appointment is booked"]
    assert [state for state, _ in await desk.states("booked")] == ["accepted"]
    assert len(await desk.published("notification.sent")) == 1


@pytest.mark.parametrize("fault", ["drop-before", "drop-taken", "drop-lost"])
async def test_a_lost_connection_without_an_inbox_leaves_a_patient_message_unknown_for_good(
    desk: Desk, post: Post, ann: Example, fault: str
) -> None:
    post.script = [fault]
    await desk.admit(ann.registered(), ann.booked())
    await desk.send_all(post, ask=False)
    await desk.send_all(post, ask=False)
    assert await desk.states("booked") == [("unknown", "no-answer")]
    assert len(post.messages()) == (1 if fault == "drop-taken" else 0)
    (failed,) = await desk.published("notification.failed")
    assert failed["state"] == "unknown"


async def test_a_lost_connection_without_an_inbox_sends_a_staff_alert_again(
    desk: Desk, post: Post, ann: Example
) -> None:
    post.script = ["drop-lost"]
    await desk.admit(ann.adverse())
    await desk.send_all(post, ask=False)
    (mail,) = post.messages()
    assert mail["Subject"] == "[Stride] critical: adverse event"
    assert mail["To"] == "Ada Lindqvist <ada@riverside.example>"


async def test_a_claim_that_ran_out_before_the_message_was_handed_over_is_simply_sent(
    desk: Desk, post: Post, ann: Example
) -> None:
    await desk.admit(ann.registered(), ann.booked())
    assert len(await desk.claimed(Ledger(desk.store, "gone"))) == 1
    await desk.send_all(post, ask=False)
    assert post.subjects() == ["Your appointment is booked"]
    assert await desk.states("booked") == [("accepted", "")]


async def test_many_messages_that_were_perhaps_sent_are_all_asked_for(desk: Desk, post: Post, clinic_id: str) -> None:
    patients = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(25)]
    await desk.admit(*(fact for p in patients for fact in (p.registered(), p.booked(), p.adverse())))
    gone = Ledger(desk.store, "gone")
    claims = await desk.claimed(gone, 30)
    async with desk.door.work() as work:
        go, _ = await gone.hand_over(work.tx, [Handing(claim, "smtp") for claim in claims], 60)
    assert len(go) == 30
    await desk.send_all(post, lease=5)
    assert len(post.messages()) == 50
    assert post.doubled() == []


async def test_an_older_claim_changes_nothing_any_more(desk: Desk, post: Post, ann: Example) -> None:
    await desk.admit(ann.registered(), ann.booked())
    old, new = Ledger(desk.store, "old"), Ledger(desk.store, "new")
    (claim,) = await desk.claimed(old)
    async with desk.door.work() as work:
        assert await old.hand_over(work.tx, [Handing(claim, "smtp")], 60) == ({claim.delivery.delivery_id}, set())
    async with desk.door.work() as work:
        assert len(await new.take_over(work.tx, 0, [])) == 1
    async with desk.door.work() as work:
        assert await old.hand_over(work.tx, [Handing(claim, "smtp")], 60) == (set(), set())
        assert await old.settle(work.tx, [Result(claim, DeliveryState.ACCEPTED, accepted_at=NOW)], NOW) == []
    assert await desk.states("booked") == [("sending", "")]


class PowerCut(Exception):
    """The process is gone."""


class Dying(Ledger):
    """Dies when the first result is to be written: the message is out, the commit never comes."""

    async def settle(self, tx: AsyncConnection, results: Sequence[Result], now: datetime) -> list[Published]:
        if results:
            raise PowerCut
        return []


async def crash_after_sending(desk: Desk, post: Post) -> None:
    courier, sender = desk.sender(post, ledger=Dying, lease=30)
    task = asyncio.create_task(sender.run())
    await asyncio.wait([task], timeout=10)
    with pytest.raises(PowerCut):
        await task
    await desk.hang_up(courier)


async def test_a_crash_between_sending_and_commit_sends_nothing_twice_where_an_inbox_can_be_asked(
    desk: Desk, post: Post, clinic_id: str
) -> None:
    patients = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(5)]
    await desk.admit(*(fact for p in patients for fact in (p.registered(), p.booked(), p.adverse())))
    await crash_after_sending(desk, post)
    assert post.messages() != []
    await desk.send_all(post)
    assert post.doubled() == []
    assert len(post.messages()) == 10
    assert {state for state, _ in await desk.states() if state != "scheduled"} == {"accepted"}
    assert len(await desk.published("notification.sent")) == 10


async def test_a_crash_between_sending_and_commit_without_an_inbox_is_owned_up_to(
    desk: Desk, post: Post, clinic_id: str
) -> None:
    patients = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(5)]
    await desk.admit(*(fact for p in patients for fact in (p.registered(), p.booked())))
    await crash_after_sending(desk, post)
    out = len(post.messages())
    assert out > 0
    await desk.send_all(post, ask=False)
    states = [state for state, _ in await desk.states("booked")]
    assert post.doubled() == []
    assert states.count("unknown") >= out
    assert states.count("unknown") + states.count("accepted") == 5


async def test_while_the_mail_server_is_down_nothing_is_lost(desk: Desk, post: Post, ann: Example) -> None:
    await desk.admit(ann.registered(), ann.booked(), ann.adverse())
    nowhere = Mail("nowhere", f"smtp://{LOOPBACK}:1", Patience(1, 1))
    async with desk.sending(*desk.sender(post, mail=nowhere)):
        await asyncio.sleep(1)
    assert {state for state, _ in await desk.states()} == {"scheduled", "ready"}
    await desk.send_all(post)
    assert len(post.messages()) == 2


async def test_two_senders_share_the_work_and_send_nothing_twice(desk: Desk, post: Post, clinic_id: str) -> None:
    patients = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(40)]
    async with desk.sending(*desk.sender(post, lease=30)), desk.sending(*desk.sender(post, lease=30)):
        for p in patients:
            await desk.admit(p.registered(), p.booked(), p.adverse(), p.reached())
        await desk.quiet()
        desk.clock.moment += timedelta(seconds=30)
        await desk.quiet()
    assert post.doubled() == []
    assert len(post.messages()) == 40 * 3, "booking and milestone to the patient, adverse event to staff"


async def test_a_sender_that_is_stopped_writes_down_what_it_sent(desk: Desk, post: Post, clinic_id: str) -> None:
    patients = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(30)]
    await desk.admit(*(fact for p in patients for fact in (p.registered(), p.booked())))
    async with desk.sending(*desk.sender(post)):
        while not post.messages():
            await asyncio.sleep(0.005)
    assert "sending" not in {state for state, _ in await desk.states()}
    accepted = [state for state, _ in await desk.states() if state == "accepted"]
    assert len(accepted) == len(post.messages())


async def test_a_lease_that_ran_out_is_not_taken_from_a_sender_that_is_still_at_work(
    desk: Desk, post: Post, ann: Example
) -> None:
    """A slow `250` is no crash."""
    await desk.admit(ann.registered(), ann.booked())

    post.script = ["slow"]
    patient = post.mail(ask=False, answer=5)
    await desk.send_all(post, mail=patient, ask=False)
    assert await desk.states("booked") == [("accepted", "")]
    assert len(post.messages()) == 1
