"""Builds and starts scheduling."""

from services.scheduling import api
from services.scheduling.handlers import HANDLERS
from services.scheduling.inbound.clinics import bring_in_clinics, follow_the_years
from services.scheduling.inbound.holds import free_expired_holds
from services.scheduling.inbound.offers import offer_freed_time
from services.scheduling.store import SchedulingStore
from shared.clock import open_clock
from shared.messaging.service import Service, run

SERVICE = Service(
    "scheduling",
    handlers=HANDLERS,
    store=lambda settings: SchedulingStore(open_clock(settings.stride_clock)),
    edge=api.mount,
    prepare=bring_in_clinics,
    background=(follow_the_years, free_expired_holds, offer_freed_time),
)


def main() -> None:
    """Run scheduling until it is told to stop."""
    run(SERVICE)
