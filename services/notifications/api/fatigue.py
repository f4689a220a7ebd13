"""How often alerts interrupt each member of staff: too many, and people stop looking."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query

from services.notifications.api.bearers import STAFF, Authorization, bearer_of
from services.notifications.store import fatigue
from shared.clinics import Clinic
from shared.messaging.service import Running
from shared.tokens import Tokens

GOAL: Final = 10
"""Interrupting messages a person a day, at most."""


def routes(running: Running, app: FastAPI, tokens: Tokens, clinics: dict[str, Clinic]) -> None:
    """Add them. Before `/alerts/{alert_id}`, which would take it for an alert."""
    app.add_api_route("/alerts/fatigue", Fatigue(running, tokens, clinics).figures)


@dataclass(frozen=True, slots=True)
class Fatigue:
    """The route."""

    running: Running
    tokens: Tokens
    clinics: dict[str, Clinic]

    async def figures(
        self, days: Annotated[int, Query(ge=1, le=366)] = 28, authorization: Authorization = ""
    ) -> dict[str, Any]:
        """Per member of staff, over the last `days`: interruptions, the worst day, alerts, how soon they are taken."""
        bearer = bearer_of(self.tokens, authorization, *STAFF)
        until = self.running.clock.now()
        since = until - timedelta(days=days)
        clinic = self.clinics.get(bearer.clinic_id)
        zone = clinic.zone if clinic else "UTC"
        async with self.running.door.work() as work:
            found = await fatigue.figures(work.tx, bearer.clinic_id, zone, since, until)
        return {
            "since": since, "until": until, "goal_per_day": GOAL, "staff": [_per_day(entry, days) for entry in found],
        }  # fmt: skip


def _per_day(entry: dict[str, Any], days: int) -> dict[str, Any]:
    median = entry.pop("median_s")
    shown = {name: value if name == "owner" else int(value) for name, value in entry.items()}
    return {
        **shown,
        "interruptions_per_day": round(shown["interruptions"] / days, 2),
        "median_minutes_to_take": None if median is None else round(float(median) / 60, 1),
    }
