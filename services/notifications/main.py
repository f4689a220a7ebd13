"""Builds the notifications service."""

from contextlib import AsyncExitStack

from services.notifications import api
from services.notifications.gateways import Inbox, Mail
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.sender import Courier, Pace, Sender, Writer
from services.notifications.store import PatientStore, finished
from services.notifications.store.ledger import Ledger
from shared.clinics import load_clinics
from shared.ids import random_id
from shared.messaging import retention
from shared.messaging.service import Running, Service, run
from shared.settings import Settings

_TICK_SECONDS = 0.005


def _store(settings: Settings) -> PatientStore:
    return PatientStore(load_clinics(settings.stride_clinics))


async def _send(running: Running) -> None:
    """Send what is due until cancelled."""
    settings, store = running.settings, running.door.store
    assert isinstance(store, PatientStore)
    # Driven time jumps, and whoever drives it waits for us.
    tick = _TICK_SECONDS if settings.stride_clock else None
    pace = Pace(lease_seconds=settings.stride_send_lease_seconds, tick_seconds=tick)
    clinics = load_clinics(settings.stride_clinics)
    letters = Letters(Wordings(), settings.stride_public_url)
    ledger = Ledger(store, random_id())
    async with AsyncExitStack() as parts:
        mail = await parts.enter_async_context(
            Mail(settings.stride_smtp, command_seconds=pace.command_seconds, answer_seconds=pace.answer_seconds)
        )
        inbox = await parts.enter_async_context(Inbox(settings.stride_mailbox)) if settings.stride_mailbox else None
        writer = Writer(running.door, ledger, pace)
        courier = Courier(running.clock, writer, clinics, letters, mail, inbox)
        await Sender(running.door, ledger, writer, courier, pace).run()


async def _forget(running: Running) -> None:
    """Remove the reminders of appointments long past until cancelled."""
    await retention.again_and_again(lambda: finished.remove_reminders(running.engine, running.clock.now()))


SERVICE = Service("notifications", handlers=HANDLERS, store=_store, edge=api.edge, background=(_send, _forget))


def main() -> None:
    """Run until told to stop."""
    run(SERVICE)
