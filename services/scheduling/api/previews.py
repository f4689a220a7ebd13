"""`POST /courses/$preview`: what booking a course would give, without booking it."""

from dataclasses import asdict, dataclass
from datetime import date, time
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.looking import looked_at
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.preview import PREVIEWED, preview
from shared.events.base import Code, Identifier
from shared.events.clinical import BookingRule, Phase, VisitLimit, Weekday
from shared.events.intake import PlanCreated
from shared.messaging.service import Running


class PreviewTime(BaseModel):
    """A weekday and local times."""

    model_config = ConfigDict(extra="forbid")
    weekday: Weekday
    start: time
    end: time


class Wished(BaseModel):
    """The course to look at; its fields are those of `plan.created`."""

    model_config = ConfigDict(extra="forbid")
    patient_id: Identifier = "nobody"
    starts_on: date
    phases: Annotated[list[Phase], Field(min_length=1, max_length=20)]
    session_minutes: Annotated[int, Field(ge=30, le=60)] = 45
    skill: Code
    room_kind: Code
    practitioner_id: Identifier | None = None
    preferred_times: list[PreviewTime] = []
    impossible_times: list[PreviewTime] = []
    booking: BookingRule = "best-effort"
    limits: Annotated[list[VisitLimit], Field(max_length=20)] = []


@dataclass(frozen=True, slots=True)
class Previews:
    """The endpoint."""

    running: Running
    bearer: WhoAsks

    async def preview(self, request: Request, wished: Wished) -> dict[str, Any]:
        """Every session with its explicit date, every conflict by name, and the quality figures; nothing is kept."""
        fact = _plan(self.bearer(request).clinic_id, wished)
        _, diary = await looked_at(self.running, fact.clinic_id, fact.patient_id)
        if diary is None:
            raise HTTPException(404, "Nobody has described the clinic yet.")
        found = preview(diary, terms_of_plan(fact))
        names = diary.calendar.resources
        appointments = [
            {
                "sequence": each.sequence,
                "start": each.start,
                "end": each.end,
                "practitioner_id": names[each.practitioner].external_id,
                "room_id": names[each.room].external_id,
            }
            for each in found.appointments
        ]
        conflicts = [asdict(conflict) for conflict in found.conflicts]
        zone, quality = diary.calendar.zone.key, asdict(found.quality)
        return {"zone": zone, "appointments": appointments, "conflicts": conflicts, "quality": quality}


def _plan(clinic_id: str, wished: Wished) -> PlanCreated:
    content = wished.model_dump() | {
        "clinic_id": clinic_id,
        "plan_id": PREVIEWED,
        "consultation_id": PREVIEWED,
        "protocol_id": PREVIEWED,
        "protocol_version": 1,
        "condition": PREVIEWED,
        "ladder": (),
        "measures": (),
        "milestones": (),
    }
    return PlanCreated.model_validate(content)
