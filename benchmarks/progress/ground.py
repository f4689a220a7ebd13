"""What is tried: pain down by 40%, as the shipped foot-drop protocol says it."""

import random
from collections.abc import Callable, Iterator
from functools import cache

from services.progress.domain.record import Plan
from shared.events.intake import PlanCreated
from shared.protocols import load_protocols
from shared.settings import ROOT
from stride.trials.cohorts import Patient, Question, Response, patient
from stride.trials.courses import BASELINE_SESSIONS, as_kept, evenly, plan_created
from stride.trials.noise import Noise

Report = Callable[[str], None]

DAYS_APART = 3.5
"""Two sessions a week."""
_PROTOCOL, _MILESTONE = "foot-drop-acupuncture", "pain-40"
_TOLD_EVERY = 1000


@cache
def created() -> PlanCreated:
    """The plan that intake makes of the protocol."""
    return plan_created(load_protocols(ROOT / "protocols").by_id[_PROTOCOL])


@cache
def plan() -> Plan:
    """The same as progress keeps it."""
    return as_kept(created())


@cache
def question(sessions: int) -> Question:
    """The milestone over so many sessions after the baseline; pain begins at 6 on average, give or take 1."""
    terms = plan().terms
    assert terms is not None
    rule = next(rule for rule in terms.milestones if rule.milestone == _MILESTONE)
    spec = next(spec for spec in terms.measures if spec.measure == rule.measure)
    timeline = evenly(BASELINE_SESSIONS + sessions, DAYS_APART)
    return Question(plan(), rule, spec, timeline, start=(6.0, 1.0), step=1.0)


def cohort(
    seed: int, response: Response, sessions: int, patients: int, report: Report, *, noise: float = 1.0
) -> Iterator[Patient]:
    """So many patients of one response; the same seed gives the same ones."""
    rng = random.Random(f"{seed}/{response}/{sessions}/{noise}")
    asked = question(sessions)
    for number in range(patients):
        if number % _TOLD_EVERY == 0:
            report(f"{response}, {sessions} sessions, noise {noise:g}: {number:,} of {patients:,} patients")
        yield patient(rng, asked, response, Noise(times=noise))
