"""Patients whose true course is known: unchanged, half responders, responders, slow responders.

A response moves the true level in a straight line from where it began toward the milestone's
target: not at all, half the way, or a quarter to three quarters beyond it. The line begins three
sessions after the baseline and ends eight, for slow responders fifteen sessions after it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal, NamedTuple

from services.progress.domain.milestones import Verdict
from services.progress.domain.record import Plan
from services.progress.domain.verdicts import Verdicts, judge
from shared.events.clinical import MeasureSpec, MilestoneRule
from stride.trials.courses import BASELINE_READINGS, BASELINE_SESSIONS, Timeline, record_of
from stride.trials.noise import Noise, level, readings

Response = Literal["unchanged", "half", "full", "slow"]

_BEGINS = 3


class _Course(NamedTuple):
    """How far a response goes, as a share of the way to the target, evenly spread; and when it is all there."""

    least: float
    most: float
    ends: int


_COURSES: dict[Response, _Course] = {
    "unchanged": _Course(0, 0, 8),
    "half": _Course(0.5, 0.5, 8),
    "full": _Course(1.25, 1.75, 8),
    "slow": _Course(1.25, 1.75, 15),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is tried: a milestone of a plan, its measure read along a timeline."""

    plan: Plan
    rule: MilestoneRule
    spec: MeasureSpec
    timeline: Timeline
    start: tuple[float, float]
    """Mean and standard deviation of the patients' true values at the start, in the measure's unit."""
    step: float
    """Readings are written down in whole steps of this."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One simulated patient: what was read at each of the timeline's occasions, and when it truly was so."""

    taken: Sequence[float | None]
    true_from: int | None
    """The session from which on the target was truly met; None for never."""

    @property
    def baseline(self) -> Sequence[float]:
        """The baseline's readings; none of them is ever missing."""
        return [value for value in self.taken[:BASELINE_READINGS] if value is not None]


def patient(rng: random.Random, question: Question, response: Response, noise: Noise) -> Patient:
    """One patient of the cohort."""
    spec, timeline = question.spec, question.timeline
    start = level(spec, _starting_value(rng, question))
    way = target_level(spec, question.rule, start) - start
    course = _COURSES[response]
    reach = rng.uniform(course.least, course.most)
    truth = [start + way * reach * _progress(course, at) for at in timeline.read_at]
    taken = readings(rng, spec, truth, step=question.step, noise=noise, certain=BASELINE_READINGS)
    sessions = range(1, len(timeline.days) + 1)
    return Patient(taken, next((number for number in sessions if reach * _progress(course, number) >= 1), None))


def judged(question: Question, someone: Patient) -> Verdicts:
    """What progress makes of the patient's record."""
    (verdicts,) = judge(record_of(question.plan, question.spec, question.timeline, someone.taken))
    return verdicts


def reached_in(question: Question, verdicts: Verdicts) -> int | None:
    """The session at which the milestone was confirmed; None where it was not."""
    verdict = verdict_on(verdicts, question.rule)
    return question.timeline.session_at(verdict.reached_at) if verdict.reached_at else None


def verdict_on(verdicts: Verdicts, rule: MilestoneRule) -> Verdict:
    """The verdict on one milestone."""
    return next(verdict for verdict in verdicts.milestones if verdict.rule.milestone == rule.milestone)


def _progress(course: _Course, session: int) -> float:
    """The share of the response that is there by a session."""
    return min(1.0, max(0.0, (session - BASELINE_SESSIONS - _BEGINS) / (course.ends - _BEGINS)))


def target_level(spec: MeasureSpec, rule: MilestoneRule, start: float) -> float:
    """Where the milestone's change toward better leads to from the true level `start`."""
    change = (rule.change or 0.0) * (1 if spec.better == "higher" else -1)
    if rule.relative:
        return start + log(1 + change) if spec.scale == "log" else start * (1 + change)
    return log(exp(start) + change) if spec.scale == "log" else start + change


def _starting_value(rng: random.Random, question: Question) -> float:
    """A true value that leaves room for the change on both sides."""
    mean, deviation = question.start
    return max(mean - 2 * deviation, min(mean + 2 * deviation, rng.gauss(mean, deviation)))
