"""Simulated patients: integers 0 to 10 around a true course, noise as in clinical.md."""

import math
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

from services.progress.domain import keeping
from services.progress.domain.record import PatientRecord, Reading, Session
from tests.domain.progress_story import PLAN, Story, at

_PLANNED = keeping.keep_plan(PatientRecord("clinic", "patient"), Story().plan())
_WHITE, _CORRELATED, _RHO = 0.64, 0.8, 0.4
_MISSING, _TYPING_ERRORS = 0.15, 0.01


def record_of(readings: Sequence[Reading], sessions: int) -> PatientRecord:
    """A patient with a plan, sessions every three days, and these readings."""
    held = [
        Session(f"s-{n}", PLAN, at((n - 1) * 3), at((n - 1) * 3) + timedelta(minutes=45))
        for n in range(1, sessions + 1)
    ]
    return PatientRecord(
        "clinic",
        "patient",
        plans=_PLANNED.plans,
        sessions={session.session_id: session for session in held},
        readings={reading.measurement_id: reading for reading in readings},
    )


def simulated(rng: random.Random, truth: Callable[[int], float], sessions: int, noise: float = 1.0) -> PatientRecord:
    """A patient whose true pain at session n is `truth(n)`; three readings make the baseline.

    White noise .64 and AR(1) noise .8 with rho .4, both times `noise`; 15% of the later readings are
    missing, 1% of all are typing errors.
    """
    readings: list[Reading] = []
    drift = rng.gauss(0, _CORRELATED)
    for number in range(sessions + 1):
        value = truth(number) + noise * (drift + rng.gauss(0, _WHITE))
        drift = _RHO * drift + math.sqrt(1 - _RHO**2) * rng.gauss(0, _CORRELATED)
        score = rng.randint(0, 10) if rng.random() < _TYPING_ERRORS else min(10, max(0, round(value)))
        if number <= 2 or rng.random() >= _MISSING:
            moment = at((number - 1) * 3)
            readings.append(
                Reading(f"m-{number:02}", 0, "pain", score, "{score}", moment, None, None, None, False, PLAN, None)
            )
    return record_of(readings, sessions)
