"""What clinicians decide: the proposals that wait, and yes or no to one."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake import store
from services.intake.api.bodies import NotStrictJson, parse_json, read_body
from services.intake.api.problems import Mistake, Rejected, mistakes_of
from services.intake.api.roles import bearer_of
from shared.clock import Clock
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined, ProposalDecision
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.tokens import Bearer, Tokens

_LISTED = 500
_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class Decisions:
    """The approval endpoints."""

    door: Door
    tokens: Tokens
    clock: Clock

    async def pending(self, request: Request) -> Response:
        """The clinic's proposals that nobody has decided on."""
        bearer = bearer_of(request, self.tokens, "clinician")
        async with self.door.work() as work:
            proposals = await store.pending_proposals(work.tx, bearer.clinic_id, _LISTED)
        return JSONResponse({"proposals": [p.model_dump(mode="json", exclude_none=True) for p in proposals]})

    async def approve(self, request: Request) -> Response:
        """Take the proposed step."""
        return await self._decide(request, PlanAdjustmentApproved)

    async def decline(self, request: Request) -> Response:
        """Leave the plan as it is."""
        return await self._decide(request, PlanAdjustmentDeclined)

    async def _decide(self, request: Request, decision: type[ProposalDecision]) -> Response:
        bearer = bearer_of(request, self.tokens, "clinician")
        reason = await _reason(request)
        fact = await self._fact(request, decision, bearer, reason)
        # One id per proposal and decision: a double click is a repeat.
        message = Message(f"{fact.proposal_id}/{decision.NAME}", f"{bearer.clinic_id}|decisions", fact)
        (outcome,) = await self.door.admit([message])
        if outcome.state == "refused":
            raise Rejected(422, "refused", Mistake(outcome.reason, outcome.pointer, outcome.remedy))
        status = "repeat" if outcome.state == "repeat" else "accepted"
        return JSONResponse({"proposal_id": fact.proposal_id, "status": status}, status_code=202)

    async def _fact(
        self, request: Request, decision: type[ProposalDecision], bearer: Bearer, reason: Any
    ) -> ProposalDecision:
        plan_id, proposal_id = request.path_params["plan_id"], request.path_params["proposal_id"]
        patient_id = await self._patient(bearer.clinic_id, plan_id, proposal_id)
        content = {
            "clinic_id": bearer.clinic_id,
            "patient_id": patient_id,
            "proposal_id": proposal_id,
            "plan_id": plan_id,
            "decided_by": bearer.system,
            "decided_at": self.clock.now(),
            "reason": reason,
        }
        try:
            return decision.model_validate(content)
        except ValidationError as error:
            raise Rejected(422, "invalid-data", *mistakes_of(error)) from None

    async def _patient(self, clinic_id: str, plan_id: str, proposal_id: str) -> str:
        """Another clinic's proposal is one that does not exist."""
        patient_id = None
        if "\x00" not in plan_id + proposal_id:
            async with self.door.work() as work:
                patient_id = await store.patient_of(work.tx, clinic_id, plan_id, proposal_id)
        if patient_id is None:
            raise Rejected(404, "not-found", Mistake("The clinic has no such proposal for this plan."))
        return patient_id


async def _reason(request: Request) -> Any:
    """The optional body: `{"reason": "..."}`."""
    body = await read_body(request, _LIMIT)
    try:
        content = parse_json(body) if body.strip() else {}
    except NotStrictJson as error:
        raise Rejected(400, "bad-body", Mistake(str(error))) from None
    if not isinstance(content, dict):
        raise Rejected(422, "invalid-data", Mistake('The body is an object such as {"reason": "..."}.'))
    fields: dict[str, Any] = content
    return fields.get("reason", "")
