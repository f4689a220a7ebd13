"""Builds the notifications service."""

from services.notifications.handlers import HANDLERS
from services.notifications.store import PatientStore
from shared.clinics import load_clinics
from shared.messaging.service import Service, run
from shared.settings import Settings


def _store(settings: Settings) -> PatientStore:
    return PatientStore(load_clinics(settings.stride_clinics))


SERVICE = Service("notifications", handlers=HANDLERS, store=_store)


def main() -> None:
    """Run until told to stop."""
    run(SERVICE)
