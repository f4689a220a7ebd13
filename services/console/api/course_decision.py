"""What a clinician decides on a proposed step: handed in as a fact; intake changes the plan."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.course_view import READERS, read_course
from services.console.api.desk import Desk
from services.console.api.problems import CantBe
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.store import alerts
from shared.alerting import alert_about
from shared.events.base import Identifier
from shared.events.console import (
    AlertActionRequested,
    PlanAdjustmentApproved,
    PlanAdjustmentDeclined,
    ProposalDecision,
)
from shared.events.progress import PlanAdjustmentProposed
from shared.ids import derived_id

_LONGEST_REASON: Final = 500


class _Choice(NamedTuple):
    fact: type[ProposalDecision]
    asked: str
    """Shown until the decision has come back as a fact."""


_CHOICES: Final[Mapping[str, _Choice]] = {
    "approve": _Choice(PlanAdjustmentApproved, N_("Being approved")),
    "decline": _Choice(PlanAdjustmentDeclined, N_("Being declined")),
}


def add_routes(desk: Desk, app: FastAPI) -> None:
    """One for both answers."""

    @app.post("/courses/{plan_id}/proposals/{proposal_id}", include_in_schema=False)
    async def decide(request: Request, plan_id: Identifier, proposal_id: Identifier) -> Response:
        async with desk.act(request, *READERS) as visit:
            choice = _CHOICES.get(visit.form.get("decision", ""))
            if choice is None:
                raise CantBe(N_("Choose to approve or to decline."))
            patient_id, page = await read_course(visit, plan_id)
            proposal = page.course.open_proposal
            if proposal is None or proposal.proposal_id != proposal_id:
                raise CantBe(N_("This has been decided, or the plan has changed since: reload the page."))
            decision = choice.fact(
                clinic_id=visit.clinic_id,
                patient_id=patient_id,
                proposal_id=proposal_id,
                plan_id=proposal.plan_id,
                decided_by=visit.person.person_id,
                decided_at=desk.running.clock.now(),
                reason=visit.form.get("reason", "").strip()[:_LONGEST_REASON],
            )
            visit.ask(decision)
            await _close_alert(visit, patient_id, proposal)
            await visit.did(f"proposal.{visit.form['decision']}", patient_id, proposal_id=proposal_id)
            visit.await_change(proposal_id, proposal.plan_version, choice.asked)
            if not visit.by_htmx:
                return visit.back_to(f"/courses/{plan_id}")
            return visit.page("parts/course_decided.html", asked=choice.asked)


async def _close_alert(visit: Visit, patient_id: str, proposal: PlanAdjustmentProposed) -> None:
    """Who decides has dealt with the alert that asked for it."""
    found = await alerts.find(visit.tx, visit.clinic_id, alert_about(proposal.event_id))
    if found is None or found[1].state == "resolved":
        return
    alert, person = found[1], visit.person.person_id
    visit.ask(
        AlertActionRequested(
            clinic_id=visit.clinic_id,
            patient_id=patient_id,
            request_id=derived_id("alert-action", alert.alert_id, alert.revision, "resolve", person, "decided"),
            alert_id=alert.alert_id,
            revision=alert.revision,
            action="resolve",
            requested_by=person,
            requested_at=visit.desk.running.clock.now(),
        )
    )
