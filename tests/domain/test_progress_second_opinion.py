"""Progress beside a second, straightforward implementation of its rules: the same verdicts on random courses."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import pytest

from services.progress.domain import keeping
from services.progress.domain.record import Adjustment, AdverseEvent, PatientRecord, ProposalAnswer, Reading, Session
from services.progress.domain.verdicts import Verdicts, judge
from shared.events.clinical import MeasureSpec
from shared.ids import derived_id
from tests.domain.progress_story import GRADE_UP, MRC, PAIN, PAIN_40, PLAN, STRENGTH, STRENGTH_20, Story, at
from tests.domain.second_opinion import (
    Care,
    Stage,
    Taken,
    baseline_of,
    first_confirmed,
    first_grade_up,
    plateaus,
    regressions,
)

_PLANNED = keeping.keep_plan(PatientRecord("clinic", "patient"), Story().plan())


def random_readings(rng: random.Random, *, reduction: bool) -> list[Taken]:
    """Readings at home and in sessions, with gaps, double days and every kind of outcome."""
    start, speed = (rng.uniform(3, 9), -rng.uniform(0, 0.6)) if reduction else (rng.uniform(40, 200), rng.uniform(0, 9))
    scatter = 1.3 if reduction else start * 0.08
    turn, relapses = rng.choice([10, 20, 1000]), (0.3 if reduction else -start * 0.03)
    taken: list[Taken] = []
    day = -rng.choice([0.0, 2.0, 5.0])
    while len(taken) < rng.choice([8, 16, 26]):
        relapse = relapses * max(0.0, day - turn)
        value = start + speed * max(0.0, min(day, turn) / 3) + relapse + rng.gauss(0, scatter)
        value = float(min(10, max(0, round(value)))) if reduction else max(1.0, round(value, 1))
        taken.append((at(day), value))
        day += rng.choice([0.2, 1, 2, 3, 3, 3, 3, 3, 4, rng.choice([7, 25])])
    return taken


def judged(taken: Sequence[Taken], spec: MeasureSpec) -> Verdicts:
    """What progress makes of the readings, in a course with a session every three days."""
    readings = [
        Reading(f"m-{i:02}", 0, spec.measure, value, spec.unit, moment, None, None, None, False, PLAN, None)
        for i, (moment, value) in enumerate(taken)
    ]
    sessions = [Session(f"s-{n}", PLAN, at((n - 1) * 3), at((n - 1) * 3 + 0.03)) for n in range(1, 5)]
    (verdicts,) = judge(
        _PLANNED._replace(
            sessions={session.session_id: session for session in sessions},
            readings={reading.measurement_id: reading for reading in readings},
        )
    )
    return verdicts


@pytest.mark.parametrize("spec", [PAIN, STRENGTH], ids=["pain-40", "strength-20"])
def test_a_second_plain_implementation_gives_the_same_verdicts_on_5000_random_series_of_each_kind(
    spec: MeasureSpec,
) -> None:
    rng = random.Random(20260105)
    rule, reduction = (PAIN_40, True) if spec is PAIN else (STRENGTH_20, False)
    reached = worse = 0
    for _ in range(5000):
        taken = random_readings(rng, reduction=reduction)
        verdicts = judged(taken, spec)
        verdict = next(each for each in verdicts.milestones if each.rule == rule)
        expected = first_confirmed(taken, at(3), sigma0=spec.sigma, reduction=reduction)
        assert (verdict.at if verdict.reached_at else None) == expected
        fell = regressions(taken, baseline_of(taken, at(3)), spec)
        assert [regression.at for regression in verdicts.regressions] == fell
        reached, worse = reached + (expected is not None), worse + bool(fell)
    assert 600 < reached < 4500, "both outcomes are well represented"
    assert worse > 50, "and so are regressions"


_GRADED = keeping.keep_plan(
    PatientRecord("clinic", "patient"), Story().plan(measures=(PAIN, MRC), milestones=(PAIN_40, GRADE_UP))
)
_SESSION = timedelta(minutes=45)


@dataclass(frozen=True)
class Random:
    """A random course: pain at sessions and at home, gradings by two raters, adverse events, changes of the plan."""

    pain: list[Taken]
    gradings: Mapping[str, list[Taken]]
    starts: list[datetime]
    harms: list[datetime]
    stages: list[Stage]
    declined: Mapping[int, datetime]

    def record(self) -> PatientRecord:
        """The course as progress keeps it."""
        readings = [_pain(f"m-{i:02}", *one) for i, one in enumerate(self.pain)]
        for rater, taken in self.gradings.items():
            readings += [_graded(f"{rater}-{i:02}", *one, rater) for i, one in enumerate(taken)]
        version, _, _ = self.stages[-1]
        answers = [
            ProposalAnswer(derived_id("proposal", PLAN, version, step, *((number,) if number else ())), when, False)
            for number, when in self.declined.items()
            for step in (0, 1, 2)
        ]
        adjusted = tuple(Adjustment(version, step, since.date()) for version, step, since in self.stages[1:])
        return _GRADED._replace(
            plans={PLAN: replace(_GRADED.plans[PLAN], adjustments=adjusted)},
            sessions={f"s-{n:02}": Session(f"s-{n:02}", PLAN, t, t + _SESSION) for n, t in enumerate(self.starts)},
            readings={reading.measurement_id: reading for reading in readings},
            adverse_events={(f"ae-{i}", ""): AdverseEvent(f"ae-{i}", "", 2, t) for i, t in enumerate(self.harms)},
            answers={answer.proposal_id: answer for answer in answers},
        )


def _pain(name: str, moment: datetime, value: float) -> Reading:
    return Reading(name, 0, PAIN.measure, value, PAIN.unit, moment, None, None, None, False, PLAN, None)


def _graded(name: str, moment: datetime, grade: float, rater: str) -> Reading:
    return Reading(name, 0, MRC.measure, grade, MRC.unit, moment, None, None, rater, False, PLAN, None)


def random_course(rng: random.Random) -> Random:
    """Mostly getting better, with relapses, gaps, harms, steps along the ladder and declined proposals."""
    starts, day = list[datetime](), 0.0
    for _ in range(rng.choice([8, 14, 20, 26])):
        starts.append(at(day))
        day += rng.choice([2, 3, 3, 3, 4, 7, rng.choice([3, 7, 30])])
    start, speed, turn = rng.uniform(4, 9), rng.uniform(0, 0.8), rng.choice([12, 40, 1000, 1000, 1000])
    trend = [(starts[0] - timedelta(days=rng.uniform(1, 4)), start)] if rng.random() < 0.7 else []
    for n, moment in enumerate(starts):
        if rng.random() < 0.85:
            relapse = 0.9 * max(0, n - turn / 3)
            trend.append((moment, max(start - speed * min(n, turn / 3), 1.0) + relapse))
    pain = [(moment, float(min(10, max(0, round(rng.gauss(level, 0.9)))))) for moment, level in trend]
    gradings = {rater: _random_gradings(rng, starts) for rater in ("ra", "rb")}
    harms = [rng.choice(starts) + timedelta(minutes=10) for _ in range(rng.choice([0, 0, 0, 1]))]
    return Random(pain, gradings, starts, harms, _random_stages(rng, starts), _random_answers(rng, starts))


def _random_gradings(rng: random.Random, starts: Sequence[datetime]) -> list[Taken]:
    grade, taken = rng.choice([1, 2, 3]), list[Taken]()
    if rng.random() < 0.7:
        taken.append((starts[0] - timedelta(days=2), float(grade)))
    for moment in starts:
        grade = min(5, max(0, grade + rng.choice([0, 0, 0, 0, 1, -1])))
        if rng.random() < 0.5:
            taken.append((moment + timedelta(minutes=1), float(grade)))
    return taken


def _random_stages(rng: random.Random, starts: Sequence[datetime]) -> list[Stage]:
    """The plan as it was made, and up to four adjustments, forward and back."""
    stages: list[Stage] = [(1, 0, datetime.min.replace(tzinfo=UTC))]
    days = sorted(rng.sample(range(len(starts)), k=min(len(starts), rng.choice([0, 0, 1, 1, 2, 4]))))
    for version, index in enumerate(days, start=2):
        step = 1 - stages[-1][1] if rng.random() < 0.8 else rng.choice([0, 1])
        midnight = datetime.combine(starts[index].date(), time(), UTC)
        stages.append((version, step, midnight))
    return stages


def _random_answers(rng: random.Random, starts: Sequence[datetime]) -> dict[int, datetime]:
    return {number: rng.choice(starts) for number in range(rng.choice([0, 0, 1, 2]))}


def test_it_gives_the_same_plateaus_grades_and_taper_proposals_on_10000_random_courses() -> None:
    rng = random.Random(20260701)
    seen: Counter[str] = Counter()
    for _ in range(10_000):
        course = random_course(rng)
        (verdicts,) = judge(course.record())
        second, ends = course.starts[1], [start + _SESSION for start in course.starts]
        graded = next(each for each in verdicts.milestones if each.rule == GRADE_UP)
        assert graded.reached_at == first_grade_up(course.gradings, second)
        still = [plateau.review for plateau in verdicts.plateaus]
        assert still == plateaus(course.pain, ends, PAIN, second)
        falls = [
            (series[at_][0], series, at_)
            for series, spec in ((course.pain, PAIN), *((taken, MRC) for taken in course.gradings.values()))
            for at_ in regressions(series, baseline_of(series, second), spec)
        ]
        assert sorted(fall.detected_at for fall in verdicts.regressions) == sorted(when for when, _, _ in falls)
        care = Care(course.pain, PAIN, course.starts, ends, falls, course.harms, course.stages, course.declined)
        proposed = [(proposal.proposed_at, proposal.to_step) for proposal in verdicts.proposals]
        assert proposed == care.proposals()
        seen.update(
            grade=graded.reached_at is not None,
            plateau=len(still),
            forward=sum(to > course.stages[-1][1] for _, to in proposed),
            back=sum(to < course.stages[-1][1] for _, to in proposed),
            again=len(proposed) > 1,
        )
    assert min(seen.values()) > 100, seen
