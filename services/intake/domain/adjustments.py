"""Proposals to change a plan, what clinicians decide on them, and how plans end."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.intake.domain.chart import PatientFile, Plan, Verdict, is_stale
from services.intake.domain.recording import digest_of, publish_once, record
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined, ProposalDecision
from shared.events.intake import PlanAdjusted, PlanEnded
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_LOOK = "Look at GET /proposals for what is open now."


def keep_proposal(file: PatientFile, fact: PlanAdjustmentProposed, now: datetime) -> Decision[PatientFile]:
    """Progress proposes a step; it waits for a clinician, or meets a decision that was here first."""
    if fact.proposal_id in file.chart.proposals:
        return Decision(file)
    return apply_verdicts(file.with_chart(proposals={**file.chart.proposals, fact.proposal_id: fact}))


def approve(file: PatientFile, fact: PlanAdjustmentApproved, now: datetime) -> Decision[PatientFile]:
    """A clinician says yes: the plan takes the proposed step, as soon as the proposal is known.

    Raises:
        Refused: it is decided already, is about another plan, or the plan moved on.
    """
    recorded = record(file, fact)
    if recorded is None:
        return Decision(file)
    _check_undecided(file, fact)
    proposal = file.chart.proposals.get(fact.proposal_id)
    if fact.plan_id in file.chart.ended or (proposal and is_stale(file.chart, proposal)):
        raise Refused("The plan has changed or ended since this was proposed.", pointer="/proposal_id", remedy=_LOOK)
    return apply_verdicts(_with_verdict(recorded, fact, approved=True), (fact,))


def decline(file: PatientFile, fact: PlanAdjustmentDeclined, now: datetime) -> Decision[PatientFile]:
    """A clinician says no: the plan stays as it is.

    Raises:
        Refused: it is decided already, or is about another plan.
    """
    decision = publish_once(file, fact)
    if not decision.facts:
        return decision
    _check_undecided(file, fact)
    return Decision(_with_verdict(decision.state, fact, approved=False), decision.facts)


def end(file: PatientFile, fact: PlanEnded, now: datetime) -> Decision[PatientFile]:
    """The course is over; what was proposed for it can't be approved any more."""
    decision = publish_once(file, fact)
    if not decision.facts:
        return decision
    return Decision(_ended(decision.state, fact), decision.facts)


def apply_verdicts(file: PatientFile, facts: tuple[Fact, ...] = ()) -> Decision[PatientFile]:
    """Take every step that is approved and whose plan still stands where the proposal saw it."""
    chart = file.chart
    for proposal_id in sorted(chart.proposals.keys() & chart.verdicts.keys()):
        proposal, verdict = chart.proposals[proposal_id], chart.verdicts[proposal_id]
        plan = file.chart.plans.get(proposal.plan_id)
        agreed = verdict.approved and verdict.plan_id == proposal.plan_id
        if plan and agreed and not is_stale(file.chart, proposal):
            decision = _adjust(file, plan, proposal, verdict)
            file, facts = decision.state, (*facts, *decision.facts)
    return Decision(file, facts)


def _adjust(file: PatientFile, plan: Plan, proposal: PlanAdjustmentProposed, verdict: Verdict) -> Decision[PatientFile]:
    """The next version of the plan; the last rung of the ladder also ends it."""
    moved = replace(plan, version=plan.version + 1, step=proposal.to_step)
    adjusted = PlanAdjusted(
        clinic_id=file.clinic_id,
        patient_id=file.patient_id,
        plan_id=plan.plan_id,
        plan_version=moved.version,
        step=moved.step,
        phases=plan.ladder[moved.step].phases,
        effective_on=(verdict.decided_at + timedelta(days=1)).date(),
        proposal_id=proposal.proposal_id,
        approved_by=verdict.decided_by,
        reason=proposal.reason,
    )
    changed = file.with_chart(plans={**file.chart.plans, plan.plan_id: moved})
    if adjusted.phases:
        return Decision(changed, (adjusted,))
    ended = PlanEnded(
        clinic_id=file.clinic_id,
        patient_id=file.patient_id,
        plan_id=plan.plan_id,
        reason="discharged",
        ended_at=verdict.decided_at,
    )
    return Decision(_ended(record(changed, ended, digest_of(ended)) or changed, ended), (adjusted, ended))


def _ended(file: PatientFile, fact: PlanEnded) -> PatientFile:
    return file.with_chart(ended={**file.chart.ended, fact.plan_id: fact.reason})


def _with_verdict(file: PatientFile, fact: ProposalDecision, *, approved: bool) -> PatientFile:
    verdict = Verdict(approved, fact.plan_id, fact.decided_by, fact.decided_at)
    return file.with_chart(verdicts={**file.chart.verdicts, fact.proposal_id: verdict})


def _check_undecided(file: PatientFile, fact: ProposalDecision) -> None:
    if fact.proposal_id in file.chart.verdicts:
        raise Refused("The proposal is decided already.", pointer="/proposal_id", remedy=_LOOK)
    proposal = file.chart.proposals.get(fact.proposal_id)
    if proposal and proposal.plan_id != fact.plan_id:
        raise Refused("The proposal is about another plan.", pointer="/plan_id", remedy=_LOOK)
