"""When a course may step along its taper ladder. A clinician decides; this only proposes.

Proposals are a pure fold over the time since the plan was last adjusted: the same facts give the
same proposals with the same ids, in whatever order they came.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from heapq import merge
from typing import Literal, NamedTuple

from services.progress.domain.course import Course
from services.progress.domain.milestones import Verdict, target_of, window_evidence
from services.progress.domain.record import ProposalAnswer
from services.progress.domain.signals import Regression
from shared.events.progress import Evidence
from shared.ids import derived_id

SESSIONS_AT_STEP = 4
"""Sessions at a step before the next is proposed, and after a declined proposal before another."""
FAILED_TAPERS = 2
"""After so many steps back the course is held where it is: no more steps forward are proposed."""

_LATER_READINGS = 3
_READINGS_SINCE_REGRESSION = 6
_SAFE_DAYS = timedelta(days=14)
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
    regressions: list[Regression],
    answers: Mapping[str, ProposalAnswer],
) -> list[Proposal]:
    """The proposals of the present stage, in order; only the last can be open.

    A declined one is followed by another only after four more sessions; an approved one by none,
    since the plan's next version begins a new stage. An ended plan has none.
    """
    primary = next((verdict for verdict in milestones if verdict.rule.primary), None)
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
            reason = f"{regression.series.spec.measure} got worse beyond its noise."
            yield _Grounds(regression.detected_at, course.stage.step - 1, reason, regression.evidence)


def _forward(course: Course, primary: Verdict | None, regressions: list[Regression]) -> Iterable[_Grounds]:
    """Moments of the stage at which every gate to the next step stands open."""
    following = course.stage.step + 1
    if primary is None or primary.series is None or following >= len(course.terms.rungs):
        return
    if course.failed_tapers >= FAILED_TAPERS:
        return
    in_stage = [session for session in course.sessions if session.started_at.date() >= course.stage.since]
    if len(in_stage) < SESSIONS_AT_STEP:
        return
    earliest = in_stage[SESSIONS_AT_STEP - 1].ended_at
    for moment in sorted({*(s.ended_at for s in in_stage), *(r.effective_at for r in primary.series.readings)}):
        if moment < earliest or not _safe(course, moment) or _recently_worse(regressions, moment):
            continue
        if evidence := _held(primary, moment):
            reason = f"{primary.rule.milestone} was reached and is held; next step: {course.terms.rungs[following]}."
            yield _Grounds(moment, following, reason, evidence)


def _held(primary: Verdict, moment: datetime) -> Evidence | None:
    """Evidence that the newest three readings after the confirming one still meet the target on average."""
    series = primary.series
    if series is None or series.baseline is None:
        return None
    newest = series.upto(moment) - 1
    if newest < primary.at + _LATER_READINGS:
        return None
    target = target_of(series, series.baseline, primary.rule).level
    later = series.levels[newest - _LATER_READINGS + 1 : newest + 1]
    if series.better * (sum(later) / _LATER_READINGS - target) < 0:
        return None
    return window_evidence(series, primary.rule, newest)


def _safe(course: Course, moment: datetime) -> bool:
    """No adverse event of grade 2 or more within the 14 days up to `moment`."""
    return not any(
        event.grade >= _HARMFUL_GRADE and moment - _SAFE_DAYS <= event.occurred_at <= moment
        for event in course.adverse_events
    )


def _recently_worse(regressions: Iterable[Regression], moment: datetime) -> bool:
    """Whether a regression lies within the last six readings of its series up to `moment`."""
    return any(
        regression.detected_at <= moment
        and regression.series.upto(moment) - 1 - regression.at < _READINGS_SINCE_REGRESSION
        for regression in regressions
    )
