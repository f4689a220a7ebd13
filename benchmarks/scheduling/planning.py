"""How long it takes to plan a whole course, as scheduling's handler does it: no I/O."""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.scheduling.instances import NOW, Size, instance
from services.scheduling.domain.decide import open_course

SMALL = Size(practitioners=5, rooms=3, load=0.6)
LARGE = Size(practitioners=50, rooms=30, load=0.6)


def planning(seed: int, courses: int, large: int) -> dict[str, Any]:
    """Percentiles of the time for one course, in clinics of 5 practitioners and 3 rooms, and of 50 and 30."""
    small = _milliseconds(seed, courses, SMALL)
    return {
        "courses": courses,
        "p50_ms": _percentile(small, 0.50),
        "p99_ms": _percentile(small, 0.99),
        "large_courses": large,
        "large_p99_ms": _percentile(_milliseconds(seed, large, LARGE), 0.99),
    }


def _milliseconds(seed: int, courses: int, size: Size) -> list[float]:
    spent: list[float] = []
    for number in range(courses):
        made = instance(seed * 1_000_000 + number, size)
        began = time.perf_counter()
        open_course(made.schedule, made.plan, NOW)
        spent.append((time.perf_counter() - began) * 1000)
    return sorted(spent)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
