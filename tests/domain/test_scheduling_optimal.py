"""Booked courses are the best there are: CP-SAT's proven optimum of the same objective, on a fixed set."""

import pytest

from benchmarks.scheduling.cpsat import optimum
from benchmarks.scheduling.instances import NOW, Instance, Size, instance
from services.scheduling.domain import placing
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.preview import Preview, preview
from services.scheduling.domain.quality import quality_of
from shared.events.clinical import CoIntervention, Phase, VisitLimit
from tests.domain.scheduling_examples import overlaps, tell

TAPER = (
    Phase(name="thrice", sessions_per_week=3, weeks=1, min_gap_days=1, max_gap_days=4),
    Phase(name="twice", sessions_per_week=2, weeks=1, min_gap_days=2, max_gap_days=5),
    Phase(name="weekly", sessions_per_week=1, weeks=1, min_gap_days=5, max_gap_days=9),
)
ROOMY, NARROW, FULL = Size(3, 2, 0.5), Size(3, 2, 0.8), Size(2, 1, 0.97)
CASES = [(seed, size) for size in (ROOMY, NARROW, FULL) for seed in range(4)]


def cost(made: Instance, **plan: object) -> int | None:
    wanted = made.plan.model_copy(update=plan)
    return preview(open_diary(made.schedule, wanted, NOW), terms_of_plan(wanted)).cost


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_a_course_costs_what_cp_sat_proves_to_be_the_least(seed: int, size: Size) -> None:
    made = instance(seed, size, TAPER)
    assert cost(made, booking="all-or-nothing") == optimum(made, strictly=True)


@pytest.mark.parametrize("seed", range(2))
def test_where_rules_must_be_broken_as_little_is_broken_as_cp_sat_proves_possible(seed: int) -> None:
    made = instance(seed, FULL, TAPER)
    best, whole = optimum(made, strictly=False), optimum(made, strictly=True)
    assert whole is None or whole > 10_000
    assert cost(made) == best


def test_with_therapy_on_the_same_day_a_course_costs_what_cp_sat_proves_to_be_the_least() -> None:
    therapy = (CoIntervention(kind="physical-therapy", same_day=True, within_minutes=60),)
    shares: list[float] = []
    for seed in range(10):
        made = instance(seed, Size(4, 2, 0.8), TAPER)
        wanted = made.plan.model_copy(update={"co_interventions": therapy, "booking": "all-or-nothing"})
        shown = preview(open_diary(made.schedule, wanted, NOW), terms_of_plan(wanted))
        assert shown.cost == optimum(Instance(made.schedule, wanted), strictly=True)
        share = shown.quality.same_day_therapy
        if share is not None:
            missing = [conflict for conflict in shown.conflicts if conflict.kind == "no-therapy"]
            assert round(share * len(shown.appointments)) == len(shown.appointments) - len(missing)
            shares.append(share)
    assert any(0 < share < 1 for share in shares), "the term decides in some of the cases"


LIMITS = (VisitLimit(sessions=3, within_days=10), VisitLimit(sessions=4, within_days=16))


def limited(seed: int) -> tuple[Preview, int | None]:
    """A course under limits on visits, booked as a whole, and CP-SAT's optimum."""
    made = instance(seed, NARROW if seed % 2 else ROOMY, TAPER)
    wanted = made.plan.model_copy(update={"limits": LIMITS, "booking": "all-or-nothing"})
    shown = preview(open_diary(made.schedule, wanted, NOW), terms_of_plan(wanted))
    return shown, optimum(Instance(made.schedule, wanted), strictly=True)


def test_within_limits_on_visits_a_course_costs_what_cp_sat_proves_to_be_the_least() -> None:
    found = [limited(seed) for seed in range(8)]
    assert [shown.cost for shown, _ in found] == [best for _, best in found]
    assert all(shown.quality.proven_optimal for shown, best in found if best is not None)
    free = [cost(instance(seed, NARROW if seed % 2 else ROOMY, TAPER), booking="all-or-nothing") for seed in range(8)]
    assert sum(best != without for (_, best), without in zip(found, free, strict=True)) > 2, "the limits bind"


def test_a_search_that_was_cut_short_is_not_called_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_BRANCHES", 0)
    found = [limited(seed) for seed in range(8)]
    dearer = [shown for shown, best in found if best is not None and shown.cost != best]
    assert dearer, "without branches some are dearer than they need to be"
    assert not any(shown.quality.proven_optimal for shown in dearer)


def test_the_cases_are_of_both_kinds() -> None:
    found = [cost(instance(seed, size, TAPER), booking="all-or-nothing") for seed, size in CASES]
    assert 0 < found.count(None) < len(found)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_what_is_booked_costs_what_was_promised_and_is_reported_as_it_is(seed: int, size: Size) -> None:
    made = instance(seed, size, TAPER)
    shown = preview(open_diary(made.schedule, made.plan, NOW), terms_of_plan(made.plan))
    state, _ = tell(made.schedule, made.plan)
    course = state.patients["p1"].courses[made.plan.plan_id]
    assert overlaps(state) == []
    assert state.calendar
    assert quality_of(course, state.calendar) == shown.quality
    assert shown.quality.spacing_violations == 0 or shown.quality.left_out
    assert shown.quality.left_out + shown.quality.sessions == 6
