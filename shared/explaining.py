"""Verdicts in plain words, one paragraph each, from their evidence alone.

The words say what was seen and how sure it is; "during care", never "because of it". Evidence of older
releases lacks some fields: then the paragraph says less.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final

from shared.charts import number
from shared.events.clinical import Side
from shared.events.progress import Evidence, RetractionCause
from shared.measures import Measures, load_measures
from shared.settings import ROOT

_UNITS: Final = {"1": "", "{score}": "", "deg": "°"}
_ROUNDING: Final = 1e-9
_CAUSES: Final[dict[RetractionCause, str]] = {
    "late": "a record came late that belongs before it",
    "correction": "a reading that it rested on was corrected",
    "void": "a record that it rested on was recorded in error",
    "baseline_change": "the readings before treatment are other ones now",
}
_NOT_EVALUABLE: Final = {
    "no-baseline": "There are fewer than two readings of different days before session 2, so there is nothing to "
    "compare with, and six sessions were held.",
    "no-expected-curve": "Faster than what? A clinician has to enter the curve that is expected of this patient "
    "(`recovery.expected`).",
    "no-expected-change": "The protocol says no change to expect of this measure: a clinician has to enter one.",
}


def measure_name(code: str, language: str = "en") -> str:
    """What people call a measure, by its file: `pain-nrs` is "Pain (0 to 10)"; one that has none by its code."""
    if known := _measures().get(code):
        return known.name.get(language, known.name["en"])
    return code.replace("-", " ").capitalize()


@cache
def _measures() -> Measures:
    return load_measures(ROOT / "measures")


def unit_name(unit: str | None) -> str:
    """A UCUM unit as people write it; scores and grades have none."""
    return "" if unit is None else _UNITS.get(unit, unit.strip("{}"))


def explain_reached(evidence: Evidence, reached_at: datetime) -> str:
    """Why a milestone counts as reached."""
    when = f"Reached during care on {_day(reached_at)} (rule version {evidence.rule_version})."
    if evidence.sessions is not None and not evidence.values:
        return f"{evidence.sessions} sessions were held, counted without voided ones. {when}"
    return f"{_change(evidence)}{_certainty(evidence)} {when}"


def explain_retracted(before: Evidence, cause: RetractionCause | None, after: Evidence | None) -> str:
    """Why a milestone was taken back. The cause is known to the fact, not to a course as it stands."""
    because = f", because {_CAUSES[cause]}" if cause else ""
    had = _change(before) if before.values else f"{before.sessions} sessions had been counted."
    now = f" What is known now: {_lower(_change(after))}{_certainty(after)}" if after and after.values else ""
    return f"Taken back{because}. It had rested on this: {_lower(had)}{now}"


def explain_not_evaluable(reason: str) -> str:
    """Why a milestone can't be judged."""
    return _NOT_EVALUABLE.get(reason, f"It can't be judged: {reason}.")


def explain_regression(evidence: Evidence) -> str:
    """Why a measure counts as having got worse."""
    return (
        f"{_subject(evidence)} got worse: from {_value(evidence.baseline, evidence)} "
        f"(mean of {_count(evidence.baseline_values or evidence.baseline_readings, 'reading')}) to "
        f"{_value(evidence.mean, evidence)} (mean of the {len(evidence.values)} after them{_dates(evidence)}). "
        f"That is more than {_noise(evidence)} explains{_important(evidence)}."
    )


def explain_plateau(evidence: Evidence, review: int) -> str:
    """Why a measure counts as standing still at a review."""
    return (
        f"At session {review}, {_lower(_subject(evidence))} stood at {_value(evidence.mean, evidence)} (mean of "
        f"{len(evidence.values)}), after {_value(evidence.baseline, evidence)} six sessions before. Even with "
        f"{_noise(evidence)} in its favour, that gain is less than what matters{_mcid(evidence)}. A prompt to look, "
        "no verdict."
    )


def explain_proposal(evidence: Evidence, *, forward: bool) -> str:
    """Why a step along the taper ladder is proposed."""
    if not forward:
        return f"A step back is proposed. {explain_regression(evidence)}"
    held = f" {evidence.sessions} sessions were held at the present step." if evidence.sessions else ""
    return (
        f"A step forward is proposed, since the milestone is held: {_lower(_change(evidence))}{held} There was no "
        "regression within six readings and no adverse event of grade 2 or more within 14 days. A clinician decides."
    )


def _change(evidence: Evidence) -> str:
    moved = "moved"
    if evidence.baseline is not None and evidence.mean is not None:
        moved = "fell" if evidence.mean < evidence.baseline else "rose"
    before = _count(evidence.baseline_values or evidence.baseline_readings, "reading")
    if evidence.mean is None:
        grades = ", ".join(number(value) for value in evidence.values)
        start = _value(evidence.baseline, evidence)
        return f"{_subject(evidence)} was graded {grades} by the same rater, from {start} before treatment."
    return (
        f"{_subject(evidence)} {moved} from {_value(evidence.baseline, evidence)} (mean of {before} before treatment) "
        f"to {_value(evidence.mean, evidence)} (mean of {_count(evidence.values, 'reading')}{_dates(evidence)}); "
        f"{_target(evidence)}."
    )


def _target(evidence: Evidence) -> str:
    if not evidence.targets or evidence.rule is None or evidence.begins_on is None:
        return f"the target is {_value(evidence.target, evidence)}"
    steps = ", ".join(number(value) for value in evidence.targets)
    return (
        f"the target moves along the curve that a clinician expects from {evidence.begins_on.day} "
        f"{evidence.begins_on:%b %Y} on, {_percent(evidence.rule.change or 0)} faster: {steps} "
        f"{unit_name(evidence.unit)}".rstrip()
    )


def _certainty(evidence: Evidence) -> str:
    """How sure the rule is, and how sure it has to be."""
    if evidence.probability is None or evidence.sigma is None:
        return ""
    allowed = f"; the rule allows {_percent(1 - evidence.rule.probability)}" if evidence.rule else ""
    return (
        f" With {_noise(evidence)}, the chance that noise alone takes the mean beyond the target is "
        f"{_percent(1 - evidence.probability)}{allowed}.{_passing(evidence)}"
    )


def _passing(evidence: Evidence) -> str:
    if evidence.rule is None or evidence.target is None or evidence.better is None:
        return ""
    side = 1 if evidence.better == "higher" else -1
    targets = evidence.targets or (evidence.target,) * len(evidence.values)
    passing = sum(side * (value - target) >= -_ROUNDING for value, target in zip(evidence.values, targets, strict=True))
    return f" {passing} of the {len(evidence.values)} readings meet it on their own ({evidence.rule.passes} have to)."


def _noise(evidence: Evidence) -> str:
    if evidence.sigma is None:
        return "the noise of a reading"
    if evidence.scale == "log":
        return f"a noise of {_percent(evidence.sigma)} a reading"
    return f"a noise of {_value(evidence.sigma, evidence)} a reading"


def _important(evidence: Evidence) -> str:
    return f", and at least what matters{_mcid(evidence)}" if evidence.mcid else ""


def _mcid(evidence: Evidence) -> str:
    if not evidence.mcid:
        return ""
    return f" ({_percent(evidence.mcid) if evidence.scale == 'log' else _value(evidence.mcid, evidence)})"


def _subject(evidence: Evidence) -> str:
    side = f", {Side(evidence.side).value}," if evidence.side else ""
    return f"{measure_name(evidence.measure or 'the measure')}{side}"


def _value(value: float | None, evidence: Evidence) -> str:
    return "an unknown value" if value is None else f"{number(value)} {unit_name(evidence.unit)}".strip()


def _dates(evidence: Evidence) -> str:
    if not evidence.taken_at:
        return ""
    first, last = _day(evidence.taken_at[0]), _day(evidence.taken_at[-1])
    return f", {first}" if first == last else f", {first} to {last}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _count(items: Sequence[object], what: str) -> str:
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"


def _percent(share: float) -> str:
    return "less than 1%" if 0 <= share < 0.01 else f"{100 * share:.0f}%"  # noqa: PLR2004  # a percent


def _lower(sentence: str) -> str:
    """To go on after a colon; a word that begins like an abbreviation stays."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
