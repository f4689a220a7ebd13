"""When a course may step along its taper ladder. A clinician decides; this only proposes.

Proposals are a pure fold over the time since the plan was last adjusted: the same facts give the
same proposals with the same ids, in whatever order they came.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from typing import Literal, NamedTuple

from services.progress.domain.course import Course, Fresh
from services.progress.domain.milestones import Verdict, probability_beyond, target_of, window_evidence
from services.progress.domain.record import ProposalAnswer, Session
from services.progress.domain.series import ROUNDING
from services.progress.domain.signals import Regression
from shared.events.progress import Evidence
from shared.ids import derived_id

SESSIONS_AT_STEP = 4
"""Sessions at a step before the next is proposed, and after a declined proposal before another."""
FAILED_TAPERS = 2
"""After so many steps back the course is held where it is: a review is due, and no step forward is proposed."""

_LATER_READINGS = 3
_HELD_WITH = 0.70
"""Probability that all readings since the milestone was confirmed meet its target on average."""
_FRESH = timedelta(days=42)
"""The newest reading that holds the milestone is no older than this."""
_READINGS_SINCE_REGRESSION = 6
_SAFE = timedelta(days=14)
_HARMFUL_GRADE = 2


class Proposal(NamedTuple):
    """One step along the ladder, proposed for a plan at one version."""

    proposal_id: str
    version: int
    from_step: int
    to_step: int
    proposed_at: datetime
    reason: str
    evidence: Evidence
    answer: ProposalAnswer | None

    @property
    def state(self) -> Literal["open", "approved", "declined"]:
        """What a clinician made of it."""
        if self.answer is None:
            return "open"
        return "approved" if self.answer.approved else "declined"


class _Grounds(NamedTuple):
    at: datetime
    to_step: int
    reason: str
    evidence: Evidence


def proposals_of(
    course: Course,
    milestones: Iterable[Verdict],
    regressions: Sequence[Regression],
    *,
    answers: Mapping[str, ProposalAnswer],
    known: list[Proposal],
    fresh: Fresh,
) -> list[Proposal]:
    """The proposals of the present stage, in order; only the last can be open.

    A declined one is followed by another only after four more sessions; an approved one by none,
    since the plan's next version begins a new stage. An ended plan has none. `known` are those of
    the course without what is `fresh`.
    """
    if known and known[-1].proposed_at < fresh.since and known[-1].state != "declined":
        return known
    primary = next((each for each in milestones if each.rule.primary and not each.rule.expected_curve), None)
    if not regressions and not (primary and primary.reached_at):
        return known
    back, forward = _back(course, regressions), _forward(course, primary, regressions)
    proposals: list[Proposal] = []
    for ground in () if course.ended else merge(back, forward, key=lambda ground: ground.at):
        if not proposals or _due_again(course, proposals[-1], ground.at):
            proposals.append(_proposal(course, ground, len(proposals), answers))
        if proposals[-1].state != "declined":
            break
    return proposals


def _proposal(course: Course, ground: _Grounds, nth: int, answers: Mapping[str, ProposalAnswer]) -> Proposal:
    version, step, _ = course.stage
    again = (nth,) if nth else ()
    proposal_id = derived_id("proposal", course.plan_id, version, ground.to_step, *again)
    return Proposal(
        proposal_id=proposal_id,
        version=version,
        from_step=step,
        to_step=ground.to_step,
        proposed_at=ground.at,
        reason=ground.reason,
        evidence=ground.evidence,
        answer=answers.get(proposal_id),
    )


def _due_again(course: Course, declined: Proposal, moment: datetime) -> bool:
    """Whether four sessions were held between the clinician's no and `moment`."""
    declined_at = max(declined.answer.decided_at, declined.proposed_at) if declined.answer else declined.proposed_at
    return sum(declined_at < session.ended_at <= moment for session in course.sessions) >= SESSIONS_AT_STEP


def _back(course: Course, regressions: Iterable[Regression]) -> Iterable[_Grounds]:
    """A regression within the stage: one step back."""
    if course.stage.step == 0:
        return
    for regression in regressions:
        if regression.detected_at.date() >= course.stage.since:
            reason = f"{regression.evidence.measure} got worse beyond its noise."
            yield _Grounds(regression.detected_at, course.stage.step - 1, reason, regression.evidence)


def _forward(course: Course, primary: Verdict | None, regressions: Iterable[Regression]) -> Iterable[_Grounds]:
    """Moments of the stage at which every gate to the next step stands open."""
    following = course.stage.step + 1
    if primary is None or following >= len(course.terms.rungs) or len(course.steps_back) >= FAILED_TAPERS:
        return
    for moment in _moments(course, primary):
        if not _safe(course, moment) or _recently_worse(course, regressions, moment):
            continue
        if evidence := _held(course, primary, moment):
            reason = f"{primary.rule.milestone} was reached and is held; next step: {course.terms.rungs[following]}."
            counted = tuple(s.session_id for s in _at_step(course) if s.ended_at <= moment)
            yield _Grounds(
                moment, following, reason, evidence.model_copy(update={"sessions": len(counted), "counted": counted})
            )


def _at_step(course: Course) -> list[Session]:
    """The sessions held at the present step."""
    return [session for session in course.sessions if session.started_at.date() >= course.stage.since]


def _moments(course: Course, primary: Verdict) -> Sequence[datetime]:
    """When something new is known: session ends and primary readings, from the earliest that may count.

    That is once three readings followed the confirming one and four sessions were held at the step.
    """
    series = course.series.get(primary.series)
    at_step = [session.ended_at for session in _at_step(course)]
    if series is None or len(at_step) < SESSIONS_AT_STEP or len(series.readings) <= primary.at + _LATER_READINGS:
        return ()
    later = [reading.effective_at for reading in series.readings[primary.at + _LATER_READINGS :]]
    earliest = max(at_step[SESSIONS_AT_STEP - 1], later[0])
    return sorted({moment for moment in (*at_step, *later) if moment >= earliest})


def _held(course: Course, primary: Verdict, moment: datetime) -> Evidence | None:
    """Evidence that the milestone holds: the newest three readings after the confirming one meet the target on
    average, and all that followed it meet it with some certainty, so that one lucky stretch is no reason for less care.
    """
    series = course.series[primary.series]
    end = series.upto(moment)
    if series.baseline is None or moment - series.readings[end - 1].effective_at > _FRESH:
        return None
    target = target_of(series, series.baseline, primary.rule)
    if series.better * (series.mean(end - _LATER_READINGS, end) - target.level) < -ROUNDING:
        return None
    if probability_beyond(series, series.baseline, target, (primary.at + 1, end)) < _HELD_WITH:
        return None
    return window_evidence(course, series, primary.rule, end - 1)


def _safe(course: Course, moment: datetime) -> bool:
    """No adverse event of grade 2 or more within the 14 days up to `moment`."""
    return not any(
        event.grade >= _HARMFUL_GRADE and moment - _SAFE <= event.occurred_at <= moment
        for event in course.adverse_events
    )


def _recently_worse(course: Course, regressions: Iterable[Regression], moment: datetime) -> bool:
    """Whether a regression lies within the last six readings of its series up to `moment`."""
    return any(
        regression.detected_at <= moment
        and course.series[regression.series].upto(moment) - 1 - regression.at < _READINGS_SINCE_REGRESSION
        for regression in regressions
    )
