"""Regressions and taper steps: how often they are false, and whether real ones are found."""

import random
from typing import Any

from benchmarks.progress.ground import Report, cohort, question
from services.progress.domain.verdicts import Verdicts
from stride.trials.cohorts import Patient, judged
from stride.trials.courses import BASELINE_READINGS, BASELINE_SESSIONS
from stride.trials.figures import Share, share
from stride.trials.noise import Noise, readings

_STABLE_SESSIONS, _STABLE_PAIN = 20, 4.0
_WORSE_FROM, _FOUND_WITHIN, _LOW_PAIN, _WORSE_BY = 12, 12, 3.0, 3.0


def regressions(seed: int, patients: int, report: Report) -> dict[str, Any]:
    """In 20 stable sessions; and of rises by 3 points, those found within 12 sessions."""
    stable = _share(seed, [_STABLE_PAIN] * (1 + BASELINE_SESSIONS + _STABLE_SESSIONS), patients, report)
    rise = [_LOW_PAIN] * (1 + _WORSE_FROM) + [_LOW_PAIN + _WORSE_BY] * _FOUND_WITHIN
    found = _share(seed, rise, patients, report)
    return {
        "regression": {"false": stable.percent, "found_3": found.percent},
        "intervals": {"regression.false": stable.interval, "regression.found_3": found.interval},
    }


def _share(seed: int, truth: list[float], patients: int, report: Report) -> Share:
    """The share of patients with this true pain, from the consultation on, in whom a regression is told."""
    asked = question(len(truth) - 1 - BASELINE_SESSIONS)
    rng = random.Random(f"{seed}/{truth}")
    told: list[bool] = []
    for number in range(patients):
        if number % 1000 == 0:
            report(f"pain {truth[0]:g} to {truth[-1]:g}: {number:,} of {patients:,} patients")
        taken = readings(rng, asked.spec, truth, step=asked.step, noise=Noise(), certain=BASELINE_READINGS)
        told.append(bool(judged(asked, Patient(taken, None)).regressions))
    return share(told)


def tapers(seed: int, patients: int, report: Report, sessions: int = 24) -> dict[str, Any]:
    """Half-responders to whom a step down the ladder is proposed within 24 sessions, and within 12."""
    asked = question(sessions)
    steps = [_first_step(judged(asked, someone)) for someone in cohort(seed, "half", sessions, patients, report)]
    early = share([0 < step <= BASELINE_SESSIONS + 12 for step in steps])
    ever = share([step > 0 for step in steps])
    return {
        "taper_false": ever.percent,
        "taper_false_12": early.percent,
        "intervals": {"taper_false": ever.interval, "taper_false_12": early.interval},
    }


def _first_step(verdicts: Verdicts) -> int:
    """The session by which a step forward is proposed; 0 for never."""
    moments = [proposal.proposed_at for proposal in verdicts.proposals if proposal.to_step > proposal.from_step]
    return sum(session.started_at <= min(moments) for session in verdicts.course.sessions) if moments else 0
