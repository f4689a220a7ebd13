"""Scheduling's figures for people: each beside its reference and its goal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.lines import Line, at_least, at_most, drawn

_GOALS = {
    "14": {"spacing": (0.77, True), "continuity": (0.92, True), "days_to_first": (5, False)},
    "17": {
        "spacing": (0.70, True),
        "days_to_first": (8, False),
        "use": (0.77, True),
        "refill": (0.60, True),
        "offers_per_slot": (3, False),
    },
}
"""By new plans a week: each measure's goal, and whether more is better."""


def table(found: Mapping[str, Any]) -> Table:
    """All figures that were measured."""
    rows = (line for name, section in _SECTIONS.items() if name in found for line in section(found[name]))
    return drawn("stride bench scheduling", rows)


def _plan(found: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(f"planning a course, 5 x 3, p50 of {found['courses']}", f"{found['p50_ms']:.1f} ms")
    yield at_most("  p99", found["p99_ms"], 10, "ms")
    yield at_most(f"planning a course, 50 x 30, p99 of {found['large_courses']}", found["large_p99_ms"], 60, "ms")


def _optimal(found: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(
        f"courses compared with CP-SAT: {found['courses']}",
        f"{found['p50_ms']:.1f} ms",
        f"CP-SAT {found['cpsat_p50_ms']:.0f} ms",
    )
    yield at_most("  largest gap to the proven optimum", found["max_gap"], 0)
    yield at_most("  infeasible where CP-SAT is feasible, or the reverse", found["wrongly_infeasible"], 0)
    missed = found["feasible"] - found["greedy_feasible"]
    yield Line("  booked whole", f"{found['feasible']}", f"greedy fails in {missed} of them")


def _leave(found: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(f"leave, {found['cases']} times, up to {found['most_sessions']} sessions", f"{found['mean_ms']:.0f} ms")
    yield at_most("  slowest complete answer", found["ms"], 50, "ms")
    before = f"{found['gap_before_search']:.1%} before the search of {found['search_ms']:,.0f} ms"
    name = f"  above the joint optimum, or its bound in {found['unproven']}"
    yield Line(name, f"{found['gap']:.2%}", before, "<= 1%", found["gap"] <= 0.01)
    yield at_most("  unaffected sessions moved", found["moved_unaffected"], 0)


def _clinic(found: Mapping[str, Any]) -> Iterator[Line]:
    for arrivals, goals in _GOALS.items():
        ours = found[arrivals]
        yield Line(
            f"simulated clinic, {arrivals} plans a week: {found['seeds']} runs", "", " / ".join(ours["references"])
        )
        for name, (goal, at_least_it) in goals.items():
            others = " / ".join(f"{each[name]:.2f}" for each in ours["references"].values())
            line = at_least if at_least_it else at_most
            yield line(f"  {name.replace('_', ' ')}", ours[name], goal, against=others)


def _hot(found: Mapping[str, Any]) -> Iterator[Line]:
    references = found["references"]
    rates = " / ".join(f"{name} {each['courses_per_s']:.0f}/s" for name, each in references.items())
    slow = " / ".join(f"{each['p99_ms']:,.0f} ms" for each in references.values())
    dead = " / ".join(str(each["deadlocks"]) for each in references.values())
    yield at_least(f"hot clinic, {found['writers']} writers: courses a second", found["courses_per_s"], 100, rates)
    yield at_most("  p99", found["p99_ms"], 250, "ms", slow)
    yield at_most("  deadlocks", found["deadlocks"], 0, against=dead)
    yield at_most("  overlaps", found["overlaps"], 0)
    yield at_most("  courses in part", found["partial"], 0)


def _growth(found: Mapping[str, Any]) -> Iterator[Line]:
    few, many = found["appointments"]
    for name, what in (("busy_ms", "loading who is taken"), ("booking_ms", "booking a course")):
        yield Line(f"{what}, among {many:,} appointments", f"{found['large'][name]:.1f} ms",
                   f"among {few:,}: {found['small'][name]:.1f} ms")  # fmt: skip
    yield at_most("  the larger of both ratios", found["of_small"], 1.5)
    yield at_most("  large tables read from end to end", len(found["scans"]), 0)


_SECTIONS = {
    "plan": _plan,
    "optimal": _optimal,
    "leave": _leave,
    "clinic": _clinic,
    "hot": _hot,
    "growth": _growth,
}
