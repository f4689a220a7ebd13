"""What courses add to the clinic's figures: the same whatever the order; corrections and voids reach it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.domain.patient_file import PatientFile
from services.console.domain.weekly import Share, shares_of, week_of
from services.console.handlers import HANDLERS
from shared.events.base import Fact
from shared.events.intake import MeasurementVoided, PlanEnded, SessionVoided
from shared.events.scheduling import AppointmentBooked, AppointmentMissed, AppointmentMoved
from tests.domain.progress_story import NOW, PLAN, Story, apply, at

FALLING = [6, 6, 6, 2, 2, 2, 2, 2, 2, 2, 1, 3, 0]
"""Thirteen sessions: the last three readings up to session 12 have the mean 2."""


def figures(facts: Iterable[Fact]) -> dict[str, tuple[float, int]]:
    """Per figure, the total and number over all weeks."""
    sums: dict[str, tuple[float, int]] = {}
    for share in shares_of(facts):
        total, number = sums.get(share.figure, (0.0, 0))
        sums[share.figure] = (total + share.total, number + share.number)
    return sums


def with_verdicts(story: Story, facts: list[Fact]) -> list[Fact]:
    """The facts and what progress publishes about them."""
    _, published = apply(story.patient, facts)
    return [*facts, *published]


def appointment(kind: type[Fact], version: int, day: float, appointment_id: str = "a-1", **more: Any) -> Fact:
    common = {"practitioner_id": "dr-1", "room_id": "r-1"} if kind is not AppointmentMissed else {}
    return Story().fact(
        kind,
        appointment_id=appointment_id,
        appointment_version=version,
        plan_id=PLAN,
        plan_version=1,
        sequence=1,
        start=at(day),
        end=at(day + 0.05),
        **common,
        **more,
    )


def everything() -> list[Fact]:
    """A course in which everything that figures rest on occurs."""
    story = Story()
    told = [
        story.plan(),
        *story.course(FALLING),
        story.session(14, 9),
        story.corrected("m-11-0", 2, 30),
        story.corrected("m-11-0", 4, 30, revision=2),
        story.fact(MeasurementVoided, measurement_id="m-10-0", voided_at=at(40)),
        story.fact(SessionVoided, session_id="s-14", voided_at=at(40)),
        story.fact(PlanEnded, plan_id=PLAN, reason="completed", ended_at=at(50)),
    ]
    booking: dict[str, Any] = {"booking_id": "b-1", "booking_size": 1}
    return [
        *with_verdicts(story, told),
        appointment(AppointmentBooked, 1, 3, **booking),
        appointment(AppointmentMoved, 2, 12, previous_start=at(3), reason="requested"),
        appointment(AppointmentMissed, 3, 12),
    ]


def kept(facts: Iterable[Fact]) -> PatientFile:
    file = PatientFile("clinic", "patient")
    for fact in facts:
        file = HANDLERS[type(fact)](file, fact, NOW).state
    return file


def test_an_outcome_is_the_change_toward_better_by_session_12() -> None:
    shares = shares_of(with_verdicts(Story(), [Story().plan(), *Story().course(FALLING)]))
    (outcome,) = (share for share in shares if share.figure == "outcome/pain")
    assert outcome == Share(PLAN, "outcome/pain", week_of(at(33)), "foot-drop", "{score}", 4.0, 1)


def test_a_course_without_session_12_has_no_outcome_yet() -> None:
    assert "outcome/pain" not in figures(with_verdicts(Story(), [Story().plan(), *Story().course(FALLING[:11])]))


def test_a_correction_and_a_void_reach_the_outcome() -> None:
    story = Story()
    facts = [story.plan(), *story.course(FALLING)]
    corrected = [*facts, story.corrected("m-11-0", 4, 30)]
    assert figures(with_verdicts(story, corrected))["outcome/pain"] == (3.0, 1)
    voided = [*facts, story.fact(MeasurementVoided, measurement_id="m-12-0", voided_at=at(40))]
    total, _ = figures(with_verdicts(story, voided))["outcome/pain"]
    assert total == pytest.approx(6 - 5 / 3)
    gone = [*facts, story.fact(SessionVoided, session_id="s-12", voided_at=at(40))]
    total, _ = figures(with_verdicts(story, gone))["outcome/pain"]
    assert total == pytest.approx(6 - 1), "session 13 is the twelfth now: readings 2, 1 and 0"


def test_a_logarithmic_measure_changes_in_percent() -> None:
    strength = {"measure": "strength", "unit": "N"}
    story = Story()
    sessions = [
        session.model_copy(update={"readings": (session.readings[0].model_copy(update=strength),)})
        for session in (story.session(number, 100 if number < 4 else 150) for number in range(1, 13))
    ]
    (outcome,) = (s for s in shares_of(with_verdicts(story, [story.plan(), *sessions])) if s.figure.startswith("outc"))
    assert (outcome.figure, outcome.unit) == ("outcome/strength", "%")
    assert outcome.total == pytest.approx(50)


@pytest.mark.parametrize(
    ("reason", "told"),
    [("completed", (1, 1)), ("discharged", (1, 1)), ("withdrawn", (0, 1)), ("transferred", None), ("deceased", None)],
)
def test_completion_counts_those_that_could_have_stayed(reason: str, told: tuple[int, int] | None) -> None:
    ended = Story().fact(PlanEnded, plan_id=PLAN, reason=reason, ended_at=at(50))
    assert figures([Story().plan(), ended]).get("completion") == told


def test_a_missed_appointment_counts_beside_the_sessions_that_were_held() -> None:
    facts = [Story().plan(), *Story().course([6, 6, 6]), appointment(AppointmentMissed, 2, 12)]
    assert figures(facts)["no-show"] == (1, 4)


def test_an_older_version_of_an_appointment_does_not_count() -> None:
    moved = appointment(AppointmentMoved, 3, 12, previous_start=at(3), reason="requested")
    assert "no-show" not in figures([Story().plan(), moved, appointment(AppointmentMissed, 2, 3)])


def test_a_milestone_that_was_taken_back_has_no_time() -> None:
    story = Story()
    facts = [story.plan(), *story.course(FALLING[:7])]
    assert figures(with_verdicts(story, facts))["milestone/pain-40"] == (pytest.approx(15.0, abs=0.1), 1)
    corrections = [story.corrected(f"m-{number}-0", 6, (number - 1) * 3) for number in (4, 5, 6)]
    assert "milestone/pain-40" not in figures(with_verdicts(story, [*facts, *corrections]))


def test_a_week_begins_on_monday() -> None:
    assert week_of(at(0)) == date(2026, 1, 5)
    assert week_of(at(6)) == date(2026, 1, 5)
    assert week_of(at(7)) == date(2026, 1, 12)


@settings(deadline=None)
@given(st.data())
def test_any_order_and_repetition_gives_the_same_figures(data: st.DataObject) -> None:
    facts = everything()
    repeated = [*facts, *data.draw(st.lists(st.sampled_from(facts), max_size=8))]
    file = kept(data.draw(st.permutations(repeated)))
    assert set(file.added.values()) == set(facts)
    assert shares_of(file.added.values()) == shares_of(facts)
    assert {share.figure.split("/")[0] for share in shares_of(facts)} == {
        "outcome", "completion", "no-show", "milestone"
    }  # fmt: skip


def test_of_the_contacts_the_newest_is_kept_whatever_the_order() -> None:
    from shared.events.intake import PatientRegistered, PatientUpdated

    def contact(name: str) -> dict[str, str]:
        return {"name": name}

    registered = Story().fact(PatientRegistered, contact=contact("A"), recorded_at=at(0))
    first = Story().fact(PatientUpdated, contact=contact("B"), revision=1, recorded_at=at(1))
    second = Story().fact(PatientUpdated, contact=contact("C"), revision=2, recorded_at=at(2))
    for order in ([registered, first, second], [second, registered, first], [first, second, registered]):
        assert list(kept(order).added.values()) == [second]
