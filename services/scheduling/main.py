"""Builds and starts scheduling."""

from services.scheduling import api
from services.scheduling.handlers import HANDLERS
from services.scheduling.store import SchedulingStore
from shared.clinics import load_clinics
from shared.clock import open_clock
from shared.messaging.service import Service, run
from shared.settings import Settings


def open_store(settings: Settings) -> SchedulingStore:
    """The store over the clinics that the settings name."""
    return SchedulingStore(load_clinics(settings.stride_clinics), open_clock(settings.stride_clock))


SERVICE = Service("scheduling", handlers=HANDLERS, store=open_store, edge=api.mount)


def main() -> None:
    """Run scheduling until it is told to stop."""
    run(SERVICE)
