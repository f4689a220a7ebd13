"""Whether booked courses are the best there are: the engine beside CP-SAT's proven optimum, and greedy booking."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.scheduling.cpsat import NotProven, optimum
from benchmarks.scheduling.greedy import greedy_books
from benchmarks.scheduling.instances import NOW, Instance, Size, instance
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.objective import LEFT_OUT
from services.scheduling.domain.preview import Preview, preview

SIZES = (Size(5, 3, 0.5), Size(5, 3, 0.7), Size(3, 2, 0.6), Size(3, 2, 0.75))
"""From easy to hard."""
_LENIENT_EVERY = 4
"""CP-SAT takes long where sessions may be left out: so every so manieth of those courses is compared."""


def optimality(seed: int, courses: int, report: Callable[[str], None]) -> dict[str, Any]:
    """Each course all or nothing, and with violations reported, against CP-SAT of the same instance."""
    found = _Compared()
    for number in range(courses):
        report(f"course {number + 1} of {courses} against CP-SAT")
        made = instance(seed * 1_000_000 + number, SIZES[number % len(SIZES)])
        try:
            _compare(found, made, leniently=number % _LENIENT_EVERY == 0)
        except NotProven:
            found.unproven += 1
    return {
        "courses": courses,
        "unproven": found.unproven,
        "compared": len(found.gaps),
        "max_gap": max(found.gaps, default=0.0),
        "wrongly_infeasible": found.wrongly,
        "feasible": found.feasible,
        "greedy_feasible": found.greedy,
        "p50_ms": round(median(found.ours) * 1000, 3),
        "cpsat_p50_ms": round(median(found.theirs) * 1000, 1),
    }


@dataclass(slots=True)
class _Compared:
    gaps: list[float] = field(default_factory=list[float])
    ours: list[float] = field(default_factory=list[float])
    theirs: list[float] = field(default_factory=list[float])
    wrongly: int = 0
    feasible: int = 0
    greedy: int = 0
    unproven: int = 0
    """CP-SAT ran out of time."""


def _compare(into: _Compared, made: Instance, *, leniently: bool) -> None:
    began = time.perf_counter()
    found = _whole(made)
    into.ours.append(time.perf_counter() - began)
    began = time.perf_counter()
    best = optimum(made, strictly=True)
    into.theirs.append(time.perf_counter() - began)
    into.feasible += best is not None
    into.greedy += best is not None and greedy_books(made)
    into.wrongly += (found is None) != (best is None)
    if found is not None and best is not None:
        into.gaps.append(_gap(found, best))
    if leniently and (best is None or best > LEFT_OUT):
        into.gaps.append(_gap(_reported(made).cost, optimum(made, strictly=False)))


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
