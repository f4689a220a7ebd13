"""What a protocol's milestones do on simulated patients, at the protocol's own cadence, before anybody uses them."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from services.progress.domain.record import Plan
from shared.events.clinical import MeasureSpec, MilestoneRule
from shared.measures import ProtocolMeasure
from shared.protocols import Protocol
from stride.trials.cohorts import Patient, Question, Response, judged, patient, reached_in
from stride.trials.courses import BASELINE_SESSIONS, as_kept, plan_created, planned
from stride.trials.figures import Share, quantile, share
from stride.trials.noise import Noise

_START = {"lower": 0.6, "higher": 0.4}
"""Where patients truly begin on a linear scale, as a share of its range: with room for the change."""
_SPREAD = 1.0
"""In sigma of one reading."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a milestone fares: what is confirmed by when, of patients whose true course is known."""

    milestone: str
    title: str
    readings: int
    """Readings after the baseline in the whole course."""
    sessions: int
    unchanged: Share
    half: Share
    reached: Share
    early: Share
    median_delay: float | None
    """In sessions after it was truly so; None where most are never confirmed."""
    p90_delay: float | None
    noisy: Share
    """Unchanged patients, with noise 1.5 times the assumed."""
    curves: dict[str, tuple[float, ...]]
    """By response, the percentage confirmed by each session of the course."""

    def as_json(self) -> dict[str, Any]:
        """Percentages with their 95% confidence intervals."""
        shares = {
            "false_no_change": self.unchanged,
            "false_half": self.half,
            "sensitivity": self.reached,
            "early": self.early,
            "false_no_change_noise_1_5": self.noisy,
        }
        return {
            "milestone": self.milestone,
            "sessions": self.sessions,
            "readings_after_baseline": self.readings,
            **{name: {"percent": each.percent, "interval_95": each.interval} for name, each in shares.items()},
            "median_delay_sessions": self.median_delay,
            "p90_delay_sessions": self.p90_delay,
        }


KINDS = 4
"""Kinds of patients that each milestone is tried on: unchanged, half responders, responders, unchanged but noisy."""

Advance = Callable[[str], None]
"""Called once for each patient, with what is being tried."""


def trial(protocol: Protocol, patients: int, seed: int, advance: Advance) -> list[Outcome]:
    """Each milestone that can be, tried on so many patients of each kind."""
    plan = as_kept(plan_created(protocol))
    entries = {entry.measure: entry for entry in protocol.measures}
    questions = [_question(plan, protocol, rule, entries[str(rule.measure)]) for rule in tried(protocol)]
    return [_outcome(question, patients, seed, advance) for question in questions]


def tried(protocol: Protocol) -> list[MilestoneRule]:
    """The milestones that can be simulated: changes of a measure."""
    return [rule for rule in protocol.milestones if rule.kind == "confirmed-change" and not rule.expected_curve]


def untried(protocol: Protocol) -> list[MilestoneRule]:
    """Those along an expected curve: what is expected of a patient only a clinician can say."""
    return [rule for rule in protocol.milestones if rule.expected_curve]


def _question(plan: Plan, protocol: Protocol, rule: MilestoneRule, entry: ProtocolMeasure) -> Question:
    timeline = planned(protocol.phases, entry.every_sessions)
    return Question(plan, rule, entry.spec, timeline, _start(entry.spec), entry.about.step)


def _start(spec: MeasureSpec) -> tuple[float, float]:
    """Mean and spread of the true values at the start: within the range, with room for the change."""
    if spec.scale == "log":
        mean = (spec.low * spec.high) ** 0.5
        return mean, _SPREAD * spec.sigma * mean
    return spec.low + _START[spec.better] * (spec.high - spec.low), _SPREAD * spec.sigma


def _outcome(question: Question, patients: int, seed: int, advance: Advance) -> Outcome:
    def reached(kind: Response, noise: float = 1.0) -> Reached:
        found: list[tuple[Patient, int | None]] = []
        for someone in _drawn(question, kind, patients, seed, noise):
            advance(f"{question.rule.milestone}: {patients:,} patients of each kind")
            found.append((someone, reached_in(question, judged(question, someone))))
        return found

    unchanged, half, full, noisy = reached("unchanged"), reached("half"), reached("full"), reached("unchanged", 1.5)
    delays = [inf if at is None else at - (someone.true_from or 0) for someone, at in full]
    sessions = len(question.timeline.days)
    return Outcome(
        milestone=question.rule.milestone,
        title=question.rule.title,
        readings=sum(at > BASELINE_SESSIONS for at in question.timeline.read_at),
        sessions=sessions,
        unchanged=_confirmed(unchanged),
        half=_confirmed(half),
        reached=_confirmed(full),
        early=share([delay < 0 for delay in delays]),
        median_delay=quantile(delays, 0.5),
        p90_delay=quantile(delays, 0.9),
        noisy=_confirmed(noisy),
        curves={
            "unchanged": _curve(unchanged, sessions),
            "half": _curve(half, sessions),
            "full": _curve(full, sessions),
        },
    )


Reached = Sequence[tuple[Patient, int | None]]


def _drawn(question: Question, response: Response, patients: int, seed: int, noise: float) -> Iterator[Patient]:
    rng = random.Random(f"{seed}/{question.rule.milestone}/{response}/{noise}")  # noqa: S311  # simulation, no secrets
    return (patient(rng, question, response, Noise(times=noise)) for _ in range(patients))


def _confirmed(found: Reached) -> Share:
    return share([at is not None for _, at in found])


def _curve(found: Reached, sessions: int) -> tuple[float, ...]:
    return tuple(
        share([at is not None and at <= session for _, at in found]).percent for session in range(1, sessions + 1)
    )
