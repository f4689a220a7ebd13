"""The console sorts records into courses as progress does: checked on random patients with several plans."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.domain import courses as console
from services.progress.domain.course import courses_of
from shared.events.base import Fact
from shared.events.intake import MeasurementVoided, PlanEnded, SessionVoided
from tests.domain.progress_story import DAY_0, Story, at, tell

PLANS = ("plan-1", "plan-2", "plan-3")
days = st.integers(-60, 120)
some_plan = st.sampled_from([*PLANS, None])
STORY = Story()


def plan(plan_id: str, day: int) -> Fact:
    return STORY.plan(plan_id, starts_on=(DAY_0 + timedelta(days=day)).date())


def ended(plan_id: str, day: int) -> Fact:
    return STORY.fact(PlanEnded, plan_id=plan_id, reason="completed", ended_at=at(day))


@st.composite
def records(draw: st.DrawFn) -> list[Fact]:
    """Plans, some of which end, sessions and readings that may name one, corrections and voids."""
    numbers = range(1, draw(st.integers(1, 12)) + 1)
    facts = [plan(plan_id, draw(days)) for plan_id in draw(st.sets(st.sampled_from(PLANS), min_size=1))]
    facts += [ended(plan_id, draw(days)) for plan_id in draw(st.sets(st.sampled_from(PLANS)))]
    facts += [
        STORY.session(number, draw(st.integers(0, 10)), day=draw(days), plan_id=draw(some_plan)) for number in numbers
    ]
    facts += [STORY.taken(f"t-{number}", 5, draw(days), draw(some_plan)) for number in numbers]
    facts += [STORY.corrected(f"m-{number}-0", 4, draw(days)) for number in draw(st.sets(st.sampled_from(numbers)))]
    facts += [
        STORY.fact(SessionVoided, session_id=f"s-{number}", voided_at=at(0))
        for number in draw(st.sets(st.sampled_from(numbers)))
    ]
    facts += [
        STORY.fact(MeasurementVoided, measurement_id=f"t-{number}", voided_at=at(0))
        for number in draw(st.sets(st.sampled_from(numbers)))
    ]
    return draw(st.permutations(facts))


@settings(deadline=None)
@given(records())
def test_sessions_and_readings_belong_to_the_same_courses_as_in_progress(facts: list[Fact]) -> None:
    patient, _ = tell(facts)
    ours = {course.plan.plan_id: course for course in console.courses_of(facts)}
    theirs = {course.plan_id: course for course in courses_of(patient.record)}
    assert ours.keys() == theirs.keys()
    for plan_id, course in theirs.items():
        assert [s.session_id for s in ours[plan_id].sessions] == [s.session_id for s in course.sessions]
        assert _values(ours[plan_id].readings) == [
            (reading.measurement_id, reading.value) for series in course.series.values() for reading in series.readings
        ]


def _values(readings: Any) -> list[tuple[str, float]]:
    return [(reading.measurement_id, reading.value) for reading in readings]
