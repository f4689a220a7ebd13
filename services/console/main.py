"""The console service, put together."""

from services.console import recount
from services.console.api import edge
from services.console.handlers import HANDLERS
from services.console.store import FileStore
from shared.messaging.service import Service, run
from shared.settings import Settings


def _store(_: Settings) -> FileStore:
    return FileStore()


SERVICE = Service(name="console", handlers=HANDLERS, store=_store, edge=edge, background=(recount.run,))


def main() -> None:
    """Run the service until it is told to stop."""
    run(SERVICE)
