"""Whether booked courses are the best there are: the engine beside CP-SAT's proven optimum, and greedy booking."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.scheduling.cpsat import optimum
from benchmarks.scheduling.greedy import greedy_books
from benchmarks.scheduling.instances import NOW, Instance, Size, instance
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.objective import LEFT_OUT
from services.scheduling.domain.preview import Preview, preview

SIZES = (Size(5, 3, 0.6), Size(3, 2, 0.75), Size(5, 3, 0.85), Size(2, 2, 0.9))
"""From easy to nearly full."""


def optimality(seed: int, courses: int, report: Callable[[str], None]) -> dict[str, Any]:
    """Each course all or nothing, and with violations reported, against CP-SAT of the same instance."""
    gaps: list[float] = []
    ours, theirs = [], []
    wrongly, feasible, greedy = 0, 0, 0
    for number in range(courses):
        report(f"course {number + 1} of {courses} against CP-SAT")
        made = instance(seed * 1_000_000 + number, SIZES[number % len(SIZES)])
        began = time.perf_counter()
        found = _whole(made)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        best = optimum(made, strictly=True)
        theirs.append(time.perf_counter() - began)
        feasible += best is not None
        greedy += best is not None and greedy_books(made)
        wrongly += (found is None) != (best is None)
        if found is not None and best is not None:
            gaps.append(_gap(found, best))
        if best is None or best > LEFT_OUT:
            gaps.append(_gap(_reported(made).cost, optimum(made, strictly=False)))
    return {
        "courses": courses,
        "compared": len(gaps),
        "max_gap": max(gaps, default=0.0),
        "wrongly_infeasible": wrongly,
        "feasible": feasible,
        "greedy_feasible": greedy,
        "p50_ms": round(median(ours) * 1000, 3),
        "cpsat_p50_ms": round(median(theirs) * 1000, 1),
    }


def _whole(made: Instance) -> int | None:
    """What the course costs all or nothing; None where it is not booked."""
    whole = made.plan.model_copy(update={"booking": "all-or-nothing"})
    return _preview(Instance(made.schedule, whole)).cost


def _reported(made: Instance) -> Preview:
    return _preview(made)


def _preview(made: Instance) -> Preview:
    return preview(open_diary(made.schedule, made.plan, NOW), terms_of_plan(made.plan))


def _gap(found: int | None, best: int | None) -> float:
    """How much dearer than the best, as a fraction; infinite where only one of both exists."""
    if found is None or best is None:
        return 0.0 if found == best else float("inf")
    return abs(found - best) / max(best, 1)
