"""Who gains from a freed slot, and to whom it is offered."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import main_practitioners
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Unplaced
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import LEFT_OUT, OTHER_PRACTITIONER, uneven
from services.scheduling.domain.price import price_of, visits_of
from services.scheduling.domain.quality import wrong_gaps
from services.scheduling.domain.slots import Slot
from services.scheduling.domain.waitlist import Candidate, OfferRules, candidates, next_offer, ranked
from shared.events.clinical import Phase, PreferredTime, VisitLimit, Weekday
from tests.domain.scheduling_examples import NOW, by_sequence, course_of, live, plan, schedule, taken_by_nobody, tell

LONDON = ZoneInfo("Europe/London")
STEADY = Phase(name="steady", sessions_per_week=2, weeks=3, min_gap_days=2, max_gap_days=5)


def at(day: date, hour: int, practitioner: int = 1, room: int = 11) -> Slot:
    start = datetime.combine(day, time(hour), LONDON)
    return Slot(start, start + timedelta(minutes=45), practitioner, room)


def diary_of(state: ClinicSchedule, now: datetime = NOW) -> Diary:
    assert state.calendar
    return Diary(state.calendar, state.busy, state.patients["p1"], now)


def found(state: ClinicSchedule, slot: Slot, now: datetime = NOW) -> list[Candidate]:
    return list(candidates(diary_of(state, now), slot))


def with_appointment(state: ClinicSchedule, sequence: int, **changes: object) -> ClinicSchedule:
    """The patient's appointment for a session elsewhere than it was booked."""
    old = by_sequence(state)[sequence]
    diary = diary_of(state).with_appointments("plan-p1", [replace(old, **changes)])  # type: ignore[arg-type]
    return replace(state, busy=diary.busy, patients={"p1": diary.patient})


def moved_by(appointment: Appointment, days: int) -> dict[str, datetime]:
    return {"start": appointment.start + timedelta(days=days), "end": appointment.end + timedelta(days=days)}


def without_time(state: ClinicSchedule, sequence: int) -> ClinicSchedule:
    """The patient's session with nothing booked, in the work queue."""
    old = by_sequence(state)[sequence]
    diary = diary_of(state).with_appointments("plan-p1", [replace(old, state="cancelled", reason="not-bookable")])
    course = diary.course("plan-p1")
    why = Unplaced(old.start, old.end, "fully-booked", "")
    sessions = {**course.sessions, sequence: replace(course.sessions[sequence], unplaced=why)}
    diary = diary.with_course(replace(course, sessions=sessions))
    return replace(state, busy=diary.busy, patients={"p1": diary.patient})


def test_a_course_as_good_as_it_can_be_gains_from_nothing() -> None:
    state, _ = tell(schedule(), plan(phases=[STEADY]))
    assert [c for day in range(2, 7) for c in found(state, at(date(2026, 3, day), 16))] == []


def test_a_session_without_time_gains_most_and_is_booked_anew() -> None:
    state, _ = tell(schedule(), plan(phases=[STEADY]))
    left = by_sequence(state)[3]
    state = without_time(state, 3)
    (candidate,) = found(state, at(left.start.date(), 16))
    assert (candidate.sequence, candidate.appointment_id, candidate.why) == (3, None, "no-time")
    assert candidate.gain > LEFT_OUT


def test_a_gap_that_is_too_long_becomes_even() -> None:
    state, _ = tell(schedule(), plan(phases=[STEADY]))
    last = live(state)[-1]
    late = with_appointment(state, last.sequence, **moved_by(last, 7))
    (candidate,) = found(late, at(last.start.date(), 16), last.start - timedelta(days=1))
    assert (candidate.appointment_id, candidate.why) == (last.appointment_id, "spacing")
    gap = (last.start - live(state)[-2].start).days
    assert candidate.gain == uneven(gap + 7, 3.5) - uneven(gap, 3.5)


def test_the_main_practitioner_is_worth_an_offer() -> None:
    state, _ = tell(schedule(), plan(phases=[STEADY]))
    main, fourth = live(state)[0].practitioner, by_sequence(state)[4]
    other = with_appointment(state, 4, practitioner=3 - main)
    same_day = at(fourth.start.date(), 7 + 1, main)
    other = with_appointment(other, 4, start=fourth.start + timedelta(hours=3), end=fourth.end + timedelta(hours=3))
    (candidate,) = found(other, same_day)
    assert (candidate.sequence, candidate.why, candidate.gain) == (4, "practitioner", OTHER_PRACTITIONER)


def test_a_course_that_waits_for_its_begin_gains_from_an_earlier_one() -> None:
    one = Phase(name="once", sessions_per_week=1, weeks=1, min_gap_days=5, max_gap_days=9)
    state = schedule()
    for resource in (1, 2):
        for day in (4, 5, 6):
            state = taken_by_nobody(state, resource, date(2026, 3, day))
    state, _ = tell(state, plan(phases=[one]))
    assert live(state)[0].start.date() == date(2026, 3, 9)
    freed = replace(state, busy=schedule().busy)
    (candidate,) = found(freed, at(date(2026, 3, 4), 16))
    assert (candidate.sequence, candidate.why) == (1, "first-session")
    assert found(freed, at(date(2026, 3, 3), 16)) == [], "the plan begins on the fourth"


def test_what_the_patient_or_the_protocol_forbids_is_not_offered() -> None:
    never = PreferredTime(weekday=Weekday.WE, start=time(8), end=time(20))
    fact = plan(phases=[STEADY])
    state, _ = tell(schedule(), fact.model_copy(update={"impossible_times": (never,)}))
    last = live(state)[-1]
    late = with_appointment(state, last.sequence, **moved_by(last, 7))
    wednesday = last.start.date() + timedelta(days=2 - last.start.weekday())
    assert found(late, at(wednesday, 16)) == []
    limit = VisitLimit(sessions=5, within_days=60)
    state, _ = tell(schedule(), fact.model_copy(update={"limits": (limit,)}))
    last = live(state)[-1]
    assert found(state, at(last.start.date() - timedelta(days=4), 16)) == []


def test_an_offer_leaves_time_to_come_and_stops_after_enough_were_asked() -> None:
    slot, rules = at(date(2026, 3, 3), 10), OfferRules(at_most=2)
    some = [Candidate(f"p{n}", f"plan-{n}", 1, None, slot, "no-time", gain) for n, gain in enumerate((5, 9, 7))]
    first = next_offer(some, [], slot, rules, NOW)
    assert first
    assert (first.candidate.patient_id, first.expires_at) == ("p1", NOW + rules.open_for)
    second = next_offer(some, ["p1"], slot, rules, NOW)
    assert second
    assert second.candidate.patient_id == "p2"
    assert next_offer(some, ["p1", "p2"], slot, rules, NOW) is None
    late = slot.start - rules.notice - timedelta(minutes=20)
    short = next_offer(some, [], slot, rules, late)
    assert short
    assert short.expires_at == slot.start - rules.notice
    assert next_offer(some, [], slot, rules, late + timedelta(minutes=10)) is None


@settings(deadline=None)
@given(
    shifts=st.dictionaries(st.integers(1, 6), st.integers(-3, 9), max_size=3),
    out=st.sets(st.integers(1, 6), max_size=2),
    day=st.integers(0, 30),
    hour=st.integers(8, 17),
    practitioner=st.sampled_from([1, 2]),
)
def test_a_gain_is_what_the_course_saves_and_no_bound_breaks_for_it(
    shifts: dict[int, int], out: set[int], day: int, hour: int, practitioner: int
) -> None:
    state, _ = tell(schedule(), plan(phases=[STEADY]))
    for sequence, days in shifts.items():
        state = with_appointment(state, sequence, **moved_by(by_sequence(state)[sequence], days))
    for sequence in out:
        state = without_time(state, sequence)
    assume(len({a.start for a in live(state)}) == len(live(state)))
    slot = at(date(2026, 3, 3) + timedelta(days=day), hour, practitioner)
    for candidate in found(state, slot):
        diary, course = diary_of(state), course_of(state)
        base = course.appointments[candidate.appointment_id or f"{next(iter(course.appointments))}"]
        there = replace(
            base, appointment_id=candidate.appointment_id or "new", sequence=candidate.sequence, state="booked",
            start=candidate.slot.start, end=candidate.slot.end, practitioner=practitioner, room=11,
        )  # fmt: skip
        sessions = {**course.sessions, candidate.sequence: replace(course.sessions[candidate.sequence], unplaced=None)}
        after = replace(course, sessions=sessions, appointments={**course.appointments, there.appointment_id: there})
        assert candidate.gain == _price(diary, course, course) - _price(diary, after, course) > 0
        assert _wrong(diary, after) <= _wrong(diary, course)


def _price(diary: Diary, course: Course, before: Course) -> int:
    main = main_practitioners(diary, before, standing(before))[0]
    without_time = sum(1 for session in course.sessions.values() if session.unplaced)
    visits = visits_of(diary, course, diary.openings(course))
    return price_of(visits, date(2026, 3, 4).toordinal(), main, without_time).total


def _wrong(diary: Diary, course: Course) -> int:
    kept = standing(course)
    days = [diary.calendar.day_of(a.start) for a in kept]
    return len(wrong_gaps(days, [diary.course("plan-p1").sessions[a.sequence] for a in kept]))


@settings(deadline=None)
@given(gains=st.lists(st.integers(1, 5), max_size=6), data=st.data())
def test_the_ranking_is_the_same_in_whatever_order_candidates_come(gains: list[int], data: st.DataObject) -> None:
    slot = at(date(2026, 3, 3), 10)
    some = [Candidate(f"p{n}", f"plan-{n}", 1, None, slot, "no-time", gain) for n, gain in enumerate(gains)]
    assert ranked(data.draw(st.permutations(some))) == ranked(some)
    assert [each.gain for each in ranked(some)] == sorted(gains, reverse=True)
