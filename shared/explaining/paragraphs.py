"""One paragraph for each kind of verdict, from its evidence. `language` is a code such as `de`; else it is English."""

from datetime import datetime
from typing import Final

from shared.events.clinical import Side
from shared.events.progress import Evidence, RetractionCause
from shared.explaining.names import measure_name, unit_name
from shared.explaining.words import Words, words_of

_ROUNDING: Final = 1e-9


def explain_reached(evidence: Evidence, reached_at: datetime, language: str = "en") -> str:
    """Why a milestone counts as reached."""
    words = words_of(language)
    when = words.say("reached", day=words.day(reached_at), version=evidence.rule_version)
    if evidence.sessions is not None and not evidence.values:
        return f"{words.say('sessions-counted', sessions=evidence.sessions)} {when}"
    return f"{_change(evidence, words)}{_certainty(evidence, words)} {when}"


def explain_retracted(
    before: Evidence, cause: RetractionCause | None, after: Evidence | None, language: str = "en"
) -> str:
    """Why a milestone was taken back. What older releases took back has no cause."""
    words = words_of(language)
    because = words.say("because", cause=words.say(cause)) if cause else ""
    had = _change(before, words) if before.values else words.say("sessions-had", sessions=before.sessions)
    told = words.say("taken-back", because=because, had=words.within(had))
    if not after or not after.values:
        return told
    now = f"{words.within(_change(after, words))}{_certainty(after, words)}"
    return f"{told} {words.say('known-now', now=now)}"


def explain_not_evaluable(reason: str, language: str = "en") -> str:
    """Why a milestone can't be judged."""
    words = words_of(language)
    return words.phrases.get(reason) or words.say("not-evaluable", reason=reason)


def explain_regression(evidence: Evidence, language: str = "en") -> str:
    """Why a measure counts as having got worse."""
    words = words_of(language)
    mcid = _mcid(evidence, words)
    return words.say(
        "worse",
        subject=_subject(evidence, words),
        start=_value(evidence.baseline, evidence, words),
        before=_before(evidence, words),
        now=_value(evidence.mean, evidence, words),
        number=len(evidence.values),
        dates=_dates(evidence, words),
        noise=_noise(evidence, words),
        important=words.say("important", mcid=mcid) if mcid else "",
    )


def explain_plateau(evidence: Evidence, review: int, language: str = "en") -> str:
    """Why a measure counts as standing still at a review."""
    words = words_of(language)
    return words.say(
        "still",
        review=review,
        subject=words.within(_subject(evidence, words)),
        now=_value(evidence.mean, evidence, words),
        number=len(evidence.values),
        start=_value(evidence.baseline, evidence, words),
        noise=_noise(evidence, words),
        mcid=_mcid(evidence, words),
    )


def explain_proposal(evidence: Evidence, *, forward: bool, language: str = "en") -> str:
    """Why a step along the taper ladder is proposed."""
    words = words_of(language)
    if not forward:
        return words.say("back", worse=explain_regression(evidence, language))
    held = words.say("held", sessions=evidence.sessions) if evidence.sessions else ""
    return words.say("forward", change=words.within(_change(evidence, words)), held=held)


def _change(evidence: Evidence, words: Words) -> str:
    subject, start = _subject(evidence, words), _value(evidence.baseline, evidence, words)
    if evidence.mean is None:
        grades = ", ".join(map(words.number, evidence.values))
        return words.say("graded", subject=subject, grades=grades, start=start)
    moved = "moved"
    if evidence.baseline is not None:
        moved = "fell" if evidence.mean < evidence.baseline else "rose"
    return words.say(
        "changed",
        subject=subject,
        moved=words.say(moved),
        start=start,
        before=_before(evidence, words),
        now=_value(evidence.mean, evidence, words),
        after=words.readings(len(evidence.values)),
        dates=_dates(evidence, words),
        target=_target(evidence, words),
    )


def _target(evidence: Evidence, words: Words) -> str:
    if not evidence.targets or evidence.rule is None or evidence.begins_on is None:
        return words.say("target", target=_value(evidence.target, evidence, words))
    steps = f"{', '.join(map(words.number, evidence.targets))} {unit_name(evidence.unit)}".strip()
    faster = words.percent(evidence.rule.change or 0)
    return words.say("moving-target", day=words.day(evidence.begins_on), faster=faster, steps=steps)


def _certainty(evidence: Evidence, words: Words) -> str:
    """How sure the rule is, and how sure it has to be."""
    if evidence.probability is None or evidence.sigma is None:
        return ""
    rule, chance = evidence.rule, words.percent(1 - evidence.probability)
    allowed = words.say("allowed", chance=words.percent(1 - rule.probability)) if rule else ""
    told = words.say("certainty", noise=_noise(evidence, words), chance=chance, allowed=allowed)
    return f" {told}{_passing(evidence, words)}"


def _passing(evidence: Evidence, words: Words) -> str:
    if evidence.rule is None or evidence.target is None or evidence.better is None:
        return ""
    side = 1 if evidence.better == "higher" else -1
    targets = evidence.targets or (evidence.target,) * len(evidence.values)
    passing = sum(side * (value - target) >= -_ROUNDING for value, target in zip(evidence.values, targets, strict=True))
    return f" {words.say('passing', passing=passing, number=len(evidence.values), least=evidence.rule.passes)}"


def _noise(evidence: Evidence, words: Words) -> str:
    if evidence.sigma is None:
        return words.say("unknown-noise")
    log_scale = evidence.scale == "log"
    return words.say(
        "noise", noise=words.percent(evidence.sigma) if log_scale else _value(evidence.sigma, evidence, words)
    )


def _mcid(evidence: Evidence, words: Words) -> str:
    """The smallest change that matters, in brackets; empty where it is not known."""
    if not evidence.mcid:
        return ""
    log_scale = evidence.scale == "log"
    return f" ({words.percent(evidence.mcid) if log_scale else _value(evidence.mcid, evidence, words)})"


def _subject(evidence: Evidence, words: Words) -> str:
    name = measure_name(evidence.measure, words.language) if evidence.measure else words.say("the-measure")
    return words.say("sided", name=name, side=words.say(Side(evidence.side).value)) if evidence.side else name


def _value(value: float | None, evidence: Evidence, words: Words) -> str:
    if value is None:
        return words.say("unknown-value")
    return f"{words.number(value)} {unit_name(evidence.unit)}".strip()


def _before(evidence: Evidence, words: Words) -> str:
    return words.readings(len(evidence.baseline_values or evidence.baseline_readings))


def _dates(evidence: Evidence, words: Words) -> str:
    if not evidence.taken_at:
        return ""
    first, last = words.day(evidence.taken_at[0]), words.day(evidence.taken_at[-1])
    return f", {first}" if first == last else f", {words.say('span', first=first, last=last)}"
