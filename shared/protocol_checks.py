"""Whether the parts of a protocol fit together; every mistake says where it is and how to mend it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.data_files import Mistake
from shared.events.clinical import ExpectedPoint, MilestoneRule, Phase

if TYPE_CHECKING:
    from shared.measures import Measure
    from shared.protocols import Protocol

Place = tuple[int | str, ...]


def mistakes_in(protocol: "Protocol") -> list[Mistake]:
    """Every contradiction in `protocol`; empty where it is sound."""
    return [
        *_measure_mistakes(protocol),
        *_milestone_mistakes(protocol),
        *_ladder_mistakes(protocol),
        *_customisation_mistakes(protocol),
        *_phase_mistakes(protocol.phases, ("phases",)),
        *(m for n, step in enumerate(protocol.ladder) for m in _phase_mistakes(step.phases, ("ladder", n, "phases"))),
        *_limit_mistakes(protocol, protocol.phases, ("limits",)),
    ]


def _measure_mistakes(protocol: "Protocol") -> Iterator[Mistake]:
    names = [entry.measure for entry in protocol.measures]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Mistake(("measures", index), f"two measures have the same name, {name}: leave one out")


def _milestone_mistakes(protocol: "Protocol") -> Iterator[Mistake]:
    rules = protocol.milestones
    names = [rule.milestone for rule in rules]
    for index, rule in enumerate(rules):
        place = ("milestones", index)
        if rule.milestone in names[:index]:
            yield Mistake(place, f"two milestones have the same name, {rule.milestone}: give this one another")
        for part, text in _rule_mistakes(protocol, rule):
            yield Mistake((*place, part), f"milestone {rule.milestone}: {text}")
    if sum(rule.primary for rule in rules) != 1:
        yield Mistake(("milestones",), "exactly one milestone must be primary: set `primary: true` on that one")


def _rule_mistakes(protocol: "Protocol", rule: MilestoneRule) -> Iterator[tuple[str, str]]:
    if rule.kind == "session-count":
        if rule.sessions is None:
            yield "sessions", "sessions is missing: say after how many"
        return
    entry = next((entry for entry in protocol.measures if entry.measure == rule.measure), None)
    if entry is None or rule.change is None:
        yield "measure" if entry is None else "change", "needs change, and a measure that the protocol has"
    if rule.passes > rule.window:
        yield "passes", f"passes can't exceed window: at most {rule.window}"
    if entry is not None and rule.change is not None:
        yield from _change_mistakes(rule, rule.change, entry.about)
    yield from _curve_mistakes(rule, entry.about if entry else None)


def _change_mistakes(rule: MilestoneRule, change: float, measure: "Measure") -> Iterator[tuple[str, str]]:
    if change <= 0:
        yield "change", "a change is toward better and above 0"
    if measure.by_rater and rule.relative:
        yield "relative", f"{measure.measure} is graded, and grades have no percentages: set `relative: false`"
    if rule.relative and change >= 1 and measure.better == "lower" and not rule.expected_curve:
        yield "change", "nothing falls by 100% or more: 0.40 means 40%"
    if not rule.relative and change > measure.high - measure.low:
        yield "change", f"{measure.measure} spans only {measure.high - measure.low:g} {measure.unit}"


def _curve_mistakes(rule: MilestoneRule, measure: "Measure | None") -> Iterator[tuple[str, str]]:
    if rule.expected and not rule.expected_curve:
        yield "expected", "a curve without `expected_curve: true` is never looked at: set it, or leave the curve out"
    if not rule.expected_curve:
        return
    if not rule.relative:
        yield "relative", "faster than a curve is a fraction: leave `relative` out, and 0.25 means 25% faster"
    if rule.primary:
        yield "primary", "the taper follows a target that stands still: make another milestone primary"
    if measure and measure.by_rater:
        yield "measure", f"{measure.measure} is graded, and between grades there is no curve"
    if text := curve_mistake(rule.expected, measure.better == "lower" and measure.scale == "log" if measure else False):
        yield "expected", text


def curve_mistake(curve: tuple[ExpectedPoint, ...], falls_by_fraction: bool = False) -> str:
    """What is wrong with an expected curve, and how to mend it; empty where nothing is."""
    if any(later.week <= earlier.week or later.change <= earlier.change for earlier, later in pairwise(curve)):
        return "weeks and changes must rise from point to point: where nothing changes, nobody can be faster"
    if falls_by_fraction and any(point.change >= 1 for point in curve):
        return "nothing falls by 100% or more: 0.40 means 40%"
    return ""


def _ladder_mistakes(protocol: "Protocol") -> Iterator[Mistake]:
    names = [step.name for step in protocol.ladder]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Mistake(
                ("ladder", index, "name"), f"two ladder steps have the same name, {name}: give this one another"
            )
    *treating, last = protocol.ladder
    if last.phases or not all(step.phases for step in treating):
        yield Mistake(
            ("ladder", len(treating)),
            "the last ladder step, and only it, has no phases (`phases: []`): it means discharge",
        )
    if treating and treating[0].phases != protocol.phases:
        yield Mistake(
            ("ladder", 0, "phases"), "the first ladder step must have the protocol's own phases: use a YAML alias"
        )
    rates = [step.phases[0].sessions_per_week if step.phases else 0.0 for step in treating]
    for index, (earlier, later) in enumerate(pairwise(rates), start=1):
        if later >= earlier:
            text = f"each ladder step must begin at a lower rate than the one before: below {earlier:g} a week"
            yield Mistake(("ladder", index), text)


def _phase_mistakes(phases: tuple[Phase, ...], place: Place) -> Iterator[Mistake]:
    """A gap must leave room for the phase's own rate."""
    for index, phase in enumerate(phases):
        for part, text in _gap_mistakes(phase):
            yield Mistake((*place, index, part), f"phase {phase.name}: {text}")


def _gap_mistakes(phase: Phase) -> Iterator[tuple[str, str]]:
    usual = 7 / phase.sessions_per_week
    if phase.min_gap_days > phase.max_gap_days:
        yield "min_gap_days", "min_gap_days is above max_gap_days"
    if not phase.min_gap_days <= usual <= phase.max_gap_days:
        text = f"one session in {usual:.1f} days does not fit between min_gap_days and max_gap_days: widen the gap"
        yield "min_gap_days" if usual < phase.min_gap_days else "max_gap_days", text


def _customisation_mistakes(protocol: "Protocol") -> Iterator[Mistake]:
    names = {phase.name for phase in protocol.phases}
    for index, rule in enumerate(protocol.customisation):
        place: Place = ("customisation", index, "phase")
        if rule.phase and rule.phase.name not in names:
            text = f"the protocol has no phase {rule.phase.name}; it has {', '.join(sorted(names))}"
            yield Mistake((*place, "name"), f"customisation {index + 1}: {text}")
        changed = protocol.phases_for((rule,), protocol.phases)
        for phase in changed:
            for part, text in _gap_mistakes(phase):
                yield Mistake((*place, part), f"customisation {index + 1}: {text}")
        yield from _limit_mistakes(protocol, changed, place)


def _limit_mistakes(protocol: "Protocol", phases: tuple[Phase, ...], place: Place) -> Iterator[Mistake]:
    for limit in protocol.limits:
        if _sessions_within(phases, limit.within_days) > limit.sessions:
            text = f"the phases hold more than {limit.sessions} sessions within {limit.within_days} days: plan fewer"
            yield Mistake(place, text)


def _sessions_within(phases: tuple[Phase, ...], days: int) -> int:
    sessions, elapsed = 0, 0
    for phase in phases:
        if elapsed < days:
            sessions += phase.sessions
        elapsed += phase.weeks * 7
    return sessions
