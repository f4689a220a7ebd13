"""FHIR R4 on scheduling: Schedule, Slot and Appointment read and searched, and the operations on Appointment."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.fhir.operations import Operations
from services.scheduling.api.fhir.searches import Searches
from shared.messaging.service import Running


def mount_fhir(running: Running, app: FastAPI, bearer: WhoAsks) -> None:
    """Add the routes; operations before ids, which would take their names."""
    read, change = Searches(running, bearer), Operations(running, bearer)
    base = "/fhir/Appointment"
    one = f"{base}/{{appointment_id}}"
    routes: list[tuple[str, Callable[..., Any], str]] = [
        (f"{base}/$find", read.find, "GET"),
        (f"{base}/$hold", change.hold, "POST"),
        (f"{base}/$book", change.book, "POST"),
        (f"{one}/$confirm", change.confirm, "POST"),
        (f"{one}/$release", change.release, "POST"),
        (f"{one}/$reschedule", change.reschedule, "POST"),
        (f"{one}/$cancel", change.cancel, "POST"),
        (base, read.search, "GET"),
        (one, read.read, "GET"),
        ("/fhir/Schedule", read.schedules, "GET"),
        ("/fhir/Schedule/{schedule_id}", read.schedule, "GET"),
        ("/fhir/Slot", read.slots, "GET"),
    ]
    for path, endpoint, method in routes:
        app.add_api_route(path, endpoint, methods=[method], response_model=None)
