"""Any order, any repetition: what of a course is always the same, and what never happens."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.domain.course import ClinicSchedule
from shared.events import intake, scheduling
from shared.events.base import Fact, PatientFact
from shared.events.console import DeskActionRequested
from tests.domain.scheduling_examples import (
    INTENSIVE,
    NOW,
    STEADY,
    WEEKLY,
    adjusted,
    busy_minutes,
    by_sequence,
    calendar,
    change,
    claimed_minutes,
    course_of,
    ended,
    incomplete,
    live,
    logged,
    net,
    overlaps,
    plan,
    practitioner,
    room,
    schedule,
    tell,
    voided,
)

_KNOWN = by_sequence(tell(schedule(), plan())[0])
"""What a plan that comes first books: the others are about these appointments."""


def appointment(sequence: int) -> str:
    return _KNOWN[sequence].appointment_id


SEPARATE: list[Fact] = [
    plan(),
    logged("s1", _KNOWN[1].start),
    logged("s2", _KNOWN[2].start, appointment_id=appointment(2)),
    logged("s3", _KNOWN[3].start),
    voided("s3"),
    logged("nowhere", _KNOWN[3].start + timedelta(days=200)),
    change(appointment(5)),
    change(appointment(9), "move", not_before=_KNOWN[9].start + timedelta(hours=26)),
    change(appointment(13), rebook=False),
    change("nobody-made-this"),
]
"""About different sessions, with others between them that keep their time."""


def wish(request: str, at: datetime, *, wanted: bool) -> scheduling.WaitlistChanged:
    """What the patient says of offers: the last word counts."""
    return scheduling.WaitlistChanged(
        clinic_id="riverside", patient_id="p1", request_id=request, plan_id="plan-p1", wanted=wanted, recorded_at=at
    )


EVERYTHING: list[Fact] = [
    *SEPARATE,
    adjusted(2, [WEEKLY, WEEKLY], date(2026, 3, 23)),
    adjusted(3, [STEADY], date(2026, 4, 1)),
    change(appointment(6), "no-show"),
    change(appointment(12)),
    ended(datetime(2026, 4, 24, tzinfo=UTC)),
    wish("w1", NOW, wanted=True),
    wish("w2", NOW + timedelta(hours=1), wanted=False),
]


def knowledge(state: ClinicSchedule) -> tuple[Any, ...]:
    """What is known of the course, without what was made of it."""
    patient, course = state.patients["p1"], course_of(state)
    return (
        course.terms,
        course.plan_version,
        course.ended_at,
        patient.attendances,
        sorted(patient.requests),
        patient.waits,
    )


def repeated(facts: Sequence[Fact]) -> st.SearchStrategy[list[Fact]]:
    """The facts in any order, some of them several times."""
    again = st.lists(st.sampled_from(facts), max_size=6)
    return again.flatmap(lambda more: st.permutations([*facts, *more]))


def never_wrong(state: ClinicSchedule) -> None:
    assert overlaps(state) == []
    assert claimed_minutes(state) == busy_minutes(state)
    for name, patient in state.patients.items():
        if any(course.terms for course in patient.courses.values()):
            assert incomplete(state, name) == []


@settings(max_examples=60, deadline=None)
@given(repeated(SEPARATE))
def test_facts_about_different_sessions_end_in_the_same_appointments_in_any_order(facts: list[Fact]) -> None:
    state, _ = tell(schedule(), *facts)
    in_order, _ = tell(schedule(), *SEPARATE)
    assert net(state) == net(in_order)
    assert knowledge(state) == knowledge(in_order)
    never_wrong(state)


@settings(max_examples=60, deadline=None)
@given(repeated([fact for fact in EVERYTHING if fact is not EVERYTHING[0]]))
def test_whatever_comes_before_its_plan_waits_and_is_then_taken_in_one_order(early: list[Fact]) -> None:
    state, published = tell(schedule(), *early, plan())
    other, _ = tell(schedule(), *EVERYTHING[1:], plan())
    assert state.patients["p1"] == other.patients["p1"]
    assert net(state) == net(tell(schedule(), *in_the_fixed_order(EVERYTHING))[0])
    told_of = {scheduling.AppointmentBooked, scheduling.CourseUnschedulable, scheduling.WorkQueueChanged}
    assert {type(fact) for fact in published} <= told_of
    told = {fact.appointment_id for fact in published if isinstance(fact, scheduling.AppointmentBooked)}
    assert told == {a.appointment_id for a in live(state) if a.state == "booked"}
    never_wrong(state)


def in_the_fixed_order(facts: Sequence[Fact]) -> list[Fact]:
    """The plan, its adjustments, what was held, what was asked for, the end."""
    kinds = (
        intake.PlanCreated,
        intake.PlanAdjusted,
        intake.SessionLogged,
        intake.SessionVoided,
        intake.AppointmentChangeRequested,
        intake.PlanEnded,
        scheduling.WaitlistChanged,
    )
    return sorted(facts, key=lambda fact: (kinds.index(type(fact)), _made(fact)))  # pyright: ignore[reportArgumentType]


def _made(fact: Fact) -> str:
    return fact.request_id if isinstance(fact, intake.AppointmentChangeRequested) else fact.natural_key


@settings(max_examples=80, deadline=None)
@given(repeated(EVERYTHING))
def test_in_any_order_the_same_is_known_nothing_overlaps_and_the_course_is_complete_or_reported(
    facts: list[Fact],
) -> None:
    state, published = tell(schedule(), *facts)
    in_order, _ = tell(schedule(), *EVERYTHING)
    assert knowledge(state) == knowledge(in_order)
    assert course_of(state).waiting == ()
    assert all(a.start <= datetime(2026, 4, 24, tzinfo=UTC) for a in live(state))
    never_wrong(state)
    assert replayed(published) == {a.appointment_id: a.start for a in live(state) if a.state == "booked"}
    assert queued(published) == sorted(course_of(state).queue)


@settings(max_examples=40, deadline=None)
@given(repeated([plan(), ended(), logged("s1", _KNOWN[1].start), change(appointment(4))]))
def test_a_course_that_is_over_ends_without_live_appointments_in_any_order(facts: list[Fact]) -> None:
    state, published = tell(schedule(), *facts)
    assert [a for a in live(state) if a.status == "booked"] == []
    assert sum(busy_minutes(state).values()) <= 55 * 2 + 45
    assert len(replayed(published)) <= 1


@settings(max_examples=40, deadline=None)
@given(st.permutations(EVERYTHING), st.data())
def test_a_repeated_fact_changes_nothing_and_says_nothing(facts: list[Fact], data: st.DataObject) -> None:
    upto = data.draw(st.integers(1, len(facts)))
    state, _ = tell(schedule(), *facts[:upto])
    again, published = tell(state, *data.draw(st.permutations(facts[:upto])))
    assert again is state
    assert published == []


def queued(published: Sequence[Fact], patient: str = "p1") -> list[int]:
    """The sessions without a time as somebody knows them who only hears of the queue, in whatever order."""
    told = [fact for fact in published if isinstance(fact, scheduling.WorkQueueChanged) and fact.patient_id == patient]
    assert sorted(fact.revision for fact in told) == list(range(1, len(told) + 1))
    newest = max(told, key=lambda fact: fact.revision, default=None)
    return [each.sequence for each in newest.waiting] if newest else []


def replayed(published: Sequence[Fact]) -> dict[str, datetime]:
    """The booked appointments as somebody knows them who only hears the facts."""
    newest: dict[str, Any] = {}
    for fact in published:
        if isinstance(fact, scheduling.CourseUnschedulable | scheduling.WorkQueueChanged):
            continue
        assert isinstance(fact, scheduling.AppointmentBooked | scheduling.AppointmentMoved |
                          scheduling.AppointmentCancelled | scheduling.AppointmentMissed)  # fmt: skip
        known = newest.get(fact.appointment_id)
        assert known is None or known.appointment_version < fact.appointment_version
        assert (known is None) == isinstance(fact, scheduling.AppointmentBooked)
        newest[fact.appointment_id] = fact
    gone = (scheduling.AppointmentCancelled, scheduling.AppointmentMissed)
    return {name: fact.start for name, fact in newest.items() if not isinstance(fact, gone)}


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.sampled_from(["plan", "cancel", "move", "no-show", "session", "adjust", "end", "drop"]),
        st.integers(0, 20),
        st.integers(0, 120),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(_ACTIONS)
def test_while_time_passes_in_a_small_clinic_nothing_overlaps_and_nothing_is_booked_too_late(
    actions: list[tuple[str, str, int, int]],
) -> None:
    state = schedule("p1", "p2", "p3", on=calendar(practitioner(1), practitioner(2), room(11)))
    now, heard = NOW, list[Fact]()
    for number, action in enumerate(actions):
        now += timedelta(hours=action[3])
        fact = _fact(state, action, number, now)
        state, published = tell(state, *([fact] if fact else []), now=now)
        heard += published
        never_wrong(state)
        new = [f for f in published if isinstance(f, scheduling.AppointmentBooked | scheduling.AppointmentMoved)]
        assert all(f.start >= now + timedelta(hours=24) for f in new)
    expected = {a.appointment_id: a.start for name in state.patients for a in live_or_none(state, name)}
    assert {k: v for k, v in replayed(heard).items() if k in expected} == expected
    for name, patient in state.patients.items():
        assert queued(heard, name) == [number for course in patient.courses.values() for number in sorted(course.queue)]


def live_or_none(state: ClinicSchedule, name: str) -> list[Any]:
    known = f"plan-{name}" in state.patients[name].courses
    return [a for a in live(state, name) if a.status == "booked"] if known else []


def _fact(state: ClinicSchedule, action: tuple[str, str, int, int], number: int, now: datetime) -> Fact | None:
    name, what, which, _ = action
    if what == "plan":
        return plan(name, [INTENSIVE, WEEKLY], starts_on=now.date())
    if what == "adjust":
        return adjusted(2 + number, [STEADY] if which % 2 else [], now.date() + timedelta(days=which), name)
    if what == "end":
        return ended(now + timedelta(days=which), name)
    mine = live_or_none(state, name)
    if not mine:
        return None
    chosen = mine[which % len(mine)]
    if what == "session":
        return logged(f"s{number}", chosen.start, patient=name) if chosen.start <= now else None
    kind = "cancel" if what == "drop" else what
    return change(
        chosen.appointment_id, kind, request=f"r{number}", patient=name, rebook=what != "drop", requested_at=now
    )


def test_every_fact_that_scheduling_consumes_takes_part_in_these_orders() -> None:
    from shared.flow import FLOW

    of_patients = {fact for fact in FLOW["scheduling"].consumes if issubclass(fact, PatientFact)}
    # Whether a chosen or offered slot is free, and a session without a time, depends on what came first.
    in_turn = {scheduling.SlotRequested, scheduling.WaitlistOffered, scheduling.SessionGivenUp, DeskActionRequested}
    assert {type(fact) for fact in EVERYTHING} == of_patients - in_turn
    assert intake.PlanCreated in FLOW["scheduling"].consumes
