"""Offers: a time is kept for one patient, moves what it was offered for, and is free again when it is not wanted."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.scheduling.domain.course import ClinicSchedule
from shared.events import scheduling
from shared.messaging.errors import Refused
from tests.domain.scheduling_examples import NOW, WEEKLY, change, live, of_kind, overlaps, plan, schedule, tell

SOON = NOW + timedelta(hours=3)
"""Within the clinic's day of notice, which an offer need not keep: the patient agrees to it."""


def a_clinic() -> ClinicSchedule:
    state, _ = tell(schedule("p1", "p2"), plan("p1", [WEEKLY]), plan("p2", [WEEKLY]))
    return state


def offer(state: ClinicSchedule, patient: str = "p1", **other: Any) -> scheduling.WaitlistOffered:
    """The patient's first session could be this afternoon."""
    first = live(state, patient)[0]
    fields: dict[str, Any] = {
        "clinic_id": "riverside", "patient_id": patient, "offer_id": f"hold:{patient}", "plan_id": f"plan-{patient}",
        "sequence": first.sequence, "appointment_id": first.appointment_id, "previous_start": first.start,
        "start": SOON, "end": SOON + timedelta(minutes=45), "practitioner_id": "pr-1", "room_id": "room-11",
        "offered_at": NOW, "expires_at": NOW + timedelta(hours=1),
    }  # fmt: skip
    return scheduling.WaitlistOffered.model_validate(fields | other)


def answer(patient: str, action: str, **other: Any) -> scheduling.SlotRequested:
    fields: dict[str, Any] = {
        "clinic_id": "riverside", "patient_id": patient, "request_id": f"{action}-{patient}", "action": action,
        "requested_at": NOW, "plan_id": f"plan-{patient}", "sequence": 1, "appointment_id": f"hold:{patient}",
    }  # fmt: skip
    return scheduling.SlotRequested.model_validate(fields | other)


def at(state: ClinicSchedule, patient: str = "p1") -> datetime:
    return live(state, patient)[0].start


def test_who_accepts_moves_there_and_keeps_the_appointment() -> None:
    state = a_clinic()
    before = live(state)[0]
    state, facts = tell(state, offer(state), answer("p1", "confirm"))
    (moved,) = of_kind(facts, scheduling.AppointmentMoved)
    assert isinstance(moved, scheduling.AppointmentMoved)
    assert (moved.appointment_id, moved.start, moved.previous_start) == (before.appointment_id, SOON, before.start)
    assert moved.reason == "requested"
    assert at(state) == SOON
    assert overlaps(state) == []
    with pytest.raises(Refused, match="held no longer"):
        tell(state, answer("p1", "confirm", request_id="again"))


def test_a_time_is_kept_for_one_alone_and_free_again_when_it_is_declined() -> None:
    state, _ = tell(a_clinic(), offer(a_clinic()))
    with pytest.raises(Refused, match="practitioner pr-1 is taken"):
        tell(state, offer(state, "p2"))
    state, facts = tell(state, answer("p1", "release"))
    assert [
        (type(fact), fact.offer_id, fact.answer) for fact in facts if isinstance(fact, scheduling.WaitlistAnswered)
    ] == [(scheduling.WaitlistAnswered, "hold:p1", "declined")]
    assert len(facts) == 1
    state, _ = tell(state, offer(state, "p2"), answer("p2", "confirm"))
    assert at(state, "p2") == SOON
    assert at(state) > SOON


def test_an_answer_after_the_end_of_the_offer_changes_nothing() -> None:
    state, _ = tell(a_clinic(), offer(a_clinic()))
    with pytest.raises(Refused, match="held no longer"):
        tell(state, answer("p1", "confirm"), now=NOW + timedelta(hours=1))


def test_an_offer_for_what_has_moved_meanwhile_is_neither_made_nor_accepted() -> None:
    state = a_clinic()
    first = live(state)[0]
    made = offer(state)
    state, _ = tell(state, made)
    gone, _ = tell(state, change(first.appointment_id, rebook=False))
    with pytest.raises(Refused, match="no longer where it was"):
        tell(gone, answer("p1", "confirm"))
    with pytest.raises(Refused, match="no longer where it was"):
        tell(tell(a_clinic(), change(first.appointment_id, rebook=False))[0], made)
    with pytest.raises(Refused, match="kept for the patient already"):
        tell(state, replace_id(made))


def replace_id(made: scheduling.WaitlistOffered) -> scheduling.WaitlistOffered:
    return made.model_copy(update={"offer_id": "hold:other", "practitioner_id": "pr-2", "room_id": "room-12"})


def test_a_session_without_a_time_is_booked_at_the_time_that_is_offered() -> None:
    state, _ = tell(a_clinic(), change(live(a_clinic())[0].appointment_id, rebook=False))
    patient = state.patients["p1"]
    assert patient.courses["plan-p1"].sessions[1].given_up
    state, facts = tell(state, offer(a_clinic(), appointment_id=None, previous_start=None), answer("p1", "confirm"))
    assert [type(fact) for fact in facts] == [scheduling.AppointmentBooked, scheduling.WaitlistAnswered]
    assert at(state) == SOON
    assert not state.patients["p1"].courses["plan-p1"].sessions[1].given_up
