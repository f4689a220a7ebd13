"""Whether the parts of a protocol fit together."""

from itertools import pairwise
from typing import TYPE_CHECKING

from shared.events.clinical import Phase

if TYPE_CHECKING:
    from shared.protocols import Protocol


def mistakes_in(protocol: "Protocol") -> list[str]:
    """Every contradiction in `protocol`, in words; empty where it is sound."""
    phases = [*protocol.phases, *(phase for step in protocol.ladder for phase in step.phases)]
    return [
        *_milestone_mistakes(protocol),
        *_ladder_mistakes(protocol),
        *_customisation_mistakes(protocol),
        *(f"phase {phase.name}: {reason}" for phase in phases for reason in _phase_mistakes(phase)),
        *_limit_mistakes(protocol, protocol.phases),
    ]


def _milestone_mistakes(protocol: "Protocol") -> list[str]:
    specs = {entry.spec.measure for entry in protocol.measures}
    mistakes = ["two measures have the same name"] if len(specs) != len(protocol.measures) else []
    names = [rule.milestone for rule in protocol.milestones]
    mistakes += ["two milestones have the same name"] if len(set(names)) != len(names) else []
    mistakes += (
        ["exactly one milestone must be primary"] if sum(rule.primary for rule in protocol.milestones) != 1 else []
    )
    for rule in protocol.milestones:
        if rule.kind == "session-count" and rule.sessions is None:
            mistakes.append(f"milestone {rule.milestone}: sessions is missing")
        if rule.kind == "confirmed-change" and (rule.measure not in specs or rule.change is None):
            mistakes.append(f"milestone {rule.milestone}: needs change, and a measure that the protocol has")
        if rule.passes > rule.window:
            mistakes.append(f"milestone {rule.milestone}: passes can't exceed window")
    return mistakes


def _ladder_mistakes(protocol: "Protocol") -> list[str]:
    names = [step.name for step in protocol.ladder]
    mistakes = ["two ladder steps have the same name"] if len(set(names)) != len(names) else []
    *treating, last = protocol.ladder
    if last.phases or not all(step.phases for step in treating):
        mistakes.append("the last ladder step, and only it, has no phases: it means discharge")
    if treating and treating[0].phases != protocol.phases:
        mistakes.append("the first ladder step must have the protocol's own phases")
    rates = [step.phases[0].sessions_per_week for step in treating if step.phases]
    if any(later >= earlier for earlier, later in pairwise(rates)):
        mistakes.append("each ladder step must begin at a lower rate than the one before")
    return mistakes


def _phase_mistakes(phase: Phase) -> list[str]:
    """A gap must leave room for the phase's own rate."""
    usual = 7 / phase.sessions_per_week
    mistakes = ["min_gap_days is above max_gap_days"] if phase.min_gap_days > phase.max_gap_days else []
    if not phase.min_gap_days <= usual <= phase.max_gap_days:
        mistakes.append(f"one session in {usual:.1f} days does not fit between min_gap_days and max_gap_days")
    return mistakes


def _customisation_mistakes(protocol: "Protocol") -> list[str]:
    names = {phase.name for phase in protocol.phases}
    mistakes: list[str] = []
    for number, rule in enumerate(protocol.customisation, start=1):
        if rule.phase and rule.phase.name not in names:
            mistakes.append(f"customisation {number}: the protocol has no phase {rule.phase.name}")
        changed = protocol.phases_for((rule,), protocol.phases)
        reasons = [reason for phase in changed for reason in _phase_mistakes(phase)] + _limit_mistakes(
            protocol, changed
        )
        mistakes += [f"customisation {number}: {reason}" for reason in reasons]
    return mistakes


def _limit_mistakes(protocol: "Protocol", phases: tuple[Phase, ...]) -> list[str]:
    return [
        f"the phases hold more than {limit.sessions} sessions within {limit.within_days} days"
        for limit in protocol.limits
        if _sessions_within(phases, limit.within_days) > limit.sessions
    ]


def _sessions_within(phases: tuple[Phase, ...], days: int) -> int:
    sessions, elapsed = 0, 0
    for phase in phases:
        if elapsed < days:
            sessions += phase.sessions
        elapsed += phase.weeks * 7
    return sessions
