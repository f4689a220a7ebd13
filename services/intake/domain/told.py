"""Intake's own facts read back: what was recorded and planned, as it was published.

Nothing is decided again: a protocol's file may have changed since, and a plan stays what it was.
"""

from dataclasses import replace
from datetime import datetime

from services.intake.domain.chart import PatientFile, Plan, Verdict
from services.intake.domain.recording import publish_once, record
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved, ProposalDecision
from shared.events.intake import PatientRegistered, PatientUpdated, PlanAdjusted, PlanCreated, PlanEnded
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.message import Decision


def recorded(file: PatientFile, fact: Fact, now: datetime) -> Decision[PatientFile]:
    """It was recorded; that is all intake keeps of it."""
    return publish_once(file, fact)


def registered(file: PatientFile, fact: PatientRegistered, now: datetime) -> Decision[PatientFile]:
    """A patient was known to the clinic."""
    kept = record(file, fact) or file
    return Decision(kept if kept.chart.contact else kept.with_chart(contact=fact.contact))


def updated(file: PatientFile, fact: PatientUpdated, now: datetime) -> Decision[PatientFile]:
    """The details changed. Of older ones the compacted topic may have nothing."""
    kept = record(file, fact) or file
    newer = fact.revision > kept.chart.revision
    return Decision(kept.with_chart(contact=fact.contact, revision=fact.revision) if newer else kept)


def planned(file: PatientFile, fact: PlanCreated, now: datetime) -> Decision[PatientFile]:
    """A plan was made."""
    known = file.chart.plans.get(fact.plan_id, Plan(fact.plan_id, ""))
    return _with_plan(file, replace(known, protocol_id=fact.protocol_id, side=fact.side, ladder=fact.ladder))


def adjusted(file: PatientFile, fact: PlanAdjusted, now: datetime) -> Decision[PatientFile]:
    """A plan moved to another step."""
    known = file.chart.plans.get(fact.plan_id, Plan(fact.plan_id, ""))
    newer = fact.plan_version > known.version
    return _with_plan(file, replace(known, version=fact.plan_version, step=fact.step) if newer else known)


def ended(file: PatientFile, fact: PlanEnded, now: datetime) -> Decision[PatientFile]:
    """A plan was over."""
    kept = record(file, fact) or file
    return Decision(kept.with_chart(ended={**kept.chart.ended, fact.plan_id: fact.reason}))


def proposed(file: PatientFile, fact: PlanAdjustmentProposed, now: datetime) -> Decision[PatientFile]:
    """Progress proposed a step; what came of it is in the facts that followed."""
    return Decision(file.with_chart(proposals={**file.chart.proposals, fact.proposal_id: fact}))


def decided(file: PatientFile, fact: ProposalDecision, now: datetime) -> Decision[PatientFile]:
    """A clinician said yes or no."""
    kept = record(file, fact) or file
    approved = isinstance(fact, PlanAdjustmentApproved)
    verdict = Verdict(approved, fact.plan_id, fact.decided_by, fact.decided_at)
    return Decision(kept.with_chart(verdicts={**kept.chart.verdicts, fact.proposal_id: verdict}))


def withheld(file: PatientFile, fact: Fact, now: datetime) -> Decision[PatientFile]:
    """No plan was made; intake keeps nothing of it."""
    return Decision(file)


def _with_plan(file: PatientFile, plan: Plan) -> Decision[PatientFile]:
    return Decision(file.with_chart(plans={**file.chart.plans, plan.plan_id: plan}))
