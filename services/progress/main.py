"""The progress service, put together."""

from services.progress.api import edge
from services.progress.handlers import HANDLERS
from services.progress.store import RecordStore
from shared.messaging.service import Service, run
from shared.settings import Settings


def _store(_: Settings) -> RecordStore:
    return RecordStore()


SERVICE = Service(name="progress", handlers=HANDLERS, store=_store, edge=edge)


def main() -> None:
    """Run the service until it is told to stop."""
    run(SERVICE)
